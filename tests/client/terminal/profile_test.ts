import assert from "node:assert/strict";
import { ChatError } from "../../../client/terminal/errors.ts";
import { openProfile } from "../../../client/terminal/profile.ts";

const HOME = "https://one.example";

async function inFolder(run: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "snug-profile-" });
  try {
    await run(`${folder}/deep/profile`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("a profile is readable by its owner only: folder 700, every file 600", () =>
  inFolder(async (folder) => {
    const store = await openProfile(folder, HOME);
    await store.commit([{ table: "meta", key: "x", value: "y".repeat(10_000) }]);
    assert.equal((await Deno.stat(folder)).mode! & 0o777, 0o700);
    for await (const { name } of Deno.readDir(folder)) {
      assert.equal((await Deno.stat(`${folder}/${name}`)).mode! & 0o777, 0o600, name);
    }
    await store.close();
  }));

Deno.test("a profile that is open elsewhere, or belongs to another server, is refused in words", () =>
  inFolder(async (folder) => {
    const store = await openProfile(folder, HOME);
    await assert.rejects(openProfile(folder, HOME), (error) => {
      return error instanceof ChatError && error.code === "profile-taken";
    });
    await store.close();
    await assert.rejects(openProfile(folder, "https://two.example"), (error) => {
      return error instanceof ChatError && error.words.includes(HOME);
    });
    await (await openProfile(folder, HOME)).close();
  }));

Deno.test("what cannot be a profile is said in words, and stays as it is", () =>
  inFolder(async (folder) => {
    const refused = (place: string, reason: RegExp) =>
      assert.rejects(openProfile(place, HOME), (error) => {
        assert.ok(error instanceof ChatError, String(error));
        assert.equal(error.code, "bad-input");
        assert.match(error.words, /^--profile \S+ cannot be used: [^\n]+\.$/);
        assert.match(error.words, reason);
        return true;
      });
    await Deno.mkdir(folder, { recursive: true });
    await Deno.writeTextFile(`${folder}/file`, "mine");
    await refused(`${folder}/file`, /that is no folder/);
    await refused(`${folder}/file/below`, /that is no folder/);
    assert.equal(await Deno.readTextFile(`${folder}/file`), "mine");
    await Deno.mkdir(`${folder}/other/snug.db`, { recursive: true });
    await refused(`${folder}/other`, /a folder is in the way of its file/);
    const damaged = "not what a device wrote\n".repeat(99);
    await Deno.mkdir(`${folder}/damaged`);
    await Deno.writeTextFile(`${folder}/damaged/snug.db`, damaged);
    await refused(`${folder}/damaged`, /what is in it is damaged/);
    assert.equal(await Deno.readTextFile(`${folder}/damaged/snug.db`), damaged);
  }));
