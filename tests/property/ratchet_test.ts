/**
 * Two devices and a network that loses, reorders and repeats, against a model that knows no
 * cryptography. fast-check prints seed and path of a failure; SNUG_SLOW=1 runs 1,000 schedules.
 */
import assert from "node:assert/strict";
import fc from "fast-check";
import { DecryptError } from "../../crypto/errors.ts";
import type { Bytes } from "../../protocol/encoding.ts";
import { accept, fingerprint, makeParty, open, Side, type TestParty } from "../helpers/parties.ts";

const RUNS = Deno.env.get("SNUG_SLOW") === "1" ? 1000 : 100;

type Who = 0 | 1;

/** A message as the model sees it: its place in its sender's chains. */
interface Sent {
  readonly from: Who;
  readonly text: string;
  readonly envelope: Bytes;
  readonly chain: number;
  readonly number: number;
  readonly previousLength: number;
}

/** What one end must know to say what will happen, without a key. */
class Model {
  chain = -1;
  number = 0;
  previousLength = 0;
  mustTurn = true;
  heard = -1;
  next = 0;
  missing = new Map<number, Set<number>>();
  total = 0;
  forgot = false;

  send(): Pick<Sent, "chain" | "number" | "previousLength"> {
    if (this.mustTurn) {
      if (this.chain >= 0) this.previousLength = this.number;
      [this.chain, this.number, this.mustTurn] = [this.chain + 1, 0, false];
    }
    const { chain, previousLength } = this;
    return { chain, number: this.number++, previousLength };
  }

  /** The gap and lateness that the message must be reported with, or null when it must be refused. */
  receive({ chain, number, previousLength }: Sent): { gap: number; late: boolean } | null {
    if (chain < this.heard || (chain === this.heard && number < this.next)) {
      const fits = this.missing.get(chain)?.delete(number) ?? false;
      this.#forget();
      if (fits) this.total--;
      return fits ? { gap: 0, late: true } : null;
    }
    let gap = 0;
    if (chain > this.heard) {
      if (this.heard >= 0) gap += this.#skip(previousLength);
      [this.heard, this.next, this.mustTurn] = [chain, 0, true];
    }
    gap += this.#skip(number);
    this.next++;
    this.#forget();
    this.total += gap;
    return { gap, late: false };
  }

  #skip(until: number): number {
    const gap = until - this.next;
    const missing = this.missing.get(this.heard) ?? new Set();
    for (; this.next < until; this.next++) missing.add(this.next);
    this.missing.set(this.heard, missing);
    return gap;
  }

  #forget(): void {
    const older = [...this.missing].filter(([chain]) => chain !== this.heard);
    for (const [chain, set] of older) if (!set.size) this.missing.delete(chain);
    const left = older.filter(([, set]) => set.size).map(([chain]) => chain).sort((a, b) => b - a);
    for (const chain of left.slice(5)) this.forgot = this.missing.delete(chain);
  }
}

/** The two ends, the network between them, and what each has shown its user. */
class World {
  readonly sides: [Side, Side | null];
  readonly models: [Model, Model] = [new Model(), new Model()];
  readonly wire: Sent[] = [];
  readonly shown: [Set<string>, Set<string>] = [new Set(), new Set()];
  sent = 0;

  constructor(readonly parties: [TestParty, TestParty], first: Side) {
    this.sides = [first, null];
  }

  async send(from: Who): Promise<void> {
    const side = this.sides[from];
    if (!side) return;
    const text = `message ${this.sent++}`;
    const context = this.sent % 3 ? "pairwise" : "control";
    const envelope = await side.send(text, context);
    this.wire.push({ from, text, envelope, ...this.models[from].send() });
  }

  /** Delivers what lies at `at` of the wire; it stays there when it is to come again. */
  async deliver(at: number, again: boolean): Promise<void> {
    if (!this.wire.length) return;
    const index = at % this.wire.length;
    const message = this.wire[index]!;
    if (!again) this.wire.splice(index, 1);
    const to = message.from === 0 ? 1 : 0;
    const expected = this.models[to].receive(message);
    if (expected) await this.#opens(to, message, expected);
    else await this.#refused(to, message);
  }

  async #opens(to: Who, message: Sent, expected: { gap: number; late: boolean }) {
    const side = this.sides[to];
    const opened = side
      ? await side.receiveAll(message.envelope)
      : await this.#begin(message.envelope);
    assert.deepEqual([opened.text, opened.gap, opened.late], [message.text, ...gapOf(expected)]);
    assert.ok(!this.shown[to].has(message.text), "shown twice");
    this.shown[to].add(message.text);
    assert.equal(this.sides[to]!.state.missing, this.models[to].total);
  }

  async #begin(envelope: Bytes) {
    const accepted = await accept(this.parties[1], this.parties[0], envelope);
    this.sides[1] = accepted.side;
    return accepted;
  }

  async #refused(to: Who, message: Sent) {
    const side = this.sides[to]!;
    const print = await fingerprint(side.state);
    await assert.rejects(side.receive(message.envelope), DecryptError);
    assert.equal(await fingerprint(side.state), print);
  }
}

function gapOf({ gap, late }: { gap: number; late: boolean }): [number, boolean] {
  return [gap, late];
}

type Step = { do: "send"; from: Who } | { do: "deliver"; at: number; again: boolean } | {
  do: "lose";
  at: number;
};

const sending = fc.constantFrom<Who>(0, 1).map((from): Step => ({ do: "send", from }));
const delivering = fc.tuple(fc.nat(8), fc.boolean())
  .map(([at, again]): Step => ({ do: "deliver", at, again }));
const losing = fc.nat(8).map((at): Step => ({ do: "lose", at }));
const lossy = fc.oneof(
  { weight: 5, arbitrary: sending },
  { weight: 5, arbitrary: delivering },
  { weight: 1, arbitrary: losing },
);
const lossless = fc.oneof(sending, delivering);

let parties: Promise<[TestParty, TestParty]> | undefined;

async function world(): Promise<World> {
  const [a, b] = await (parties ??= Promise.all([makeParty(), makeParty()]));
  return new World([a, b], new Side(a, await open(a, b)));
}

async function run(schedule: readonly Step[]): Promise<World> {
  const played = await world();
  for (const step of schedule) {
    if (step.do === "send") await played.send(step.from);
    else if (step.do === "deliver") await played.deliver(step.at, step.again);
    else if (played.wire.length) played.wire.splice(step.at % played.wire.length, 1);
  }
  return played;
}

Deno.test("under loss, reordering and duplication each message is shown at most once and gaps are counted", async () => {
  const schedules = fc.array(lossy, { minLength: 5, maxLength: 200, size: "max" });
  await fc.assert(
    fc.asyncProperty(schedules, async (schedule) => {
      await run(schedule);
    }),
    { numRuns: RUNS },
  );
});

Deno.test("when nothing is lost, everything sent is shown once and nothing is missing in the end", async () => {
  const schedules = fc.array(lossless, { minLength: 5, maxLength: 60, size: "max" });
  await fc.assert(
    fc.asyncProperty(schedules, async (schedule) => {
      const played = await run(schedule);
      while (played.wire.length) await played.deliver(0, false);
      // A message that six later chains have overtaken is lost; its schedule proves nothing here.
      fc.pre(played.models.every((model) => !model.forgot));
      const shown = played.shown[0].size + played.shown[1].size;
      assert.equal(shown, played.sent);
      for (const side of played.sides) assert.equal(side?.state.missing ?? 0, 0);
    }),
    { numRuns: RUNS },
  );
});
