/** What the system says, in words: about the right file, and nothing that is not so. */
import assert from "node:assert/strict";
import { closeSync, openSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { BackupError, inWords } from "../../db/backup_error.ts";
import { withFolder } from "../helpers/backups.ts";

function wordsOf(what: string, error: unknown): string {
  const known = inWords(what, error);
  assert.ok(known instanceof BackupError, `not in words: ${error}`);
  return known.message;
}

/** What `work` throws, in words. */
function words(what: string, work: () => unknown): string {
  try {
    work();
  } catch (error) {
    return wordsOf(what, error);
  }
  assert.fail("it throws");
}

const denied = (message: string) => new Deno.errors.PermissionDenied(message);

Deno.test("the file that the system names is named, where it lies in the folder that is meant", () => {
  const said = "Permission denied (os error 13): open '/srv/snug/ca.key'";
  assert.equal(wordsOf("/srv/snug", denied(said)), "/srv/snug/ca.key: this user may not do that.");
  assert.equal(wordsOf("/srv/snu", denied(said)), "/srv/snu: this user may not do that.");
  const near = "Permission denied (os error 13): open 'data/ca.key'";
  assert.equal(wordsOf("./data", denied(near)), "data/ca.key: this user may not do that.");
  assert.equal(
    wordsOf("/srv/snug", new Error("unable to open database file: /srv/snug/snug.db")),
    "/srv/snug/snug.db: this user may not open it, or what lies beside it.",
  );
  const node = new Error("EACCES: permission denied, open '/srv/snug/snug.db-lock'");
  assert.equal(
    wordsOf("/srv/snug", node),
    "/srv/snug/snug.db-lock: this user may not do that.",
  );
});

Deno.test("a full disk is the folder's trouble, whichever file met it", () => {
  const full = new Error("No space left on device (os error 28): open '/srv/snug/server.key.new'");
  assert.equal(wordsOf("/srv/snug", full), "/srv/snug: the disk is full.");
});

Deno.test("what files are in each other's place is said the same by every way to open them", () =>
  withFolder(async (root) => {
    await Deno.mkdir(`${root}/folder`);
    await Deno.writeTextFile(`${root}/file`, "");
    await Deno.symlink("loop", `${root}/loop`);
    const opens: [string, RegExp][] = [
      ["none/file", /none\/file: there is no such file or folder\.$/],
      ["file/below", /file\/below: that is no folder\.$/],
      ["loop", /loop: a link leads nowhere\.$/],
      ["x".repeat(300), /x: that name is too long\.$/],
    ];
    for (const [name, said] of opens) {
      const path = `${root}/${name}`;
      assert.match(words(root, () => Deno.openSync(path).close()), said);
      assert.match(words(root, () => closeSync(openSync(path, "r"))), said);
    }
    assert.match(
      words(root, () => closeSync(openSync(`${root}/folder`, "a"))),
      /folder: that is a folder, not a file\.$/,
    );
    assert.match(words(root, () => new DatabaseSync(`${root}/folder`)), /may not open it/);
  }));

Deno.test("a place that the executable keeps out of is said as that", () => {
  const place = 'Requires all access to "/dev/shm/snug/snug.db-lock", specify the required';
  assert.equal(
    wordsOf("/dev/shm/snug", new Deno.errors.NotCapable(place)),
    "/dev/shm/snug: Snug keeps out of /dev, /proc and /sys.",
  );
});

Deno.test("what is damaged is a database, and not an address with a wrong sign in it", () => {
  const torn = new Error("database disk image is malformed");
  assert.equal(wordsOf("/srv/snug.db", torn), "/srv/snug.db: it is damaged.");
  const bug = new URIError("URI malformed");
  assert.equal(inWords("/srv/snug", bug), bug);
});
