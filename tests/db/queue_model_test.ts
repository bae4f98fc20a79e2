/** The queue against a model in a few lines of arrays: the same random life for both. */
import assert from "node:assert/strict";
import * as fc from "fast-check";
import { createQueue, type QueueLimits, type SubmissionWork } from "../../db/queue.ts";
import { openDatabase } from "../../db/sqlite.ts";
import type { DeviceId } from "../../protocol/ids.ts";
import {
  addPerson,
  batch,
  changeList,
  destination,
  nextId,
  numbered,
  numberIn,
  type Person,
  submission,
} from "../helpers/relay_world.ts";

const SEED = 20261121;
const PEOPLE = 3;
/** So little is recent that every run moves some. */
const RECENCY = { events: 8, waiting: 5, bytes: 3_000, submits: 6 };
/** Statements that may fail, wherever the writing has come to. */
const STEPS = [
  "insert on turns",
  "delete on turns",
  "insert on taken",
  "delete on taken",
  "insert on envelopes",
  "delete on envelopes",
  "insert on submits",
  "update of top on queues",
  "update of gaps on queues",
  "insert on queues",
] as const;
const LIMITS = { envelopes: 6, perSender: 3, bytes: 2_000 };
const who = fc.nat(PEOPLE - 1);

type Op =
  | { op: "send"; from: number; to: number; length: number; stale: boolean }
  | { op: "resend"; back: number }
  | { op: "ack"; device: number; ahead: number }
  | { op: "add" | "remove"; person: number }
  | { op: "restart" | "forget" | "settle" | "sweep" | "tidy" };

/** `doom`: the statement that fails while this is done. */
type Step = { doing: Op; doom: typeof STEPS[number] | null };

const op: fc.Arbitrary<Op> = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.record({
      op: fc.constant("send" as const),
      from: who,
      to: who,
      length: fc.oneof(
        { weight: 9, arbitrary: fc.integer({ min: 4, max: 600 }) },
        { weight: 1, arbitrary: fc.integer({ min: 1_500, max: 2_100 }) },
      ),
      stale: fc.integer({ min: 0, max: 9 }).map((n) => n === 0),
    }),
  },
  { weight: 2, arbitrary: fc.record({ op: fc.constant("resend" as const), back: fc.nat(20) }) },
  {
    weight: 5,
    arbitrary: fc.record({
      op: fc.constant("ack" as const),
      device: fc.nat(20),
      ahead: fc.integer({ min: -2, max: 4 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ op: fc.constantFrom("add" as const, "remove" as const), person: who }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      op: fc.constantFrom(
        "restart" as const,
        "forget" as const,
        "settle" as const,
        "sweep" as const,
        "tidy" as const,
      ),
    }),
  },
);

const step: fc.Arbitrary<Step> = fc.record({
  doing: op,
  doom: fc.oneof(
    { weight: 5, arbitrary: fc.constant(null) },
    { weight: 1, arbitrary: fc.constantFrom(...STEPS) },
  ),
});

interface Entry {
  readonly n: number;
  readonly from: string;
  readonly bytes: number;
  readonly position: number;
}

/** What a device's queue ought to hold. */
class ModelQueue {
  entries: Entry[] = [];
  next = 1;
  gaps = 0;

  fits(from: string, own: boolean, bytes: number): boolean {
    const held = this.entries.reduce((sum, one) => sum + one.bytes, 0);
    const theirs = this.entries.filter((one) => one.from === from).length;
    return this.entries.length < LIMITS.envelopes && held + bytes <= LIMITS.bytes &&
      (own || theirs < LIMITS.perSender);
  }

  copy(): ModelQueue {
    return Object.assign(new ModelQueue(), this, { entries: [...this.entries] });
  }

  drop(at: number): void {
    this.entries.splice(at, 1);
    this.gaps++;
  }

  put(n: number, from: string, own: boolean, bytes: number, overflow: string): void {
    if (!this.fits(from, own, bytes) && overflow === "refuse") return void this.gaps++;
    const theirs = () => this.entries.filter((one) => one.from === from).length;
    while (!own && theirs() >= LIMITS.perSender) {
      this.drop(this.entries.findIndex((one) => one.from === from));
    }
    while (!this.fits(from, own, bytes) && this.entries.length > 0) this.drop(0);
    this.entries.push({ n, from, bytes, position: this.next++ });
  }
}

class Life {
  readonly db = openDatabase(":memory:");
  readonly people: Person[] = [];
  model = new Map<DeviceId, ModelQueue>();
  readonly versions = new Map<Person, number>();
  readonly sent: { work: SubmissionWork; accepted: boolean }[] = [];
  readonly limits: QueueLimits;
  queue;
  n = 0;

  constructor(readonly overflow: QueueLimits["overflow"]) {
    this.limits = { ...LIMITS, overflow };
    this.queue = createQueue(this.db, this.limits, RECENCY);
    for (let n = 0; n < PEOPLE; n++) {
      const person = addPerson(this.db, 1 + n % 2);
      this.people.push(person);
      this.versions.set(person, 1);
      for (const device of person.devices) this.model.set(device, new ModelQueue());
    }
  }

