/** A data folder of which one file is not as a server left it: one line that names it, and no damage. */
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { main } from "../main.ts";
import type { CommandIo } from "../serve.ts";
import { withFolder } from "./helpers/backups.ts";
import { filesBelow } from "./helpers/canary.ts";

const loose = { sanitizeOps: false, sanitizeResources: false };

/** Runs one command line on `data`; a server is stopped as soon as it is up. */
async function run(data: string, command: string, print?: CommandIo["print"]) {
  const [printed, logged]: string[][] = [[], []];
  const status = await main([...command.split(" "), "--data", data], {
    env: () => undefined,
    print: print ?? ((line) => printed!.push(line)),
    writeLog: (line) => logged!.push(line),
    now: () => Date.UTC(2026, 10, 21),
    stop: AbortSignal.abort(),
  });
  return { status, printed: printed!, lines: logged!.filter((line) => !line.startsWith("{")) };
}

const SERVE = "serve --listen 127.0.0.1:0";

/** Everything that matters, by name; what SQLite makes for whoever looks does not. */
function contents(data: string): Map<string, string> {
  const files = filesBelow(data).filter(({ name }) => !/-(lock|wal|shm)$/.test(name));
  return new Map(files.map(({ name, bytes }) => [name, new TextDecoder("latin1").decode(bytes)]));
}

/** A folder of a server that ran once. */
async function withData(body: (data: string) => Promise<void>): Promise<void> {
  await withFolder(async (root) => {
    const data = `${root}/data`;
    assert.equal((await run(data, SERVE)).status, 0);
    await body(data);
  });
}

const cut = (path: string) => Deno.truncate(path);
const garbage = (path: string) => Deno.writeTextFile(path, "no such thing as it should be\n");
const gone = (path: string) => Deno.remove(path);

/** What is done to a file, and what the start says. */
const REFUSED: readonly [file: string, done: (path: string) => Promise<void>, said: RegExp][] = [
  ["snug.db", cut, /snug\.db is missing or empty, but secrets\.json is there\. Restore the last/],
  ["snug.db", gone, /snug\.db is missing or empty, but secrets\.json is there\. Restore the last/],
  ["secrets.json", cut, /secrets\.json is damaged\. Restore it from the backup\.$/],
  ["secrets.json", garbage, /secrets\.json is damaged/],
  ["ca.pem", cut, /ca\.pem is damaged\. Put it back from a copy; or move ca\.pem and ca\.key away/],
  ["ca.pem", garbage, /ca\.pem is damaged/],
  ["ca.key", gone, /ca\.key is missing\. Put it back from a copy; or move/],
];

for (const [file, done, said] of REFUSED) {
  Deno.test(
    `${file}, ${done.name}: the start is one line that says what to do, and changes nothing`,
    loose,
    () =>
      withData(async (data) => {
        await done(`${data}/${file}`);
        const before = contents(data);
        const { status, lines } = await run(data, SERVE);
        assert.equal(status, 1);
        assert.equal(lines.length, 1, lines.join("\n"));
        assert.match(lines[0]!, said);
        assert.deepEqual(contents(data), before);
      }),
  );
}

Deno.test(
  "a leaf that is damaged is signed again, by the authority that people trust",
  loose,
  () =>
    withData(async (data) => {
      for (const file of ["server.pem", "server.key"]) {
        for (const done of [cut, garbage, gone]) {
          const before = contents(data);
          await done(`${data}/${file}`);
          assert.equal((await run(data, SERVE)).status, 0, `${file} ${done.name}`);
          assert.equal(contents(data).get("ca.pem"), before.get("ca.pem"));
        }
      }
    }),
);

Deno.test("the key of another authority signs nothing", loose, () =>
  withData(async (data) => {
    await Deno.copyFile(`${data}/server.key`, `${data}/ca.key`);
    assert.equal((await run(data, SERVE)).status, 0, "what is signed already is good");
    await gone(`${data}/server.key`);
    const { status, lines } = await run(data, SERVE);
    assert.equal(status, 1);
    assert.match(lines[0]!, /ca\.key is not the key of ca\.pem\. Put it back/);
  }));

