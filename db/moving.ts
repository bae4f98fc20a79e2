/** Moves what still waits in old turns to `envelopes`, many rows to a statement. */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { Appended } from "./appended.ts";
import { SENDER_BYTES } from "./turn_log.ts";
import type { Positions, Turn, Waiting } from "./waiting.ts";

/**
 * The row of a queue in which something is always recent stays no further behind its highest position:
 * it is what give_up.ts counts on when that cannot be read.
 */
const MOST_BEHIND = 100_000;

/** See the head of this file. Used in a transaction, which ends with {@link Moving.write}. */
export class Moving {
  readonly #appended: Appended;
  readonly #share: StatementSync;
  readonly #saveTop: StatementSync;
  /** Queues whose highest position no row would show any more. */
  #tops = new Set<Positions>();

  constructor(db: DatabaseSync) {
    this.#appended = new Appended(
      db,
      "insert into envelopes (queue, position, sender, minute, body, shared)",
      6,
    );
    this.#share = db.prepare("insert into bodies (uses, body) values (0, ?)");
    this.#saveTop = db.prepare("update queues set top = ? where no = ?");
  }

  /** The turn's row may go when this transaction ends. */
  turn(turn: Turn): void {
    const shared = turn.waiting > 1 ? this.#repeated(turn) : null;
    for (const queue of turn.queues) {
      const isBehind = queue.next - queue.top > MOST_BEHIND;
      if (queue.newest === turn.no || isBehind) this.#tops.add(queue);
    }
    for (const one of turn.placed) {
      if (one.turn === turn) this.#move(one, turn, shared?.get(one.at) ?? null);
    }
  }

  write(): void {
    this.#appended.write();
    for (const positions of this.#tops) {
      positions.top = positions.next - 1;
      this.#saveTop.run(positions.top, positions.queue);
    }
    this.#tops = new Set();
  }

  /** The transaction failed. */
  forget(): void {
    this.#appended.forget();
    this.#tops = new Set();
  }

  #move(one: Waiting, { minute, body }: Turn, shared: number | null): void {
    const at = one.at + SENDER_BYTES;
    const sender = body.subarray(one.at, at);
    const own = shared === null ? body.subarray(at, at + one.bytes) : null;
    this.#appended.add(one.in.queue, one.position, sender, minute, own, shared);
    one.turn = null;
  }

  /** Ciphertexts that several queues wait for, stored once: where they are in the row, and their numbers. */
  #repeated(turn: Turn): Map<number, number> | null {
    let before: Waiting | null = null;
    let found: Map<number, number> | null = null;
    for (const one of turn.placed) {
      if (one.turn !== turn) continue;
      if (before?.at === one.at && !found?.has(one.at)) {
        const at = one.at + SENDER_BYTES;
        const { lastInsertRowid } = this.#share.run(turn.body.subarray(at, at + one.bytes));
        found ??= new Map();
        found.set(one.at, Number(lastInsertRowid));
      }
      before = one;
    }
    return found;
  }
}
