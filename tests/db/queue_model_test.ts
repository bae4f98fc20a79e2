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
/** So few recent rows that every run moves some. */
const GENERATION = 4;
const LIMITS = { envelopes: 6, perSender: 3, bytes: 2_000 };
const who = fc.nat(PEOPLE - 1);

type Op =
  | { op: "send"; from: number; to: number; length: number; stale: boolean }
  | { op: "resend"; back: number }
  | { op: "ack"; device: number; ahead: number }
  | { op: "add" | "remove"; person: number }
  | { op: "crash" | "restart" };

const op: fc.Arbitrary<Op> = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.record({
      op: fc.constant("send" as const),
      from: who,
      to: who,
      length: fc.integer({ min: 4, max: 600 }),
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
    weight: 1,
    arbitrary: fc.record({ op: fc.constantFrom("crash" as const, "restart" as const) }),
  },
);

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
  readonly model = new Map<DeviceId, ModelQueue>();
  readonly versions = new Map<Person, number>();
  readonly sent: { work: SubmissionWork; accepted: boolean }[] = [];
  readonly limits: QueueLimits;
  queue;
  n = 0;

  constructor(readonly overflow: QueueLimits["overflow"]) {
    this.limits = { ...LIMITS, overflow };
    this.queue = createQueue(this.db, this.limits, GENERATION);
    for (let n = 0; n < PEOPLE; n++) {
      const person = addPerson(this.db, 1 + n % 2);
      this.people.push(person);
      this.versions.set(person, 1);
      for (const device of person.devices) this.model.set(device, new ModelQueue());
    }
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
      case "crash":
        return await this.crash();
      case "restart":
        this.queue = createQueue(this.db, this.limits, GENERATION);
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

  /** A batch that fails at its end changes nothing. */
  async crash(): Promise<void> {
    const [from, to] = this.people as [Person, Person];
    const work = submission(from, [destination(to, numbered(0), this.versions.get(to)!)]);
    const acks = to.devices.map((device) => ({ device, position: 1_000_000 }));
    this.db.exec(`create temp trigger boom before delete on recent_envelopes
      begin select raise(abort, 'crash'); end`);
    this.db.exec(`create temp trigger bang after insert on recent_submits
      begin select raise(abort, 'crash'); end`);
    await assert.rejects(this.queue.commit(batch({ submissions: [work], acks })));
    this.db.exec("drop trigger boom; drop trigger bang");
  }

  async check(): Promise<void> {
    for (const [device, { entries, gaps }] of this.model) {
      const held = await this.queue.read(device, 0, { envelopes: 100, bytes: 1e9 });
      const got = held.map(({ position, envelope }) => [position, numberIn(envelope)]);
      assert.deepEqual(got, entries.map(({ position, n }) => [position, n]));
      const row = this.db.prepare("select gaps from queues where device = ?").get(device);
      assert.equal(row?.gaps ?? 0, gaps);
    }
    const orphans = this.db.prepare(
      `select count(*) as n from (select queue from envelopes union all
        select queue from recent_envelopes) where queue not in (select no from queues)`,
    ).get();
    assert.equal(orphans?.n, 0);
  }
}

for (const overflow of ["refuse", "drop-oldest"] as const) {
  Deno.test(`5,000 random operations leave the queue as a model says (${overflow})`, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(op, { minLength: 100, maxLength: 100 }), async (ops) => {
        const life = new Life(overflow);
        try {
          for (const one of ops) await life.run(one);
          await life.check();
        } finally {
          life.db.close();
        }
      }),
      { seed: SEED, numRuns: 50 },
    );
  });
}
