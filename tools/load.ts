/**
 * Puts a Snug of its own under load: many simulated devices that speak the real frames and send
 * opaque envelopes. One JSON line a result. The machine should have nothing else to do.
 */
import { parseArgs } from "node:util";
import { idle, storm } from "./load_crowd.ts";
import { fixedRate, offline, saturate } from "./load_modes.ts";
import { pinSelf } from "./load_process.ts";
import { type LoadServer, startSnug } from "./load_server.ts";

const HELP =
  `tools/load.ts MODE [options]: puts a Snug of its own under load, one JSON line a result

  saturation   as many messages as go through, each durable before it is accepted; what the
               server's memory did meanwhile, and by how much it grew for a million messages
  rate         so many messages a second, and how long each takes
  offline      messages stored for one device that is away, then drained
  idle         what an idle connection costs
  storm        the server is killed under all clients; all come back and are to stay

  --pairs N         senders and receivers [50]
  --in-flight N     messages under way for each pair [20]
  --seconds N       how long, after warming up; how long all stay after a storm [5]
  --per-second N    messages a second, for rate [1000]
  --messages N      for offline [10000]; saturation then lasts until so many went through
  --clients N       for idle and storm [10000]
  --bytes N         in an envelope [256]
  --tls             over TLS
  --snug FILE       an executable to test instead of this folder's source
  --pin             server on the first processor, devices on the second`;

type Options = Readonly<Record<string, string | boolean | undefined>>;

const number = (options: Options, name: string, standard: number) => {
  const value = Number(options[name] ?? standard);
  if (!Number.isSafeInteger(value) || value < 1) throw new Error(`--${name} is a whole number`);
  return value;
};

type Mode = (server: LoadServer, options: Options) => Promise<Record<string, unknown>>;

const MODES: Readonly<Record<string, Mode>> = {
  async saturation(server, options) {
    const shape = {
      pairs: number(options, "pairs", 50),
      inFlight: number(options, "in-flight", 20),
    };
    const messages = options["messages"] === undefined ? null : number(options, "messages", 0);
    const found = await saturate(server, shape, number(options, "seconds", 5), messages);
    return { ...shape, ...found };
  },
  async rate(server, options) {
    const shape = {
      pairs: number(options, "pairs", 50),
      perSecond: number(options, "per-second", 1000),
    };
    const seconds = number(options, "seconds", 5);
    const { accepted, delivered } = await fixedRate(server, shape.pairs, shape.perSecond, seconds);
    return { ...shape, accepted: percentiles(accepted), delivered: percentiles(delivered) };
  },
  async offline(server, options) {
    const messages = number(options, "messages", 10_000);
    const found = await offline(server, 0, messages);
    return { messages, ...found };
  },
  idle: async (server, options) => ({ ...await idle(server, number(options, "clients", 10_000)) }),
  storm: async (server, options) => ({
    ...await storm(server, number(options, "clients", 10_000), number(options, "seconds", 5)),
  }),
};

/** Milliseconds. */
export function percentiles(times: readonly number[]): Record<string, number> {
  const sorted = [...times].sort((a, b) => a - b);
  const at = (part: number) =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))];
  return {
    count: sorted.length,
    p50: at(0.5) ?? NaN,
    p99: at(0.99) ?? NaN,
    max: sorted.at(-1) ?? NaN,
  };
}

/** Runs one command line; resolves to the exit status. */
export async function runLoad(args: string[], print: (line: string) => void): Promise<number> {
  const { values: options, positionals: [name = ""] } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      ...Object.fromEntries(
        "pairs in-flight seconds per-second messages clients bytes snug".split(" ")
          .map((option) => [option, { type: "string" as const }]),
      ),
      ...{
        tls: { type: "boolean" },
        pin: { type: "boolean" },
        help: { type: "boolean", short: "h" },
      },
    },
  });
  const mode = Object.hasOwn(MODES, name) ? MODES[name] : undefined;
  if (options.help || mode === undefined) {
    print(HELP);
    return options.help ? 0 : 2;
  }
  const server = await startSnug(serverOptions(options));
  if (options.pin) pinSelf(1);
  try {
    const found = await mode(server, options);
    print(JSON.stringify({ load: name, target: server.name, ...found }));
    return 0;
  } finally {
    await server.stop();
  }
}

function serverOptions(options: Options) {
  return {
    people: Math.max(2 * number(options, "pairs", 50), number(options, "clients", 10_000) + 2),
    tls: options["tls"] === true,
    envelopeBytes: number(options, "bytes", 256),
    ...typeof options["snug"] === "string" ? { command: [options["snug"]] } : {},
    ...options["pin"] ? { cpu: 0 } : {},
  };
}

if (import.meta.main) Deno.exit(await runLoad(Deno.args, console.log));
