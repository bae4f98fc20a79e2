/** Backups while another process writes without a pause: none may be torn, and nobody may wait. */
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { setImmediate } from "node:timers";
import { fileURLToPath } from "node:url";
import { makeBackup } from "../../db/backup.ts";
import { restoreBackup } from "../../db/restore.ts";
import { openDatabase } from "../../db/sqlite.ts";
import type { SnapshotPace } from "../../db/snapshot.ts";
import { parts, withFolder } from "../helpers/backups.ts";

const SLOW = Deno.env.get("SNUG_SLOW") === "1";
const BACKUPS = SLOW ? 20 : 4;
/** Far above what is meant (100 ms): other programs may run on the machine of a test. */
const STALL_MS = 2_000;

interface Said {
  readonly done: number;
  readonly longest: number;
}

/** The process of tests/helpers/busy_writer.ts. */
class Writer {
  readonly #child: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;
  readonly #output: ReadableStreamDefaultReader<string>;

  constructor(path: string) {
    const script = fileURLToPath(new URL("../helpers/busy_writer.ts", import.meta.url));
    this.#child = new Deno.Command(Deno.execPath(), {
      args: ["run", "--quiet", "--no-check", "-A", script, path],
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    this.#input = this.#child.stdin.getWriter();
    this.#output = this.#child.stdout
      .pipeThrough(new TextDecoderStream() as TransformStream<Uint8Array<ArrayBuffer>, string>)
      .getReader();
  }

  /** Transactions so far, and the longest since the last question, in milliseconds. */
  async ask(): Promise<Said> {
    await this.#input.write(new TextEncoder().encode("\n"));
    let line = "";
    while (!line.endsWith("\n")) line += (await this.#output.read()).value ?? "\n";
    return JSON.parse(line) as Said;
  }

  /** Resolves once so many transactions more are done; gives the longest. */
  async run(transactions: number): Promise<number> {
    const first = await this.ask();
    let longest = 0;
    for (;;) {
      const said = await this.ask();
      longest = Math.max(longest, said.longest);
      if (said.done >= first.done + transactions) return longest;
    }
  }

  async stop(): Promise<void> {
    await this.#input.close();
    await this.#child.status;
    await this.#output.cancel();
  }
}

/** What the writer promises holds in the copy, and at least `done` transactions are in it. */
function checkLedger(path: string, done: number): void {
  const db = new DatabaseSync(path);
  try {
    assert.equal(db.prepare("pragma integrity_check").get()!.integrity_check, "ok");
    const mark = Number(db.prepare("select done from mark").get()!.done);
    assert.ok(mark >= done, `${mark} transactions of at least ${done}`);
    const sums = db.prepare("select sum(amount) as sum, count(*) as count from ledger").get()!;
    assert.equal(sums.sum, 0);
    assert.equal(sums.count, 2 * Math.min(mark, 20_000));
    const newest = db.prepare("select max(no) as no from ledger").get()!;
    assert.equal(newest.no, mark * 2 - 1);
  } finally {
    db.close();
  }
}

async function backups(pace: Partial<SnapshotPace>, words: string): Promise<void> {
  await withFolder(async (root) => {
    const { dataDir, options } = await parts(root);
    openDatabase(`${dataDir}/snug.db`).close();
    const writer = new Writer(`${dataDir}/snug.db`);
    try {
      const alone = await writer.run(5_000);
      const stalls: number[] = [];
      for (let i = 0; i < BACKUPS; i++) {
        const before = await writer.ask();
        await makeBackup({ ...options, pace, file: `${root}/${i}.backup` });
        stalls.push((await writer.ask()).longest);
        await restoreBackup({ ...options, file: `${root}/${i}.backup`, dataDir: `${root}/${i}` });
        checkLedger(`${root}/${i}/snug.db`, before.done);
        await Deno.remove(`${root}/${i}`, { recursive: true });
        await Deno.remove(`${root}/${i}.backup`);
      }
      const longest = Math.max(...stalls);
      const rounded = [alone, longest].map((ms) => ms.toFixed(1));
      if (SLOW) {
        console.log(`writer's longest commit, ms: ${rounded[0]} alone, ${rounded[1]} ${words}`);
      }
      assert.ok(longest < STALL_MS, `the writer was held for ${longest} ms`);
    } finally {
      await writer.stop();
    }
  });
}

Deno.test("backups during saturation are whole, and hold the writer for no time worth naming", () =>
  backups({}, "during backups"));

Deno.test("copying that takes long, in many small steps, is just as whole", () => {
  // Readers change at every piece, and checkpoints and new logs come in between.
  const step = () => new Promise<void>((resolve) => setImmediate(resolve));
  return backups({ turn: 0, piece: 16_384, step }, "while copying slowly");
});
