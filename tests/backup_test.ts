import assert from "node:assert/strict";
import { main } from "../main.ts";
import { runBackup } from "../backup.ts";
import type { CommandIo } from "../serve.ts";
import { makeDatabase, parts, withFolder } from "./helpers/backups.ts";
import { modeOf, namesIn } from "./helpers/files.ts";

const PASSPHRASE = "twelve small words";

/** Runs one command line in this process and collects what it says. */
async function run(args: string[], env: Record<string, string> = {}) {
  const printed: string[] = [];
  const logged: string[] = [];
  const status = await main(args, commandIo(env, printed, logged));
  return { status, printed: printed.join("\n"), logged: logged.join("\n") };
}

function commandIo(env: Record<string, string>, printed: string[], logged: string[]): CommandIo {
  return {
    env: (name) => env[name],
    print: (line) => printed.push(line),
    writeLog: (line) => logged.push(line),
    now: () => 0,
    stop: new AbortController().signal,
  };
}

async function refused(
  args: string[],
  words: RegExp,
  status = 2,
  env: Record<string, string> = {},
) {
  const said = await run(args, env);
  assert.match(said.logged, words, args.join(" "));
  assert.ok(!said.logged.includes("\n"), "one line");
  assert.ok(!said.logged.includes(PASSPHRASE));
  assert.equal(said.status, status);
}

Deno.test("backup and restore are one command each, and say what to do next", () =>
  withFolder(async (root) => {
    const { dataDir } = await parts(root);
    makeDatabase(dataDir);
    await Deno.writeTextFile(`${root}/pass`, `${PASSPHRASE}\n`, { mode: 0o600 });
    const backup = await run(["backup", `${root}/b`, `--data=${dataDir}`], {
      SNUG_BACKUP_PASSPHRASE: PASSPHRASE,
    });
    assert.equal(backup.status, 0);
    assert.equal(backup.logged, "");
    assert.match(
      backup.printed,
      /^.*\/b: \d+\.\d MB, 1 account\. It was opened again and is whole\.$/m,
    );
    const flags = ["--passphrase-file", `${root}/pass`, "--data", `${root}/new`];
    const restore = await run(["restore", `${root}/b`, ...flags]);
    assert.equal(restore.status, 0);
    assert.match(restore.printed, /^.*\/new: 1 account, as of 1970-01-01T00:00:00\.000Z/m);
    assert.match(restore.printed, /^Start it: snug serve --data .*\/new /m);
  }));

Deno.test("a backup for a key is made without any secret and opened with the key file", () =>
  withFolder(async (root) => {
    const { dataDir } = await parts(root);
    makeDatabase(dataDir);
    const made = await run(["backup", "--new-key", `${root}/key`]);
    assert.equal(made.status, 0);
    assert.equal(await modeOf(`${root}/key`), 0o600);
    const recipient = /--recipient (snug-recipient-\S+)$/.exec(made.printed)![1]!;
    const secret = /^snug-backup-key-\S+$/m.exec(await Deno.readTextFile(`${root}/key`))![0];
    assert.ok(!made.printed.includes(secret), "the secret is in the file only");
    const flags = ["--data", dataDir, "--recipient", recipient];
    assert.equal((await run(["backup", `${root}/b`, ...flags])).status, 0);
    const into = ["--data", `${root}/new`];
    const restored = await run(["restore", `${root}/b`, ...into, `--key-file=${root}/key`]);
    assert.match(restored.printed, /new: 1 account, as of /);
    await refused(["backup", "--new-key", `${root}/key`], /key: it is there already/, 1);
    await refused(["backup", "--new-key"], /takes one file and nothing else/);
    await refused(["backup", "--new-key", "a", "b"], /takes one file and nothing else/);
    await refused(["backup", `${root}/c`, "--recipient", secret], /--recipient: expected what/);
    await refused(
      ["restore", `${root}/b`, "--key-file", `${root}/b`, ...into],
      /expected a file that/,
    );
    await refused(
      ["restore", "a", "--key-file", `${root}/no`, ...into],
      /there is no such file/,
      1,
    );
    const both = ["--passphrase-file", `${root}/key`];
    await refused(["backup", "a", "--recipient", recipient, ...both], /two ways: give one/);
    const line = `${root}/recipient`;
    await Deno.writeTextFile(line, `${recipient}\n`);
    const folder = ["--into", `${root}/many`, "--keep", "1", "--recipient-file", line];
    assert.equal((await run(["backup", ...folder, "--data", dataDir])).status, 0);
    assert.deepEqual(await namesIn(`${root}/many`), ["snug-1970-01-01T000000Z.backup"]);
    await refused(["backup", "a", "--into", "b"], /takes one FILE, or --into DIR/);
    await refused(["backup", "a", "--keep", "3"], /--keep needs --into/);
    await refused(["backup", "--into", "a", "--keep", "0"], /--keep 0: expected 1 to 9999/);
    await refused(["backup", "a", "--recipient-file", `${root}/no`], /no such file/, 1);
  }));

