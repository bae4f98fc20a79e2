/**
 * What the database keeps for how long: sweeps over envelopes and submissions in bounded batches,
 * so that the writer is never held for long. A sweep looks at every row once instead of trusting
 * their order: after a jump of the clock old rows may lie behind newer ones.
 */
import type { DatabaseSync } from "node:sqlite";
import type { DeviceId } from "../protocol/ids.ts";
import type { SubmitCursor, Sweep } from "./queue_work.ts";
import type { QueueMemory } from "./queue_memory.ts";
import { all, transaction } from "./transaction.ts";

/** One batch each of both sweeps; see `QueueStore`. */
export interface Sweeps {
  envelopes(minute: number, rows: number, from: number): Sweep<number>;
  submits(day: number, rows: number, from: SubmitCursor): Sweep<SubmitCursor>;
}

interface EnvelopeRow {
  readonly no: number;
  readonly position: number;
  readonly minute: number;
  readonly device: DeviceId;
  readonly bytes: number;
}

/** What goes is overwritten: a batch ends with the envelope that makes it so many bytes, whatever rows it may have. */
const STEP_BYTES = 2 ** 20;

interface SubmitRow extends SubmitCursor {
  readonly day: number;
}

/** The sweeps on one connection, beside what is remembered of its queues. */
export function createSweeps(db: DatabaseSync, memory: QueueMemory): Sweeps {
  return {
    envelopes: envelopeSweep(db, memory),
    submits: submitSweep(db, memory),
  };
}

function envelopeSweep(db: DatabaseSync, memory: QueueMemory): Sweeps["envelopes"] {
  const look = db.prepare(
    `select e.no, e.position, e.minute, q.device,
      coalesce(length(e.body), length(b.body)) as bytes from envelopes e
      join queues q on q.no = e.queue left join bodies b on b.no = e.shared
      where e.no > ? order by e.no limit ?`,
  );
  return (minute, rows, from) =>
    memory.guarded(() =>
      transaction(db, () => {
        memory.begin();
        // Below 0 it says up to which turn everything has to move first.
        const until = from === 0 ? memory.newest : -from;
        if (from <= 0 && !memory.settleSome(until)) {
          return { removed: 0, gaps: new Map(), next: -until };
        }
        const seen = all<EnvelopeRow>(look, Math.max(0, from), rows);
        const last = endOfStep(seen, minute);
        const old = seen.slice(0, last + 1).filter((row) => row.minute < minute);
        for (const { device, position } of old) {
          const queue = memory.queue(device);
          if (queue !== null) memory.expire(queue, position);
        }
        const through = last === seen.length - 1 && seen.length < rows;
        const next = through ? null : seen[last]!.no;
        return { removed: old.length, gaps: memory.finish(), next };
      })
    );
}

/** Where in the rows a step over those of before `minute` ends; -1 where there are none. */
function endOfStep(seen: readonly EnvelopeRow[], minute: number): number {
  let bytes = 0;
  const last = seen.findIndex((row) => {
    if (row.minute < minute) bytes += row.bytes;
    return bytes >= STEP_BYTES;
  });
  return last < 0 ? seen.length - 1 : last;
}

function submitSweep(db: DatabaseSync, memory: QueueMemory): Sweeps["submits"] {
  const look = db.prepare(
    `select sender, submit, day from submits where (sender, submit) > (?, ?)
      order by sender, submit limit ?`,
  );
  const drop = db.prepare("delete from submits where sender = ? and submit = ?");
  return (day, rows, from) =>
    memory.guarded(() =>
      transaction(db, () => {
        memory.begin();
        if (from.sender === 0) memory.submits.settle();
        const seen = all<SubmitRow>(look, from.sender, from.submit, rows);
        const old = seen.filter((row) => row.day < day);
        for (const { sender, submit } of old) drop.run(sender, submit);
        const next = seen.length < rows ? null : seen.at(-1)!;
        return { removed: old.length, gaps: new Map(), next };
      })
    );
}
