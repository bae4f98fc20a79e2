/** Backups while another process writes without a pause: none may be torn, and nobody may wait. */
import assert from "node:assert/strict";
import { resolve } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setImmediate } from "node:timers";
import { fileURLToPath } from "node:url";
import type { BackupOutcome } from "../../backup_worker.ts";
import { makeBackup, type Unlock } from "../../db/backup.ts";
import { newKeyPair } from "../../db/backup_recipient.ts";
import { restoreBackup } from "../../db/restore.ts";
import { openDatabase } from "../../db/sqlite.ts";
import { toHex } from "../../protocol/encoding.ts";
import { type Given, parts, withFolder } from "../helpers/backups.ts";

const SLOW = Deno.env.get("SNUG_SLOW") === "1";
const BINARY = Deno.env.get("SNUG_BINARY");
const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const BACKUPS = SLOW ? 20 : 3;
/** Transactions: about as long as a backup takes. */
const ALONE = 5_000;
/** What a sender may have to wait on a machine that does nothing else: `SNUG_QUIET=1` asks for it. */
const QUIET_MS = 100;
/** Far above it: other programs may run on the machine of a test. */
const STALL_MS = 2_000;

/** Milliseconds, since it was last asked. */
interface Said {
  /** Transactions so far. */
  readonly done: number;
  /** The longest one. */
  readonly longest: number;
  /** The same with the time until it had its turn. */
  readonly waited: number;
  readonly outcome?: BackupOutcome;
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

  /** What it has to say, after it has made the backup that `words` ask for. */
  async ask(...words: string[]): Promise<Said> {
    await this.#input.write(new TextEncoder().encode(`${words.join(" ")}\n`));
    let line = "";
    while (!line.endsWith("\n")) line += (await this.#output.read()).value ?? "\n";
    return JSON.parse(line) as Said;
  }

  /** Resolves once so many transactions more are done; gives the longest. */
  async run(transactions: number): Promise<Said> {
    const first = await this.ask();
    let [longest, waited] = [0, 0];
    for (;;) {
      const said = await this.ask();
      longest = Math.max(longest, said.longest);
      waited = Math.max(waited, said.waited);
      if (said.done >= first.done + transactions) return { ...said, longest, waited };
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

/** One way to make backups; `make` makes one, and gives what the writer says of that time. */
interface Way {
  readonly words: string;
  readonly unlock: Unlock;
  readonly make: (options: Given, file: string, writer: Writer) => Promise<Said>;
}

async function backups({ words, unlock, make }: Way): Promise<void> {
  await withFolder(async (root) => {
    const { dataDir, options: { stretch: _, ...options } } = await parts(root);
    openDatabase(`${dataDir}/snug.db`).close();
    const writer = new Writer(`${dataDir}/snug.db`);
    try {
      await writer.run(25_000);
      const alone: Said[] = [];
      const during: Said[] = [];
      for (let i = 0; i < BACKUPS; i++) {
        const [file, restored] = [`${root}/${i}.backup`, `${root}/${i}`];
        // What the disk does to a writer by itself, in between: other machines may share it.
        if (SLOW) alone.push(await writer.run(ALONE));
        const before = await writer.ask();
        during.push(await make(options, file, writer));
        await restoreBackup({ ...options, unlock, file, dataDir: restored });
        checkLedger(`${restored}/snug.db`, before.done);
        await Deno.remove(restored, { recursive: true });
        await Deno.remove(file);
      }
      if (SLOW) report(words, alone, during);
      const longest = Math.max(...during.map((each) => each.longest));
      const most = Deno.env.get("SNUG_QUIET") === "1" ? QUIET_MS : STALL_MS;
      assert.ok(longest < most, `the writer was held for ${longest} ms`);
    } finally {
      await writer.stop();
    }
  });
}

function report(words: string, alone: readonly Said[], during: readonly Said[]): void {
  for (const [what, of] of [["commit", "longest"], ["turn and commit", "waited"]] as const) {
    console.log(`${words}: the writer's longest ${what}, ms`);
    for (const [when, which] of [["meanwhile", during], ["in between", alone]] as const) {
      const all = which.map((each) => each[of]);
      const sorted = all.toSorted((a, b) => a - b);
      const [median, most] = [sorted[all.length >> 1]!, sorted.at(-1)!].map((ms) => ms.toFixed(1));
      const each = all.map((ms) => ms.toFixed(0)).join(" ");
      console.log(`  ${when}: median ${median}, most ${most} (${each})`);
    }
  }
}

const PASSPHRASE = { passphrase: "twelve small words" };

/** The program itself, as people and timers start it. */
async function snugBackup({ dataDir }: Given, file: string, writer: Writer): Promise<Said> {
  const words = ["backup", file, "--data", dataDir];
  const source = ["run", "--quiet", "--no-check", "-A", resolve(ROOT, "main.ts")];
  const [program, args] = BINARY === undefined
    ? [Deno.execPath(), [...source, ...words]]
    : [resolve(ROOT, BINARY), words];
  const env = { SNUG_BACKUP_PASSPHRASE: PASSPHRASE.passphrase };
  const { success, stderr } = await new Deno.Command(program, { args, env, cwd: ROOT }).output();
  assert.ok(success, new TextDecoder().decode(stderr));
  return await writer.ask();
}

Deno.test("backups during saturation are whole, and hold the writer for no time worth naming", () =>
  backups({ words: "snug backup", unlock: PASSPHRASE, make: snugBackup }));

Deno.test("so are those that the writing process makes by itself, in a thread", async () => {
  const { publicKey, privateKey } = await newKeyPair();
  await backups({
    words: "--backup-every",
    unlock: { privateKey },
    async make({ dataDir }, file, writer) {
      const said = await writer.ask(dataDir, file, toHex(publicKey));
      assert.ok(
        said.outcome !== undefined && "bytes" in said.outcome,
        JSON.stringify(said.outcome),
      );
      return said;
    },
  });
});

Deno.test("copying that takes long, in many small steps, is just as whole", () => {
  // Readers change at every piece, and checkpoints and new logs come in between.
  const step = () => new Promise<void>((resolve) => setImmediate(resolve));
  return backups({
    words: "while copying slowly",
    unlock: PASSPHRASE,
    async make(options, file, writer) {
      await makeBackup({ ...options, pace: { turn: 0, piece: 16_384, step }, file });
      return await writer.ask();
    },
  });
});