Deno.test("one that was stopped is gone on with, which is said; --fresh begins anew, in a folder too", () =>
  withFolder(async (root) => {
    const { dataDir } = await parts(root);
    makeDatabase(dataDir);
    const env = { SNUG_BACKUP_PASSPHRASE: PASSPHRASE, SNUG_DATA: dataDir };
    let time = 0;
    const start = async (stopAt: number, ...args: string[]) => {
      const [printed, logged]: string[][] = [[], []];
      const stop = new AbortController();
      const now = () => {
        // Time passes with every look at the clock: a wish to stop comes after so many of them.
        if (time++ === stopAt) stop.abort();
        return time;
      };
      const io = { ...commandIo(env, printed!, logged!), now, stop: stop.signal };
      const status = await main(["backup", ...args], io);
      return { status, printed: printed!.join("\n"), logged: logged!.join("\n") };
    };
    const cutShort = async (...args: string[]) => {
      for (let stopAt = 1;; stopAt++) {
        time = 0;
        const { status, logged } = await start(stopAt, ...args, "--fresh");
        assert.equal(status, 1, "it was stopped before it was done");
        if (/^snug: Stopped\. The same command goes on/m.test(logged)) return;
      }
    };
    for (const place of [[`${root}/b`], ["--into", `${root}/many`]]) {
      await cutShort(...place);
      time = 1_000;
      const later = await start(-1, ...place);
      assert.match(
        later.logged,
        /^Going on with the backup of 1970-01-01T00:00:00\.0\d\dZ that was/,
      );
      assert.match(later.printed, /1 account, as of 1970-01-01T00:00:00\.0\d\dZ\. It was opened/);
    }
    assert.deepEqual(await namesIn(`${root}/many`), ["snug-1970-01-01T000000Z.backup"]);
    await cutShort(`${root}/c`);
    time = 1_000;
    const anew = await start(-1, `${root}/c`, "--fresh");
    assert.match(anew.logged, /c\.[0-9a-f]{8}\.draft is removed \(it is not wanted\)/);
    assert.match(anew.printed, /1 account\. It was opened/);
    await refused(["restore", "a", "--fresh"], /--fresh is not a flag of snug restore/);
  }));

Deno.test("a folder that was put back is made good by one command, which takes nothing else", () =>
  withFolder(async (root) => {
    const { dataDir } = await parts(root);
    makeDatabase(dataDir);
    const env = { SNUG_DATA: dataDir, SNUG_BACKUP_PASSPHRASE: PASSPHRASE };
    for (const given of [["--data", dataDir], [`--data=${dataDir}`], []]) {
      const { status, printed, logged } = await run(["restore", ...given, "--in-place"], env);
      assert.deepEqual([status, logged], [0, ""]);
      assert.match(
        printed,
        /^.*\/data: 1 account, made good .*\nForgotten: logins, codes, invites, /m,
      );
      assert.match(printed, /^Start it: snug serve --data .*\/data and the flags/m);
      assert.match(printed, /^Devices go on by themselves; people may have to sign in again/m);
    }
    const alone =
      /^snug: --in-place is for a folder .*no FILE, passphrase or key, only --data DIR\.$/;
    await refused(["restore", "--in-place", `${root}/b`], alone, 2, env);
    await refused(["restore", "--in-place", "--passphrase-file", "a"], alone, 2, env);
    await refused(["restore", "--key-file=a", "--in-place"], alone, 2, env);
    await refused(["restore", "--in-place", "--data"], /--data needs a value/);
    await refused(["restore", "--in-place", "--sideways"], /--sideways is not a flag of snug/);
    await refused(["restore", "--in-place=yes"], /--in-place=yes is not a flag of snug restore/);
    await refused(["backup", "a", "--in-place"], /--in-place is not a flag of snug backup/);
    await refused(["restore", "--in-place", "--data", root], /There is no database of Snug in /, 1);
  }));

Deno.test("--help explains flags and variables of backup, restore and doctor", async () => {
  for (
    const [name, words] of [
      ["backup", ["--data", "SNUG_DATA", "--passphrase-file", "SNUG_BACKUP_PASSPHRASE", "--fresh"]],
      [
        "restore",
        ["--data", "SNUG_DATA", "--passphrase-file", "SNUG_BACKUP_PASSPHRASE", "--in-place"],
      ],
      ["doctor", ["--mail-to", "--json"]],
    ] as const
  ) {
    const { status, printed } = await run([name, "--help"]);
    assert.equal(status, 0);
    for (const word of words) assert.ok(printed.includes(word), `${name}: ${word}`);
  }
});