  /** A step that fails changes nothing; doomed as it was, it may also never have come to the statement. */
  async step({ doing, doom }: Step): Promise<void> {
    if (doom === null) return await this.run(doing);
    const model = new Map([...this.model].map(([device, queue]) => [device, queue.copy()]));
    const sent = this.sent.length;
    this.db.exec(
      ["create temp trigger doom before", doom, "begin select raise(abort, 'doomed'); end"].join(
        " ",
      ),
    );
    try {
      await this.run(doing);
    } catch (error) {
      if (!String(error).includes("doomed")) throw error;
      this.model = model;
      this.sent.length = sent;
    }
    this.db.exec("drop trigger doom");
  }

  async run(op: Op): Promise<void> {
    switch (op.op) {
      case "send":
        return await this.send(this.people[op.from]!, this.people[op.to]!, op.length, op.stale);
      case "resend":
        return await this.resend(this.sent.at(-1 - op.back));
      case "ack":
        return await this.ack([...this.model.keys()][op.device % this.model.size]!, op.ahead);
      case "add":
      case "remove":
        return this.change(this.people[op.person]!, op.op === "add");
      case "settle":
        return await this.queue.settle();
      case "tidy":
        return await this.queue.tidy();
      case "sweep":
        return void await this.queue.expireEnvelopes(1, 2, 0);
      case "forget":
        return this.db.exec("update directory_epoch set removals = removals + 1");
      case "restart":
        this.queue = createQueue(this.db, this.limits, RECENCY);
    }
  }

  async send(from: Person, to: Person, length: number, stale: boolean): Promise<void> {
    const version = this.versions.get(to)! - (stale ? 1 : 0);
    const work = submission(from, [
      destination(to, numbered(++this.n, length), version, from === to ? from.devices[0] : null),
    ]);
    const { submissions: [result] } = await this.queue.commit(batch({ submissions: [work] }));
    this.sent.push({ work, accepted: result!.kind === "accepted" });
    const expected = stale ? "stale" : this.expect(work, to);
    assert.equal(result!.kind === "refused" ? result!.refusal.code : result!.kind, expected);
  }

  /** The model's answer; moves the model when it accepts. */
  expect({ account, destinations: [first] }: SubmissionWork, to: Person): string {
    const own = account === to.account;
    const queues = first!.envelopes.map(({ device }) => this.model.get(device)!);
    const bytes = first!.envelopes[0]?.envelope.length ?? 0;
    const full = queues.every((queue) => !queue.fits(account, own, bytes));
    if (!own && full && this.overflow === "refuse") return "full";
    for (const queue of queues) queue.put(this.n, account, own, bytes, this.overflow);
    return "accepted";
  }

  async resend(before: { work: SubmissionWork; accepted: boolean } | undefined): Promise<void> {
    if (!before?.accepted) return;
    const { submissions: [result] } = await this.queue.commit(
      batch({ submissions: [before.work] }),
    );
    const gone = !this.model.has(before.work.device);
    assert.deepEqual(result, gone ? { kind: "gone" } : { kind: "accepted", placed: [] });
  }

  async ack(device: DeviceId, ahead: number): Promise<void> {
    const queue = this.model.get(device)!;
    const position = (queue.entries[0]?.position ?? queue.next) + ahead;
    await this.queue.commit(batch({ acks: [{ device, position }] }));
    queue.entries = queue.entries.filter((one) => one.position > position);
  }

  change(person: Person, add: boolean): void {
    if (add ? person.devices.length > 3 : person.devices.length < 2) return;
    const devices = add ? [...person.devices, nextId<DeviceId>()] : person.devices.slice(1);
    for (const device of person.devices) if (!devices.includes(device)) this.model.delete(device);
    for (const device of devices) {
      if (!this.model.has(device)) this.model.set(device, new ModelQueue());
    }
    changeList(this.db, person, devices);
    this.versions.set(person, this.versions.get(person)! + 1);
  }

  /** In memory, after it was read again, and after everything moved. */
  async checkAll(): Promise<void> {
    await this.check();
    this.queue = createQueue(this.db, this.limits, RECENCY);
    await this.check();
    await this.queue.settle();
    await this.check();
    const left = this.db.prepare(
      "select (select count(*) from turns) + (select count(*) from taken) as n",
    );
    assert.equal(left.get()?.n, 0);
  }

  async check(): Promise<void> {
    for (const [device, { entries, gaps }] of this.model) {
      const held = await this.queue.read(device, 0, { envelopes: 100, bytes: 1e9 });
      const got = held.map(({ position, envelope }) => [position, numberIn(envelope)]);
      assert.deepEqual(got, entries.map(({ position, n }) => [position, n]));
      const row = this.db.prepare("select gaps from queues where device = ?").get(device);
      assert.equal(row?.gaps ?? 0, gaps);
    }
    const expected = [...this.model.values()].reduce((sum, { entries }) => sum + entries.length, 0);
    assert.equal((await this.queue.depth()).waiting, expected);
    assert.deepEqual(this.db.prepare("pragma foreign_key_check").all(), []);
  }
}

for (const overflow of ["refuse", "drop-oldest"] as const) {
  Deno.test(`5,000 random operations leave the queue as a model says (${overflow})`, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 100, maxLength: 100 }), async (steps) => {
        const life = new Life(overflow);
        try {
          for (const one of steps) await life.step(one);
          await life.checkAll();
        } finally {
          life.db.close();
        }
      }),
      { seed: SEED, numRuns: 50 },
    );
  });
}
