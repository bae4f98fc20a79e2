/** Rows that nobody can read, in a folder and in a backup: refused in words, and given up when asked. */
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { giveUpRows } from "../../db/give_up.ts";
import { createQueue } from "../../db/queue.ts";
import { openStore } from "../../db/store.ts";
import { TurnWriter } from "../../db/turn_log.ts";
import { main } from "../../main.ts";
import { makeDatabase, parts, withFolder } from "../helpers/backups.ts";
import { namesIn } from "../helpers/files.ts";
import { count, queueTest, send } from "../helpers/queue_world.ts";
import {
  addPerson,
  batch,
  destination,
  numbered,
  ROOMY,
  submission,
} from "../helpers/relay_world.ts";

async function snug(...args: string[]) {
  const [printed, logged]: string[][] = [[], []];
  const status = await main(args, {
    env: (name) => name === "SNUG_BACKUP_PASSPHRASE" ? "twelve small words" : undefined,
    print: (line) => printed!.push(line),
    writeLog: (line) => logged!.push(line),
    now: () => 0,
    stop: new AbortController().signal,
  });
  return { status, printed: printed!.join("\n"), logged: logged!.join("\n") };
}

function change(dataDir: string, sql: string): void {
  const db = new DatabaseSync(`${dataDir}/snug.db`);
  db.exec(sql);
  db.close();
}

/** A folder in which one envelope waits in a row that can be read, and two rows cannot be. */
async function withBroken(body: (root: string, dataDir: string) => Promise<void>): Promise<void> {
  await withFolder(async (root) => {
    const { dataDir } = await parts(root);
    const [ana, ben] = [makeDatabase(dataDir), makeDatabase(dataDir)];
    const store = openStore(`${dataDir}/snug.db`, ROOMY);
    await store.queue.commit(
      batch({ submissions: [submission(ana, [destination(ben, numbered(1))])] }),
    );
    await store.close();
    change(dataDir, "insert into turns values (7, x'99'); insert into taken values (8, x'99')");
    await body(root, dataDir);
  });
}

function waiting(dataDir: string): number {
  const db = new DatabaseSync(`${dataDir}/snug.db`);
  try {
    return Number(db.prepare("select count(*) as count from turns").get()!.count);
  } finally {
    db.close();
  }
}

const GIVEN_UP = [
  "Given up: row 7 of the table turns, and what waited there.",
  "Given up: row 8 of the table taken, and what waited there.",
].join("\n");

Deno.test("a backup with a row that cannot be read is refused, and restored without it when asked", () =>
  withBroken(async (root, dataDir) => {
    assert.equal((await snug("backup", `${root}/b`, "--data", dataDir)).status, 0);
    const into = [`${root}/b`, "--data", `${root}/new`];
    const refused = await snug("restore", ...into);
    assert.equal(refused.status, 1);
    assert.match(
      refused.logged,
      /^snug: The database in the backup is damaged: row 7 of the table turns cannot be read: .* Use another backup; without one, --give-up-rows restores the rest\.$/,
    );
    assert.ok(!(await namesIn(root)).includes("new"), "nothing is put in place");
    const restored = await snug("restore", ...into, "--give-up-rows");
    assert.deepEqual([restored.status, restored.logged], [0, ""]);
    assert.ok(restored.printed.includes(GIVEN_UP), restored.printed);
    await openStore(`${root}/new/snug.db`, ROOMY).close();
    assert.equal(waiting(`${root}/new`), 1, "what can be read is there");
  }));

Deno.test("without FILE only the rows of the folder are given up, and the server starts", () =>
  withBroken(async (_root, dataDir) => {
    const open = () => openStore(`${dataDir}/snug.db`, ROOMY);
    assert.throws(open, /restore the last backup\. Without one, snug restore --give-up-rows helps/);
    const first = await snug("restore", "--give-up-rows", "--data", dataDir);
    assert.deepEqual([first.status, first.logged], [0, ""]);
    assert.ok(first.printed.startsWith(GIVEN_UP), first.printed);
    await open().close();
    assert.equal(waiting(dataDir), 1);
    const again = await snug("restore", "--give-up-rows", "--data", dataDir);
    assert.match(again.printed, /data: every row can be read; nothing was changed\.$/);
  }));

Deno.test("a folder that was put back with such a row is made good without it", () =>
  withBroken(async (_root, dataDir) => {
    assert.match((await snug("restore", "--in-place", "--data", dataDir)).logged, /row 7 of the/);
    const { status, printed } = await snug(
      ...["restore", "--in-place", "--give-up-rows", "--data", dataDir],
    );
    assert.equal(status, 0);
    assert.ok(printed.startsWith(GIVEN_UP), printed);
    assert.match(printed, /made good as after a restore/);
  }));

Deno.test("rows are given up on a folder at rest only, and nothing else is taken with it", () =>
  withBroken(async (root, dataDir) => {
    change(dataDir, "delete from turns where no = 7; delete from taken where no = 8");
    const store = openStore(`${dataDir}/snug.db`, ROOMY);
    const busy = await snug("restore", "--give-up-rows", "--data", dataDir);
    assert.match(busy.logged, /Another Snug is running on this data folder/);
    assert.equal(busy.status, 1);
    await store.close();
    for (const more of [["--key-file", "a"], ["--passphrase-file", "a"]]) {
      const { status, logged } = await snug("restore", "--give-up-rows", ...more);
      assert.equal(status, 2);
      assert.match(
        logged,
        /^snug: --give-up-rows without FILE is for a folder that is in its place/,
      );
    }
    assert.equal((await snug("restore", "--give-up-rows", "--data", root)).status, 1);
    assert.match(
      (await snug("backup", "a", "--give-up-rows")).logged,
      /is not a flag of snug backup/,
    );
  }));

queueTest(
  "ATTACK a queue that was never idle in three million envelopes gives no position again",
  async ({ db, queue }) => {
    const [ana, ben] = [addPerson(db), addPerson(db)];
    await queue.read(ben.devices[0]!, 0, { envelopes: 1, bytes: 1 });
    const writer = new TurnWriter();
    writer.begin(1);
    writer.placed(
      count(db, "select no as n from queues"),
      3_000_000,
      new Uint8Array(32),
      numbered(1),
    );
    db.prepare("insert into turns values (1, ?)").run(writer.end());
    const busy = createQueue(db, ROOMY);
    await busy.tidy();
    await send(busy, ana, ben, 2);
    await busy.tidy();
    assert.equal(count(db, "select no as n from turns"), 2, "the older one left");
    db.exec("update turns set body = x'99'");
    assert.equal(giveUpRows(db).length, 1);
    const restarted = createQueue(db, ROOMY);
    await send(restarted, ana, ben, 3);
    const held = await restarted.read(ben.devices[0]!, 0, { envelopes: 9, bytes: 2 ** 20 });
    assert.ok(held.at(-1)!.position > 3_000_001);
  },
);
