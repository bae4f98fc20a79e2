/**
 * A process that writes to a database as fast as it can, as the server does: `busy_writer.ts PATH`.
 *
 * Each transaction adds two rows, changes some and removes some, all over the file, and keeps two
 * promises that a torn copy would break: the amounts sum up to zero, and `mark` says how many
 * transactions there were. On every line of standard input it says, in JSON, how many there have
 * been, how long the longest one since the last line took, and how long one had to wait at most, with
 * its turn. A line `DATA FILE RECIPIENT` (hexadecimal) makes a backup first, as a server does by itself.
 */
import { setImmediate } from "node:timers";
import { backupInThread } from "../../backup_worker.ts";
import { openDatabase } from "../../db/sqlite.ts";
import { fromHex } from "../../protocol/encoding.ts";

const KEPT = 20_000;
const SCATTER = 7_919;

const [path = ""] = Deno.args;
const db = openDatabase(path);
db.exec(`
create table if not exists ledger (no integer primary key, amount integer not null, body blob) strict;
create index if not exists ledger_amount on ledger (amount);
create table if not exists mark (one integer primary key, done integer not null) strict;
insert or ignore into mark values (1, 0);
`);
const add = db.prepare("insert into ledger (no, amount, body) values (?, ?, randomblob(600))");
const move = db.prepare("update ledger set amount = amount + ? where no = ?");
const drop = db.prepare("delete from ledger where no in (?, ?)");
const read = db.prepare("select amount from ledger where no = ?");
const mark = db.prepare("update mark set done = ? where one = 1");
let done = Number(db.prepare("select done from mark").get()!.done);
let [longest, waited] = [0, 0];

function write(): void {
  const no = done * 2;
  const amount = (done * SCATTER) % 1000;
  db.exec("begin immediate");
  add.run(no, amount);
  add.run(no + 1, -amount);
  const from = Math.max(0, done - KEPT);
  const pair = (from + (done * SCATTER) % Math.max(1, done - from)) * 2;
  if (read.get(pair) !== undefined && pair !== no) {
    move.run(1, pair);
    move.run(-1, pair + 1);
  }
  if (done >= KEPT) drop.run((done - KEPT) * 2, (done - KEPT) * 2 + 1);
  mark.run(++done);
  db.exec("commit");
}

const THREAD = new URL("./backup_thread.ts", import.meta.url).href;

async function backUp(line: string): Promise<unknown> {
  const [dataDir = "", file = "", recipient = ""] = line.split(" ");
  if (recipient === "") return undefined;
  const task = { dataDir, file, recipient: fromHex(recipient) };
  return await backupInThread(THREAD, task, new AbortController().signal);
}

async function answer(): Promise<void> {
  const lines = Deno.stdin.readable.pipeThrough(
    new TextDecoderStream() as TransformStream<Uint8Array<ArrayBuffer>, string>,
  );
  let unread = "";
  for await (const chunk of lines) {
    const parts = (unread + chunk).split("\n");
    unread = parts.pop()!;
    for (const line of parts) {
      const outcome = await backUp(line);
      console.log(JSON.stringify({ done, longest, waited, outcome }));
      [longest, waited] = [0, 0];
    }
  }
  db.close();
  Deno.exit(0);
}

void answer();
for (let turn = performance.now();; turn = performance.now()) {
  // Group commits of a busy server come one an event-loop turn, and leave it time to read.
  await new Promise((resolve) => setImmediate(resolve));
  const start = performance.now();
  write();
  const end = performance.now();
  longest = Math.max(longest, end - start);
  waited = Math.max(waited, end - turn);
}
