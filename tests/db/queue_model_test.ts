/** The queue against a model in a few lines of arrays: the same random life for both. */
import assert from "node:assert/strict";
import * as fc from "fast-check";
import { createQueue, type QueueLimits, type SubmissionWork } from "../../db/queue.ts";
import { openDatabase } from "../../db/sqlite.ts";
import { type DeviceId, ID_BYTES, idFrom, type SubmitId } from "../../protocol/ids.ts";
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
const RECENCY = { events: 8, waiting: 5, bytes: 3_000, submits: 30 };
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

/** `all`: one ciphertext for everybody, as in a room. `low`: an id below all that rise. */
type Sending = {
  from: number;
  to: number;
  length: number;
  stale: boolean;
  all: boolean;
  low: boolean;
};
type Ack = { device: number; ahead: number };

type Op =
  | { op: "send"; sends: Sending[]; acks: Ack[] }
  | { op: "resend"; back: number }
  | { op: "add" | "remove" | "swap"; person: number; at: number }
  | { op: "restart" | "forget" | "settle" | "sweep" | "tidy" | "look" };

/** `doom`: the statement that fails while this is done. */
type Step = { doing: Op; doom: typeof STEPS[number] | null };

const oneIn = (n: number) => fc.nat(n - 1).map((drawn) => drawn === 0);

const sending: fc.Arbitrary<Sending> = fc.record({
  from: who,
  to: who,
  length: fc.oneof(
    { weight: 3, arbitrary: fc.constant(50) },
    { weight: 6, arbitrary: fc.integer({ min: 4, max: 600 }) },
    { weight: 1, arbitrary: fc.integer({ min: 1_500, max: 2_100 }) },
  ),
  stale: oneIn(10),
  all: oneIn(4),
  low: oneIn(4),
});

const ack: fc.Arbitrary<Ack> = fc.record({
  device: fc.nat(20),
  ahead: fc.integer({ min: -2, max: 4 }),
});

