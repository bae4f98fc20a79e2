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
