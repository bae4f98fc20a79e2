/** Submissions that were taken, against a model: no id twice, whatever order, sweep or restart. */
import assert from "node:assert/strict";
import * as fc from "fast-check";
import { openDatabase } from "../../db/sqlite.ts";
import { TakenSubmits } from "../../db/taken.ts";
import { transaction } from "../../db/transaction.ts";
import { idFrom, type SubmitId } from "../../protocol/ids.ts";
import { addPerson } from "../helpers/relay_world.ts";

const SEED = 20261121;
/** So few are recent that they move now and then. */
const MOST = 48;
const SENDERS = [1, 2];

type Op =
  | { op: "take"; sender: number; ids: number[] }
  | { op: "settle" | "restart" | "day" | "jump" }
  | { op: "sweep"; sender: number; rows: number };

const sender = fc.constantFrom(...SENDERS);
const op: fc.Arbitrary<Op> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      op: fc.constant("take" as const),
      sender,
      ids: fc.array(fc.nat(60), { minLength: 1, maxLength: 8 }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      op: fc.constantFrom("settle" as const, "restart" as const, "day" as const, "jump" as const),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ op: fc.constant("sweep" as const), sender, rows: fc.nat(4) }),
  },
);

function idOf(n: number): SubmitId {
  const bytes = new Uint8Array(16);
  bytes[0] = n;
  return idFrom(bytes) as unknown as SubmitId;
}

class Life {
  readonly db = openDatabase(":memory:");
  #taken = new TakenSubmits(this.db, MOST);
  #senders = new Map(SENDERS.map((no) => [no, this.#taken.claim(no)]));
  /** The days of ids that may not be taken again. */
  readonly #model = new Map(SENDERS.map((no) => [no, new Map<number, number>()]));
  #day = 1;

  constructor() {
    for (const no of SENDERS) {
      const { devices } = addPerson(this.db);
      this.db.prepare("insert into queues (no, device) values (?, ?)").run(no, devices[0]!);
    }
  }

  run(doing: Op): void {
    if (doing.op === "take") transaction(this.db, () => this.#take(doing.sender, doing.ids));
    else if (doing.op === "sweep") this.#sweep(doing.sender, doing.rows);
    else if (doing.op === "settle") transaction(this.db, () => this.#taken.settle());
    else if (doing.op === "restart") this.#restart();
    else this.#day += doing.op === "day" ? 1 : this.#day > 50 ? -90 : 100;
    this.#day = Math.max(1, this.#day);
  }

  #take(no: number, ids: number[]): void {
    for (const n of ids) {
      const fresh = this.#taken.fresh(this.#senders.get(no)!, idOf(n));
      const known = this.#model.get(no)!;
      if (known.has(n)) assert.equal(fresh, null, "an id is taken once");
      if (fresh !== null) {
        this.#taken.add(this.#senders.get(no)!, idOf(n), fresh, this.#day);
        known.set(n, this.#day);
      }
    }
    this.#taken.write();
  }

  /** Some old rows go, as in a sweep that has not come to the end. */
  #sweep(no: number, rows: number): void {
    const old = "select sender, submit, more from submits where sender = ? and day < ? limit ?";
    for (const row of this.db.prepare(old).all(no, this.#day, rows)) {
      const drop = this.db.prepare("delete from submits where sender = ? and submit = ?");
      drop.run(no, row.submit as Uint8Array);
      const more = row.more as Uint8Array | null ?? new Uint8Array();
      const gone = [row.submit as Uint8Array];
      for (let at = 0; at < more.length; at += 16) gone.push(more.subarray(at, at + 16));
      const known = this.#model.get(no)!;
      for (const [n, day] of known) {
        if (!gone.some((id) => idOf(n) === idFrom(id) as string)) continue;
        assert.ok(day < this.#day, "nothing is swept before its day");
        known.delete(n);
      }
    }
  }

  #restart(): void {
    this.#taken = new TakenSubmits(this.db, MOST);
    this.#senders = new Map(SENDERS.map((no) => [no, this.#taken.claim(no)]));
  }

  /** Nothing is remembered that was never taken: every id in the tables is one of the model's. */
  check(): void {
    transaction(this.db, () => this.#taken.settle());
    for (const [no, known] of this.#model) {
      const rows = this.db.prepare("select submit, more from submits where sender = ?").all(no);
      const bytes = rows.reduce(
        (sum, { more }) => sum + 16 + ((more as Uint8Array)?.length ?? 0),
        0,
      );
      assert.equal(bytes / 16, known.size);
      for (const n of known.keys()) {
        assert.equal(this.#taken.fresh(this.#senders.get(no)!, idOf(n)), null);
      }
    }
  }
}

Deno.test("ATTACK ids in any order, sweeps, restarts and jumping clocks: none is taken twice", () => {
  fc.assert(
    fc.property(fc.array(op, { minLength: 40, maxLength: 60 }), (steps) => {
      const life = new Life();
      try {
        for (const one of steps) life.run(one);
        life.check();
      } finally {
        life.db.close();
      }
    }),
    { seed: SEED, numRuns: 80 },
  );
});
