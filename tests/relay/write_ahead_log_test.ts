/**
 * A power cut leaves a write-ahead log that ends anywhere. 200 copies of one, cut at frames and
 * within them: each opens, and holds exactly what was accepted before the cut.
 */
import assert from "node:assert/strict";
import type { DatabaseSync } from "node:sqlite";
import { createQueue, type QueueStore } from "../../db/queue.ts";
import { openDatabase } from "../../db/sqlite.ts";
import { one } from "../../db/transaction.ts";
import {
  addPerson,
  batch,
  destination,
  numbered,
  numberIn,
  type Person,
  ROOMY,
  submission,
} from "../helpers/relay_world.ts";
import { newSeed, seeded } from "../helpers/seeded.ts";

const CUTS = 200;
const COMMITS = 120;
const ALL = { envelopes: 10_000, bytes: 2 ** 30 };
/** https://www.sqlite.org/fileformat2.html#walformat: the log's head, then frames of a head and a page. */
const LOG_HEAD = 32;
const FRAME_HEAD = 24;

/** What is to be found when the log ends at `bytes` or later. */
interface Mark {
  readonly bytes: number;
  readonly numbers: readonly number[];
}

const sizeOf = (path: string) => Deno.statSync(path).size;

/** Submissions and acks by chance, one transaction each; what must be there after every one of them. */
async function write(
  queue: QueueStore,
  [from, to]: readonly [Person, Person],
  chance: (most: number) => number,
  size: () => number,
): Promise<Mark[]> {
  const marks: Mark[] = [];
  const waiting: { position: number; number: number }[] = [];
  let number = 0;
  for (let commit = 0; commit < COMMITS; commit++) {
    const numbers = Array.from({ length: 1 + chance(6) }, () => number++);
    const submissions = numbers.map((n) =>
      submission(from, [destination(to, numbered(n, 100 + chance(6_000)))])
    );
    const acked = chance(4) === 0 ? waiting.at(chance(waiting.length + 1)) : undefined;
    const acks = acked ? [{ device: to.devices[0]!, position: acked.position }] : [];
    const results = await queue.commit(batch({ submissions, acks }));
    results.submissions.forEach((result, at) => {
      assert.ok(result.kind === "accepted");
      waiting.push({ position: result.placed[0]!.position, number: numbers[at]! });
    });
    const gone = waiting.findIndex(({ position }) => position > (acked?.position ?? 0));
    waiting.splice(0, gone);
    marks.push({ bytes: size(), numbers: waiting.map((one) => one.number) });
  }
  return marks;
}

/** Where to cut: at a frame's beginning, or anywhere within one. */
function cut(size: number, page: number, chance: (most: number) => number): number {
  const frame = FRAME_HEAD + page;
  const at = LOG_HEAD + chance((size - LOG_HEAD) / frame + 1 | 0) * frame;
  return Math.min(size, chance(2) === 0 ? at : at + 1 + chance(frame - 1));
}

async function contents(db: DatabaseSync, of: Person): Promise<number[]> {
  const rows = await createQueue(db, ROOMY).read(of.devices[0]!, 0, ALL);
  return rows.map(({ envelope }) => numberIn(envelope));
}

function soundness(db: DatabaseSync): unknown {
  const integrity = one<{ integrity_check: string }>(db.prepare("pragma integrity_check"));
  return [integrity?.integrity_check, db.prepare("pragma foreign_key_check").all().length];
}

Deno.test("200 cuts of the write-ahead log: it opens, and what was accepted before the cut is there", async () => {
  const seed = newSeed();
  const chance = seeded(seed);
  const dir = await Deno.makeTempDir({ prefix: "snug-wal-" });
  const [path, log] = [`${dir}/snug.db`, `${dir}/snug.db-wal`];
  const people = (db: DatabaseSync) => [addPerson(db), addPerson(db)] as const;
  const db = openDatabase(path);
  const [from, to] = people(db);
  db.exec("pragma wal_checkpoint(truncate)");
  db.exec("pragma wal_autocheckpoint = 0");
  const page = one<{ page_size: number }>(db.prepare("pragma page_size"))!.page_size;
  const queue = createQueue(db, ROOMY);
  const marks = await write(queue, [from, to], chance, () => sizeOf(log));
  for (let n = 0; n < CUTS; n++) {
    const copy = `${dir}/cut.db`;
    const bytes = cut(sizeOf(log), page, chance);
    await Deno.copyFile(path, copy);
    await Deno.writeFile(`${copy}-wal`, (await Deno.readFile(log)).subarray(0, bytes));
    const words = `SNUG_SEED=${seed}, cut ${n} at ${bytes} of ${sizeOf(log)}`;
    const reopened = openDatabase(copy);
    const expected = marks.findLast((mark) => mark.bytes <= bytes)?.numbers ?? [];
    assert.deepEqual(await contents(reopened, to), expected, words);
    assert.deepEqual(soundness(reopened), ["ok", 0], words);
    reopened.close();
  }
  db.close();
  await Deno.remove(dir, { recursive: true });
});