const op: fc.Arbitrary<Op> = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      op: fc.constant("send" as const),
      sends: fc.array(sending, { maxLength: 3 }),
      acks: fc.array(ack, { maxLength: 2 }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      op: fc.constant("resend" as const),
      back: fc.oneof(fc.constant(0), fc.nat(20)),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      op: fc.constantFrom("add" as const, "remove" as const, "swap" as const),
      person: who,
      at: fc.nat(3),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      op: fc.constantFrom(
        "restart" as const,
        "forget" as const,
        "settle" as const,
        "sweep" as const,
        "tidy" as const,
        "look" as const,
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

  /** The position it gets; null when it gets none. */
  put(n: number, from: string, own: boolean, bytes: number, overflow: string): number | null {
    if (!this.fits(from, own, bytes) && overflow === "refuse") {
      this.gaps++;
      return null;
    }
    const theirs = () => this.entries.filter((one) => one.from === from).length;
    while (!own && theirs() >= LIMITS.perSender) {
      this.drop(this.entries.findIndex((one) => one.from === from));
    }
    while (!this.fits(from, own, bytes) && this.entries.length > 0) this.drop(0);
    this.entries.push({ n, from, bytes, position: this.next });
    return this.next++;
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
  low = 0;

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
        return await this.send(op.sends, op.acks);
      case "resend":
        return await this.resend(this.sent.at(-1 - op.back));
      case "add":
      case "remove":
      case "swap":
        return this.change(this.people[op.person]!, op.op, op.at);
      case "settle":
        return await this.settle();
      case "look":
        return await this.checkDepth();
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

  async send(sends: readonly Sending[], asked: readonly Ack[]): Promise<void> {
    const works = sends.map((one) => this.work(one));
    const acks = asked.map((one) => this.ack(one));
    const { submissions } = await this.queue.commit(batch({ acks, submissions: works }));
    for (const { device, position } of acks) {
      const queue = this.model.get(device)!;
      queue.entries = queue.entries.filter((one) => one.position > position);
    }
    works.forEach((work, at) => {
      const result = submissions[at]!;
      this.sent.push({ work, accepted: result.kind === "accepted" });
      const expected = sends[at]!.stale ? "stale" : this.expect(work);
      if (result.kind === "refused") return assert.equal(result.refusal.code, expected);
      assert.ok(result.kind === "accepted");
      assert.deepEqual(result.placed.map(({ device, position }) => [device, position]), expected);
    });
  }

  work({ from, to, length, stale, all, low }: Sending): SubmissionWork {
    const sender = this.people[from]!;
    const body = numbered(++this.n, length);
    const destinations = (all ? this.people : [this.people[to]!]).map((one) => {
      const version = this.versions.get(one)! - (stale ? 1 : 0);
      const sent = destination(one, body, version, sender.devices[0]);
      if (!all) return sent;
      return { ...sent, envelopes: sent.envelopes.map((each) => ({ ...each, envelope: body })) };
    });
    return submission(sender, destinations, low ? this.lowId() : nextId());
  }

  lowId(): SubmitId {
    const bytes = new Uint8Array(16);
    new DataView(bytes.buffer).setUint32(12, ++this.low);
    return idFrom(bytes);
  }

  ack({ device, ahead }: Ack): { device: DeviceId; position: number } {
    const id = [...this.model.keys()][device % this.model.size]!;
    const { entries, next } = this.model.get(id)!;
    return { device: id, position: Math.max(0, (entries[0]?.position ?? next) + ahead) };
  }

  /** The model's answer, and the places it gives; moves the model when it accepts. */
  expect({ account, destinations }: SubmissionWork): "full" | [DeviceId, number][] {
    const full = destinations.some(({ account: to, envelopes }) =>
      to !== account &&
      envelopes.every(({ device, envelope }) =>
        !this.model.get(device)!.fits(account, false, envelope.length)
      )
    );
    if (full && this.overflow === "refuse") return "full";
    const placed: [DeviceId, number][] = [];
    for (const { account: to, envelopes } of destinations) {
      for (const { device, envelope } of envelopes) {
        const [own, n] = [to === account, numberIn(envelope)];
        const queue = this.model.get(device)!;
        const position = queue.put(n, account, own, envelope.length, this.overflow);
        if (position !== null) placed.push([device, position]);
      }
    }
    return placed;
  }

  async resend(before: { work: SubmissionWork; accepted: boolean } | undefined): Promise<void> {
    if (!before?.accepted) return;
    const { submissions: [result] } = await this.queue.commit(
      batch({ submissions: [before.work] }),
    );
    const gone = !this.model.has(before.work.device);
    assert.deepEqual(result, gone ? { kind: "gone" } : { kind: "accepted", placed: [] });
  }

  change(person: Person, how: "add" | "remove" | "swap", at: number): void {
    const many = person.devices.length;
    if (how === "add" ? many > 3 : how === "remove" ? many < 2 : false) return;
    const devices = [...person.devices];
    if (how !== "add") devices.splice(at % many, 1);
    if (how !== "remove") devices.push(nextId<DeviceId>());
    const gone = person.devices.filter((device) => !devices.includes(device));
    changeList(this.db, person, devices);
    for (const device of gone) this.model.delete(device);
    for (const device of devices) {
      if (!this.model.has(device)) this.model.set(device, new ModelQueue());
    }
    this.versions.set(person, this.versions.get(person)! + 1);
  }

  /** In memory, after it was read again, and after everything moved. */
  async checkAll(): Promise<void> {
    await this.check();
    this.queue = createQueue(this.db, this.limits, RECENCY);
    await this.check();
    await this.settle();
    await this.check();
  }

  async settle(): Promise<void> {
    await this.queue.settle();
    const left = this.db.prepare(
      "select (select count(*) from turns) + (select count(*) from taken) as n",
    );
    assert.equal(left.get()?.n, 0);
  }

  async check(): Promise<void> {
    for (const [device, { entries, gaps }] of this.model) {
      const held = await this.queue.read(device, 0, { envelopes: 100, bytes: 1e9 });
      const got = held.map(({ position, envelope, sender }) => {
        const from = idFrom<"account">(sender.slice(0, ID_BYTES));
        return { n: numberIn(envelope), from, bytes: envelope.length, position };
      });
      assert.deepEqual(got, entries);
      const row = this.db.prepare("select gaps from queues where device = ?").get(device);
      assert.equal(row?.gaps ?? 0, gaps);
    }
    await this.checkDepth();
    assert.deepEqual(this.db.prepare("pragma foreign_key_check").all(), []);
    const loose =
      "select 1 from bodies where no not in (select shared from envelopes where shared is not null)";
    assert.deepEqual(this.db.prepare(loose).all(), []);
  }

  async checkDepth(): Promise<void> {
    const expected = [...this.model.values()].reduce((sum, { entries }) => sum + entries.length, 0);
    assert.equal((await this.queue.depth()).waiting, expected);
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
