/**
 * The ratchet beside the least that its primitives cost, measured in turns so that a busy neighbour
 * slows both. Also settles where HMAC and HKDF run (see crypto/ratchet/chain_key.ts).
 *
 *     taskset -c 1 deno run --allow-all bench/ratchet_bench.ts
 */
import { expand, extract } from "@noble/hashes/hkdf.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { hkdf, hmac } from "../crypto/kdf.ts";
import { randomBytes } from "../crypto/random.ts";
import { skipChain, stepChain } from "../crypto/ratchet/chain_key.ts";
import { type Context, decryptMessage, encryptMessage } from "../crypto/session.ts";
import { type Bytes, utf8 } from "../protocol/encoding.ts";
import { decodeEnvelope } from "../protocol/envelope.ts";
import { accept, makeParty, NOON, open, Side, talking } from "../tests/helpers/parties.ts";

type Case = readonly [name: string, work: () => Promise<unknown>];

const ROUNDS = 7;
const WINDOW_MS = 150;

/** Every figure of this file, one JSON line each. Takes about half a minute. */
export async function ratchetBench(): Promise<void> {
  await interleaved(await messageCases());
  await interleaved(chainCases());
  await interleaved(await sessionCases());
  await jump();
}

async function messageCases(): Promise<Case[]> {
  const [one, turns] = [await talking(), await talking()];
  const small = randomBytes(64);
  return [
    ["floor of a message pair, 64 bytes: its primitives alone", floor(256)],
    ["message pair, 64 bytes", () => pass(one.alice, one.bob, small)],
    ["message pair, 64 bytes, control", () => pass(one.alice, one.bob, small, "control")],
    ["floor of a message pair, 1,024 bytes", floor(2048)],
    ["message pair, 1,024 bytes", () => pass(one.alice, one.bob, randomBytes(1024))],
    ["message pair that turns the ratchet, 64 bytes", pingPong(turns.alice, turns.bob)],
    ["garbage for a known session, refused", garbage(one.bob)],
  ];
}

/** Two chain steps, two HKDF and four AES-GCM with their key imports: nothing a pair could do without. */
function floor(padded: number): () => Promise<void> {
  const [key, salt, ad] = [randomBytes(32), randomBytes(16), randomBytes(101)];
  const [header, content] = [randomBytes(40), randomBytes(padded)];
  const info = utf8("snug/1 message pairwise");
  return async () => {
    for (let side = 0; side < 2; side++) {
      stepChain(key);
      expand(sha256, extract(sha256, key, salt), info, 44);
      for (const plain of [header, content]) await aes(key, ad, plain);
    }
  };
}

// Opening costs what sealing does.
async function aes(key: Bytes, ad: Bytes, plain: Bytes): Promise<void> {
  const imported = await crypto.subtle.importKey("raw", key, "AES-GCM", false, ["encrypt"]);
  const iv = key.slice(0, 12);
  await crypto.subtle.encrypt({ name: "AES-GCM", iv, additionalData: ad }, imported, plain);
}

async function pass(from: Side, to: Side, content: Bytes, context: Context = "pairwise") {
  const sent = await encryptMessage(from.state, content, context);
  from.state = sent.state;
  to.state = (await decryptMessage(to.state, decodeEnvelope(sent.envelope), NOON)).state;
}

function pingPong(alice: Side, bob: Side): () => Promise<void> {
  const content = randomBytes(64);
  let turn = 0;
  return () => turn++ % 2 ? pass(bob, alice, content) : pass(alice, bob, content);
}

function garbage(side: Side): () => Promise<unknown> {
  const session = side.state.id;
  const rest = { kind: "ordinary", session, opening: null, ciphertext: randomBytes(272) } as const;
  return () => {
    const envelope = { ...rest, header: randomBytes(68), salt: randomBytes(16) };
    return decryptMessage(side.state, envelope, NOON).catch(() => null);
  };
}

function chainCases(): Case[] {
  const [key, salt] = [randomBytes(32), randomBytes(16)];
  const info = utf8("snug/1 message pairwise");
  return [
    ["chain step in JavaScript", () => Promise.resolve(stepChain(key))],
    [
      "chain step in WebCrypto, both HMACs at once",
      () => Promise.all([hmac(key, Uint8Array.of(1)), hmac(key, Uint8Array.of(2))]),
    ],
    [
      "body key in JavaScript",
      () => Promise.resolve(expand(sha256, extract(sha256, key, salt), info, 44)),
    ],
    ["body key in WebCrypto", () => hkdf(key, salt, info, 44)],
  ];
}

async function sessionCases(): Promise<Case[]> {
  const [a, b] = [await makeParty("sealed"), await makeParty("sealed")];
  return [["session: open, first message, accept", async () => {
    const alice = new Side(a, await open(a, b));
    await accept(b, a, await alice.send("hello"));
  }]];
}

/** The longest jump: what a message costs that arrives after 25,000 others were lost. */
async function jump(): Promise<void> {
  const times: number[] = [];
  for (let i = 0; i < ROUNDS; i++) {
    const { alice, bob } = await talking();
    const { ratchet } = alice.state;
    const begun = (await encryptMessage(alice.state, randomBytes(1), "pairwise")).state.ratchet;
    const chain = begun.sending!;
    const key = skipChain(chain.chainKey, 25_000 - chain.next, 0).next;
    const sending = { ...chain, chainKey: key, next: 25_000 };
    alice.state = { ...alice.state, ratchet: { ...ratchet, ...begun, sending } };
    const envelope = await alice.send("far ahead");
    const start = performance.now();
    await bob.receive(envelope);
    times.push(performance.now() - start);
  }
  line("jump of 25,000 messages", "ms", times);
}

async function interleaved(cases: readonly Case[]): Promise<void> {
  const rates = cases.map(() => [] as number[]);
  for (let round = -1; round < ROUNDS; round++) {
    for (const [index, [, work]] of cases.entries()) {
      const rate = await window(work);
      if (round >= 0) rates[index]!.push(rate);
    }
  }
  for (const [index, [name]] of cases.entries()) line(name, "ops/s", rates[index]!);
}

function line(name: string, unit: string, values: readonly number[]): void {
  const sorted = values.toSorted((a, b) => a - b);
  const figures = [sorted[0], sorted[sorted.length >> 1], sorted.at(-1)];
  // Three digits say all that a shared machine can.
  const [min, median, max] = figures.map((value) => Number(value!.toPrecision(3)));
  const runtime = `deno ${Deno.version.deno}`;
  console.log(JSON.stringify({ bench: "ratchet", name, unit, median, min, max, runtime }));
}

async function window(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  let runs = 0;
  do {
    await work();
    runs++;
  } while (performance.now() - start < WINDOW_MS);
  return runs / (performance.now() - start) * 1000;
}

if (import.meta.main) await ratchetBench();