Deno.test("every bad value is one line and exit 2", () =>
  withFolder(async (root) => {
    const long = `${root}/long`;
    await Deno.writeTextFile(long, "x".repeat(5000), { mode: 0o600 });
    await Deno.writeTextFile(`${root}/empty`, "\n", { mode: 0o600 });
    for (const name of ["backup", "restore"]) {
      await refused([name], /takes one FILE/);
      await refused([name, "a", "b"], /takes one FILE/);
      await refused([name, ""], /takes one FILE/);
      await refused([name, "a", "--sideways"], /--sideways is not a flag of snug/);
      await refused([name, "a", "-x"], /-x is not a flag of snug/);
      await refused([name, "a", "--data"], /--data needs a value/);
      await refused([name, "a", "--data="], /--data needs a value/);
      await refused([name, "a", "--passphrase-file", `${root}/none`], /none: cannot be read/);
      await refused([name, "a", "--passphrase-file", root], /cannot be read/);
      await refused([name, "a", "--passphrase-file", long], /too long to be a passphrase/);
      await refused([name, "a", "--passphrase-file", `${root}/empty`], /The passphrase is empty/);
    }
    const short = { SNUG_BACKUP_PASSPHRASE: "too short" };
    await refused(["backup", "a"], /12 characters or more/, 2, short);
  }));

Deno.test("what is no file at all is named", () =>
  withFolder(async (root) => {
    const env = { SNUG_BACKUP_PASSPHRASE: PASSPHRASE };
    const folder = /^snug: .*\/folder: that is a folder, not a file\.$/;
    await Deno.mkdir(`${root}/folder`);
    await refused(["restore", `${root}/folder`, "--data", `${root}/new`], folder, 1, env);
    const { dataDir } = await parts(root);
    makeDatabase(dataDir);
    const long = "x".repeat(300);
    const named = /^snug: .*x: that name is too long\.$/;
    await refused(["backup", `${root}/${long}`, "--data", dataDir], named, 1, env);
  }));

Deno.test("a passphrase file that others can read is named", () =>
  withFolder(async (root) => {
    await Deno.writeTextFile(`${root}/pass`, PASSPHRASE);
    await Deno.chmod(`${root}/pass`, 0o644);
    const flags = ["--passphrase-file", `${root}/pass`, "--data", `${root}/new`];
    const { logged, status } = await run(["restore", `${root}/none`, ...flags]);
    assert.equal(status, 1);
    assert.match(logged, /^.*pass can be read by others on this machine: chmod 600/);
    assert.match(logged, /none: there is no such file or folder\.$/);
  }));

Deno.test("a typed passphrase is asked for twice, and must be the same", () =>
  withFolder(async (root) => {
    const { dataDir } = await parts(root);
    makeDatabase(dataDir);
    const asked: string[] = [];
    const answers = [PASSPHRASE, "twelve large words"];
    const ask = (question: string) => {
      asked.push(question);
      return Promise.resolve(answers[asked.length - 1] ?? null);
    };
    const io = commandIo({ SNUG_DATA: dataDir }, [], []);
    await assert.rejects(runBackup([`${root}/b`], io, ask), /The two are not the same/);
    const nobody = () => Promise.resolve(null);
    await assert.rejects(runBackup([`${root}/b`], io, nobody), /give --passphrase-file FILE or/);
    assert.deepEqual(asked, ["Passphrase of the backup: ", "The same again: "]);
  }));

const tmpfs = async (mountPoint: string, size: string) => {
  const args = ["-t", "tmpfs", "-o", `size=${size}`, "none", mountPoint];
  const result = await new Deno.Command("mount", { args, stdout: "null", stderr: "null" }).output()
    .catch(() => ({ success: false }));
  return result.success;
};

Deno.test("a full disk is one line and exit 1, whichever disk it is, and nothing is left behind", () =>
  withFolder(async (root) => {
    const { dataDir } = await parts(root);
    makeDatabase(dataDir);
    const disk = `${root}/disk`;
    await Deno.mkdir(disk);
    if (!await tmpfs(disk, "100k")) {
      console.log("skipped: no right to mount a small disk");
      return;
    }
    const env = { SNUG_BACKUP_PASSPHRASE: PASSPHRASE, SNUG_DATA: dataDir };
    try {
      await refused(["backup", `${disk}/b`], /disk\/b: the disk is full\.$/, 1, env);
      assert.equal((await run(["backup", `${root}/b`], env)).status, 0);
      const into = { ...env, SNUG_DATA: disk };
      await refused(["restore", `${root}/b`], /disk: the disk is full\.$/, 1, into);
      assert.deepEqual(await Array.fromAsync(Deno.readDir(disk)), []);
    } finally {
      await new Deno.Command("umount", { args: [disk] }).output();
    }
  }));
