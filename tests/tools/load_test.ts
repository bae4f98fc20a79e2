/** The load tool against a real server of its own: each mode, small. */
import assert from "node:assert/strict";
import { runLoad } from "../../tools/load.ts";
import { gauge, quantile } from "../../tools/load_crowd.ts";
import { memoryFound } from "../../tools/load_memory.ts";

async function load(...args: string[]): Promise<Record<string, unknown>> {
  const lines: string[] = [];
  const small = ["--pairs", "2", "--clients", "20"];
  assert.equal(await runLoad([...args, ...small], (line) => lines.push(line)), 0);
  assert.equal(lines.length, 1);
  return JSON.parse(lines[0]!);
}

Deno.test("messages go through a server under load, at saturation and at a fixed rate", async () => {
  const found = await load("saturation", "--in-flight", "3", "--seconds", "1");
  assert.ok(Number(found["rate"]) > 10, JSON.stringify(found));
  const { firstMib, mostMib, slopeMibPerMillion } = found["memory"] as Record<string, number>;
  assert.ok(10 < firstMib! && firstMib! <= mostMib!);
  assert.equal(typeof slopeMibPerMillion, "number");
  const paced = await load("rate", "--per-second", "50", "--seconds", "1");
  const [accepted, delivered] = [paced["accepted"], paced["delivered"]] as { count: number }[];
  assert.deepEqual([accepted!.count, delivered!.count], [50, 50]);
});

Deno.test("saturation lasts until a number of messages went through, where one is given", async () => {
  const found = await load("saturation", "--in-flight", "3", "--seconds", "1", "--messages", "90");
  assert.ok(Number(found["rate"]) > 0, JSON.stringify(found));
});

Deno.test("a queue is stored and drained whole, over TLS too", async () => {
  const found = await load("offline", "--messages", "700", "--tls");
  assert.equal(found["target"], "snug, TLS");
  assert.ok(Number(found["store"]) > 0 && Number(found["drain"]) > 0);
});

Deno.test("a server that is killed under its clients has all of them back", async () => {
  const found = await load("storm", "--seconds", "1");
  assert.equal(found["clients"], 20);
  assert.ok(Number(found["allBack"]) > 0);
  assert.equal(found["lostAgain"], 0);
});

Deno.test("help says what there is; an unknown mode is help too, and a failure", async () => {
  for (const [args, status] of [[["--help"], 0], [["nothing"], 2]] as const) {
    const lines: string[] = [];
    assert.equal(await runLoad([...args], (line) => lines.push(line)), status);
    for (const word of ["saturation", "rate", "offline", "idle", "storm", "--tls"]) {
      assert.ok(lines.join("\n").includes(word), word);
    }
  }
});

Deno.test("one value is found in the text of metrics", () => {
  const text = '# HELP a b\nsnug_sockets 12\nsnug_x{code="rate"} 3\n';
  assert.equal(gauge(text, "snug_sockets"), 12);
  assert.equal(gauge(text, 'snug_x{code="rate"}'), 3);
  assert.equal(gauge(text, "snug_y"), null);
});

Deno.test("a quantile is of what came between two readings", () => {
  const text = (...counts: number[]) =>
    ["0.01", "0.1", "+Inf"].map((le, at) => `h_bucket{le="${le}"} ${counts[at]}`).join("\n");
  assert.equal(quantile(text(0, 50, 50), text(99, 150, 150), "h", 0.99), 0.01);
  assert.equal(quantile(text(0, 50, 50), text(98, 150, 150), "h", 0.99), 0.1);
  assert.equal(quantile(text(0, 0, 0), text(0, 0, 5), "h", 0.5), Infinity);
});

Deno.test("memory that grows with the messages has a slope, one that levels out has none", () => {
  const mib = 2 ** 20;
  const looks = (bytesAt: (million: number) => number) =>
    Array.from({ length: 31 }, (_, n) => ({ messages: n * 100_000, bytes: bytesAt(n / 10) }));
  const leak = memoryFound(looks((million) => (100 + 7 * million) * mib));
  assert.ok(Math.abs(leak.slopeMibPerMillion! - 7) < 1e-6);
  assert.deepEqual([leak.firstMib, leak.lastMib, leak.mostMib], [100, 121, 121]);
  const level = memoryFound(looks((million) => (100 + 50 * Math.min(million, 1)) * mib));
  assert.ok(
    Math.abs(level.slopeMibPerMillion!) < 1e-6,
    "caches that fill at the start do not count",
  );
  const saw = memoryFound(looks((million) => (100 + million * 10 % 2 * 30) * mib));
  assert.ok(Math.abs(saw.slopeMibPerMillion!) < 3 && saw.mostMib > 129);
});

Deno.test("too few looks at memory say nothing of a slope", () => {
  const looks = [1, 2, 3].map((n) => ({ messages: n, bytes: n }));
  assert.equal(memoryFound(looks).slopeMibPerMillion, null);
  const still = Array.from({ length: 9 }, (_, n) => ({ messages: 5, bytes: n }));
  assert.equal(memoryFound(still).slopeMibPerMillion, null);
});