/** What is done to a file, and what the doctor says and advises. */
const FOUND: readonly [string, (path: string) => Promise<void>, string, RegExp, RegExp][] = [
  ["ca.pem", garbage, "certificate", /^fail .*ca\.pem is damaged/, /Put it back from a copy/],
  ["ca.key", gone, "certificate", /^fail .*ca\.key is missing/, /Put it back from a copy/],
  ["ca.key", garbage, "certificate", /^fail .*not the key of ca\.pem/, /Put it back from a copy/],
  ["server.key", cut, "certificate", /^warn .*are damaged/, /Restart the server/],
  ["secrets.json", cut, "secrets", /^fail .*is damaged/, /Restore it from the last backup/],
  ["snug.db", garbage, "database", /^fail .*snug\.db: it is damaged/, /restore the last backup/],
];

for (const [file, done, check, said, cure] of FOUND) {
  Deno.test(
    `the doctor says what is wrong with ${file}, ${done.name}, and what helps`,
    loose,
    () =>
      withData(async (data) => {
        await done(`${data}/${file}`);
        const { printed } = await run(data, "doctor --listen 127.0.0.1:0");
        const at = printed.findIndex((line) => line.slice(6).startsWith(check));
        assert.match(printed[at]!, said);
        assert.match(printed[at + 1]!, cure);
      }),
  );
}

Deno.test(
  "the doctor sends nobody to a backup for a database that is newer, or not ours",
  loose,
  () =>
    withData(async (data) => {
      const change = (sql: string) => {
        const db = new DatabaseSync(`${data}/snug.db`);
        db.exec(sql);
        db.close();
      };
      const cure = async () => {
        const { printed } = await run(data, "doctor --listen 127.0.0.1:0");
        return printed[printed.findIndex((line) => line.startsWith("fail  database")) + 1];
      };
      change("pragma user_version = 99");
      assert.match(await cure() ?? "", /Start the newer program/);
      change("pragma user_version = 1; pragma application_id = 1");
      assert.match(await cure() ?? "", /Name the server's own folder with --data/);
    }),
);

Deno.test("a console that takes nothing stops no server", loose, () =>
  withData(async (data) => {
    const { status, lines } = await run(data, SERVE, () => {
      throw new Deno.errors.BrokenPipe("Broken pipe (os error 32)");
    });
    assert.deepEqual([status, lines], [0, []]);
  }));

Deno.test(
  "a path that is too long for a socket stops no order where no server runs",
  loose,
  () =>
    withFolder(async (root) => {
      const data = `${root}/${"long".repeat(30)}`;
      assert.equal((await run(data, SERVE)).status, 0);
      const { status, lines, printed } = await run(data, "admin users");
      assert.deepEqual([status, lines, printed], [0, [], ["Nobody found."]]);
    }),
);

Deno.test("snug admin says it in words too", loose, () =>
  withFolder(async (root) => {
    await Deno.writeTextFile(`${root}/file`, "");
    const { status, lines } = await run(`${root}/file/below`, "admin users");
    assert.equal(status, 1);
    assert.match(lines.join("\n"), /^snug: .*file\/below: that is no folder\.$/);
    const bad = await run(root, "admin limits queueBytes");
    assert.equal(bad.status, 2);
    assert.match(bad.lines.join("\n"), /needs a VALUE, or default, here/);
  }));

Deno.test(
  "a database with torn pages is named, by the start and by the doctor",
  loose,
  () =>
    withData(async (data) => {
      const path = `${data}/snug.db`;
      const bytes = await Deno.readFile(path);
      await Deno.writeFile(path, bytes.fill(0x5a, 4096 * 5, 4096 * 30));
      const { status, lines } = await run(data, SERVE);
      assert.deepEqual([status, lines], [1, [`snug: ${path}: it is damaged.`]]);
      const { printed } = await run(data, "doctor --listen 127.0.0.1:0");
      const at = printed.findIndex((line) => line.startsWith("fail  database"));
      assert.match(printed[at + 1] ?? "", /restore the last backup/);
      assert.deepEqual(await Deno.readFile(path), bytes, "nobody wrote to it");
    }),
);

Deno.test(
  "an outbox that takes no letters is found where letters go there",
  loose,
  () =>
    withData(async (data) => {
      const mail = async () => {
        const { printed } = await run(data, "doctor --listen 127.0.0.1:0");
        return printed.slice(printed.findIndex((line) => line.slice(6).startsWith("mail"))).join(
          "\n",
        );
      };
      assert.match(await mail(), /^ok .*none: codes go to the console/);
      await Deno.writeTextFile(`${data}/outbox`, "");
      assert.match(await mail(), /^fail .*outbox\S*: that is no folder\n +Move it away/);
    }),
);
