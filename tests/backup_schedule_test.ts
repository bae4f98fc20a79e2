import assert from "node:assert/strict";
import { scheduleBackups, type ScheduleIo } from "../backup_schedule.ts";
import type { BackupOutcome } from "../backup_worker.ts";
import { newKeyPair, recipientText } from "../db/backup_recipient.ts";
import { silentLog } from "../log.ts";
import { withFolder } from "./helpers/backups.ts";
import { namesIn } from "./helpers/files.ts";

const HOUR = 3_600_000;
const START = Date.UTC(2026, 10, 21, 3, 30);

/** A schedule whose time passes only in the test's hands, and whose backups are empty files. */
async function schedule(root: string, keep = 2) {
  const clock = { now: START };
  const said: string[] = [];
  const pauses: number[] = [];
  let [resume, paused] = [() => {}, Promise.withResolvers<void>()];
  let outcome: BackupOutcome = { bytes: 1, accounts: 0, made: START, file: "" };
  const io: ScheduleIo = {
    now: () => clock.now,
    log: silentLog,
    say: (line) => said.push(line),
    async make({ file }) {
      if (!("words" in outcome)) await Deno.writeTextFile(file, "");
      return outcome;
    },
    pause: (milliseconds, stop) =>
      new Promise((resolve) => {
        pauses.push(milliseconds);
        resume = resolve;
        stop.addEventListener("abort", () => resolve(), { once: true });
        paused.resolve();
      }),
  };
  const recipient = await recipientText((await newKeyPair()).publicKey);
  const settings = { every: 12 * HOUR, recipient, dir: `${root}/backups`, keep };
  return {
    said,
    pauses,
    settings,
    io,
    fail: (words: string | null) => outcome = { words },
    start: () => scheduleBackups(settings, root, io),
    idle: () => paused.promise,
    async pass(milliseconds: number) {
      clock.now += milliseconds;
      paused = Promise.withResolvers<void>();
      resume();
      await paused.promise;
    },
  };
}

Deno.test("the first backup is made at once, the next ones on time, and the newest are kept", () =>
  withFolder(async (root) => {
    const { start, idle, pass, settings } = await schedule(root);
    const end = await start();
    await idle();
    assert.deepEqual(await namesIn(settings.dir), ["snug-2026-11-21T033000Z.backup"]);
    await Deno.writeTextFile(`${settings.dir}/my notes.backup`, "");
    for (let hour = 0; hour < 11; hour++) await pass(HOUR);
    assert.equal((await namesIn(settings.dir)).length, 2, "not yet");
    await pass(HOUR);
    await pass(12 * HOUR);
    await end();
    assert.deepEqual(await namesIn(settings.dir), [
      "my notes.backup",
      "snug-2026-11-21T153000Z.backup",
      "snug-2026-11-22T033000Z.backup",
    ]);
  }));

Deno.test("a server that is started again goes on where it was", () =>
  withFolder(async (root) => {
    const { start, idle, pauses, settings } = await schedule(root);
    await Deno.mkdir(settings.dir);
    await Deno.writeTextFile(`${settings.dir}/snug-2026-11-20T163000Z.backup`, "");
    const end = await start();
    await idle();
    await end();
    assert.deepEqual(pauses, [HOUR], "11 hours have passed, one is left");
    assert.equal((await namesIn(settings.dir)).length, 1);
  }));

Deno.test("a failure is said, deletes nothing and is tried again within the hour", () =>
  withFolder(async (root) => {
    const { start, idle, pass, fail, said, settings } = await schedule(root, 1);
    const end = await start();
    await idle();
    fail("the disk is full.");
    await pass(12 * HOUR);
    assert.deepEqual(said, ["No backup: the disk is full."]);
    fail(null);
    await pass(HOUR);
    assert.match(said[1]!, /^No backup: the program has a fault/);
    await end();
    assert.deepEqual(await namesIn(settings.dir), ["snug-2026-11-21T033000Z.backup"]);
  }));

Deno.test("a wrong recipient and a folder that cannot be written stop the start in words", () =>
  withFolder(async (root) => {
    const { settings, io } = await schedule(root);
    const broken = { ...settings, recipient: settings.recipient.replace(/.$/, "!") };
    await assert.rejects(scheduleBackups(broken, root, io), /--backup-recipient: expected what/);
    await Deno.writeTextFile(`${root}/file`, "");
    const file = { ...settings, dir: `${root}/file` };
    await assert.rejects(
      scheduleBackups(file, root, io),
      /--backup-dir .*file: (it is there|that is no)/,
    );
  }));

const AHEAD = ["snug-2036-01-01T000000Z.backup", "snug-2036-01-02T000000Z.backup"];

Deno.test("attack: a clock that ran years ahead neither stops the backups nor has the new ones removed", () =>
  withFolder(async (root) => {
    const { start, idle, pass, settings } = await schedule(root);
    await Deno.mkdir(settings.dir);
    for (const name of AHEAD) await Deno.writeTextFile(`${settings.dir}/${name}`, "");
    const end = await start();
    await idle();
    assert.deepEqual(await namesIn(settings.dir), ["snug-2026-11-21T033000Z.backup", AHEAD[1]]);
    await pass(12 * HOUR);
    await end();
    assert.deepEqual(await namesIn(settings.dir), [
      "snug-2026-11-21T033000Z.backup",
      "snug-2026-11-21T153000Z.backup",
    ]);
  }));

Deno.test("attack: a clock that is set back a year does not put the next backup off for a year", () =>
  withFolder(async (root) => {
    const { start, idle, pass, settings } = await schedule(root);
    const end = await start();
    await idle();
    await pass(-365 * 24 * HOUR);
    await pass(12 * HOUR);
    await end();
    assert.deepEqual(await namesIn(settings.dir), [
      "snug-2025-11-21T153000Z.backup",
      "snug-2026-11-21T033000Z.backup",
    ]);
  }));

Deno.test("attack: an old backup that cannot be removed does not end the schedule", () =>
  withFolder(async (root) => {
    const { start, idle, pass, settings, said } = await schedule(root, 1);
    await Deno.mkdir(`${settings.dir}/snug-2020-01-01T000000Z.backup/full`, { recursive: true });
    const end = await start();
    await idle();
    assert.match(said.join(), /^The backup is made, but older ones in .* could not be removed\.$/);
    await pass(12 * HOUR);
    await end();
    assert.ok((await namesIn(settings.dir)).includes("snug-2026-11-21T153000Z.backup"));
  }));
