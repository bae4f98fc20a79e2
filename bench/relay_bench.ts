/**
 * The relay beside its floors and its peers, in one go: `deno task bench relay`.
 *
 * Server on the first processor, clients on the second; every round runs every target once, so that
 * a busy neighbour meets all of them; medians with spread. Plain TCP, messages of 256 bytes, limits
 * raised. Rates are for comparing within one run: rows of different days say nothing. What stalls is
 * stopped and said to have stalled, so a run has an end: five rounds take about 15 minutes on a quiet
 * machine.
 */
import { parseArgs } from "node:util";
import { fixedRate, offline, saturate, type Saturation } from "../tools/load_modes.ts";
import { percentiles } from "../tools/load.ts";
import { pinSelf } from "../tools/load_process.ts";
import { startSnug } from "../tools/load_server.ts";
import type { LoadTarget } from "../tools/load_target.ts";
import { startFloor } from "./relay_floors.ts";
import { startNats } from "./relay_nats.ts";
import { startXmpp } from "./relay_xmpp.ts";

const HELP = `deno task bench relay [--rounds=N] [--seconds=N] [--targets=NAME,NAME]
  --rounds   how often every target is run, for the medians [5]
  --seconds  how long each load lasts [2]
  --targets  only these, as the lines name them`;

const { values: OPTIONS } = parseArgs({
  options: {
    rounds: { type: "string", default: "5" },
    seconds: { type: "string", default: "2" },
    targets: { type: "string" },
    help: { type: "boolean" },
  },
});
const ROUNDS = wholeNumber("rounds");
const SECONDS = wholeNumber("seconds");
/** Longest that one target may take in one round. ejabberd takes half of it to store what waits. */
const LIMIT_MS = 170_000 + SECONDS * 10_000;
const BYTES = 256;
const [SERVER, CLIENTS] = [0, 1];
const SHAPES = [{ pairs: 50, inFlight: 20 }, { pairs: 400, inFlight: 1 }];
const OFFLINE_MESSAGES = 10_000;
/** A fixed rate lasts so many times longer: a hundredth of few messages is one pause of the disk. */
const FIXED = 3;

type Start = () => Promise<LoadTarget | null>;

const snug = (tls: boolean) => startSnug({ people: 802, tls, envelopeBytes: BYTES, cpu: SERVER });

const TARGETS: Readonly<Record<string, Start>> = {
  "storage-free relay": () => startFloor("bare", SERVER, BYTES),
  "group commit floor": () => startFloor("group", SERVER, BYTES),
  "snug": () => snug(false),
  "snug, TLS": () => snug(true),
  "ejabberd": () => startXmpp("ejabberd", SERVER, BYTES),
  "prosody": () => startXmpp("prosody", SERVER, BYTES),
  "nats jetstream": () => startNats(SERVER, BYTES),
};

const NAMES = Object.keys(TARGETS).filter((name) =>
  OPTIONS.targets?.split(",").includes(name) ?? true
);

function wholeNumber(name: "rounds" | "seconds"): number {
  const value = Number(OPTIONS[name]);
  if (!Number.isSafeInteger(value) || value < 1) throw new Error(`--${name} is a whole number`);
  return value;
}

/** What every round found: measure, then target. */
const found = new Map<string, Map<string, number[]>>();

function note(measure: string, target: string, value: number): void {
  const of = found.get(measure) ?? new Map<string, number[]>();
  found.set(measure, of);
  of.set(target, [...of.get(target) ?? [], value]);
}

function noteSaturation(name: string, target: string, { rate, serverTime }: Saturation): void {
  note(`${name}, messages/s`, target, rate);
  note(`${name}, messages/s of the server's processor`, target, rate / serverTime);
}

/** How often a target did not come to its end in time. */
const stalls = new Map<string, number>();

async function round(name: string, start: Start): Promise<void> {
  const target = await start();
  if (target === null) return;
  const late = Promise.withResolvers<"late">();
  const timer = setTimeout(() => late.resolve("late"), LIMIT_MS);
  try {
    if (await Promise.race([measure(name, target), late.promise]) !== "late") return;
    stalls.set(name, (stalls.get(name) ?? 0) + 1);
    console.error(`${name} stalled and was stopped after ${LIMIT_MS / 1_000} seconds`);
  } finally {
    clearTimeout(timer);
    await target.stop();
  }
}

async function measure(name: string, target: LoadTarget): Promise<void> {
  for (const shape of SHAPES) {
    const label = `${shape.pairs} x ${shape.inFlight}`;
    noteSaturation(label, name, await saturate(target, shape, SECONDS));
  }
  const { accepted, delivered } = await fixedRate(target, 50, 1_000, FIXED * SECONDS);
  const safe = percentiles(target.accepts ? accepted : delivered);
  note("1,000/s, accepted p50 ms", name, safe["p50"]!);
  note("1,000/s, accepted p99 ms", name, safe["p99"]!);
  if (!name.includes("relay") && !name.includes("floor")) await away(name, target);
}

/** Every round begins with another target: nobody is always the one after the slowest. */
function inTurn(round: number): readonly string[] {
  const first = round % NAMES.length;
  return [...NAMES.slice(first), ...NAMES.slice(0, first)];
}

/** One sender, one receiver, whose indices are beyond those that talked before. */
async function away(name: string, target: LoadTarget): Promise<void> {
  const { store, drain } = await offline(target, 800, OFFLINE_MESSAGES);
  note("offline, stored/s", name, store);
  note("offline, drained/s", name, drain);
}

function report(): void {
  for (const [measure, of] of found) {
    const ours = middle(of.get("snug") ?? []);
    for (const [target, values] of of) {
      const all = sorted(values);
      const line = {
        ...{ bench: "relay", measure, target, median: middle(all), min: all[0], max: all.at(-1) },
        ...{
          rounds: all.length,
          snugToThis: ours / middle(all),
          runtime: `deno ${Deno.version.deno}`,
        },
      };
      console.log(JSON.stringify(line, (_key, value) => short(value)));
    }
  }
}

/** Three digits say all that a shared machine can. */
const short = (value: unknown) => typeof value === "number" ? Number(value.toPrecision(3)) : value;
const sorted = (values: readonly number[]) => [...values].sort((a, b) => a - b);
const middle = (values: readonly number[]) => sorted(values)[values.length >> 1] ?? NaN;

if (import.meta.main) {
  if (OPTIONS.help) {
    console.log(HELP);
    Deno.exit(0);
  }
  pinSelf(CLIENTS);
  for (let n = 0; n < ROUNDS; n++) {
    for (const name of inTurn(n)) {
      console.error(`round ${n + 1} of ${ROUNDS}: ${name}`);
      await round(name, TARGETS[name]!);
    }
  }
  for (const name of NAMES) {
    const missing = ![...found.values()].some((of) => of.has(name));
    if (stalls.has(name)) {
      console.log(JSON.stringify({ bench: "relay", target: name, stalled: stalls.get(name) }));
    } else if (missing) {
      console.log(JSON.stringify({ bench: "relay", target: name, skipped: "not installed here" }));
    }
  }
  report();
  Deno.exit(0);
}
