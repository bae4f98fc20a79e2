import assert from "node:assert/strict";
import { join } from "node:path";
import type { Stretch } from "../../../client/history_file.ts";
import { isHistoryCommand, runHistoryCommand } from "../../../client/terminal/json_history.ts";
import type { OpenEngine } from "../../../client/engine.ts";
import { sha256 } from "../../../crypto/kdf.ts";
import { concat } from "../../../protocol/encoding.ts";
import { FakeArchive } from "../../helpers/fake_archive.ts";
import { must, say, talkTo, texts, World } from "../../helpers/people_world.ts";

const quick: Stretch = (passphrase, salt) => sha256(concat(passphrase, salt));
const PASSPHRASE = "five words that nobody guesses";

async function scene(
  run: (scene: {
    readonly world: World;
    readonly ask: (
      engine: OpenEngine,
      name: string,
      fields?: Readonly<Record<string, string>>,
    ) => ReturnType<typeof runHistoryCommand>;
    readonly folder: string;
  }) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "snug-history-" });
  const world = new World();
  world.server.archive = new FakeArchive();
  const parts = { origin: "https://snug.test", now: world.now, stretch: quick };
  const ask = (
    engine: OpenEngine,
    name: string,
    fields: Readonly<Record<string, string>> = {},
  ) => runHistoryCommand(name, { ...parts, engine }, (field) => fields[field] ?? "");
  try {
    await run({ world, ask, folder });
  } finally {
    await world.closeAll();
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("everything goes into a file and comes back on another device, once", () =>
  scene(async ({ world, ask, folder }) => {
    const [ana, ben] = [await world.person("ana"), await world.person("ben")];
    const engine = await world.open(ana);
    await world.open(ben);
    const toBen = await talkTo(ana, "ben");
    for (const text of ["one", "two", "three"]) await say(ana, toBen, text);
    await world.pass(60_000);
    const file = join(folder, "history.snug");
    const written = must(await ask(engine, "export-history", { file, passphrase: PASSPHRASE }));
    assert.equal(written["bytes"], (await Deno.stat(file)).size);
    assert.equal((await Deno.stat(file)).mode! & 0o777, 0o600);
    must(await ask(engine, "archive", { set: "erase" }));
    const second = await world.device(ana.person);
    const there = await world.open(second);
    await world.pass(60_000);
    assert.deepEqual(await texts(second, ben), []);
    const load = () => ask(there, "import-history", { file, passphrase: PASSPHRASE });
    assert.equal(must(await load())["messages"], 3);
    assert.equal(must(await load())["messages"], 0);
    assert.deepEqual(await texts(second, ben), ["one", "two", "three"]);
    const again = await ask(engine, "export-history", { file, passphrase: PASSPHRASE });
    assert.ok(!again.ok && /there already/.test(again.words), "nothing is written over");
    const wrong = await ask(there, "import-history", { file, passphrase: "not the passphrase" });
    assert.ok(!wrong.ok && wrong.code === "wrong-password");
  }));

Deno.test("a conversation becomes a page; the archive is switched, shown and checked", () =>
  scene(async ({ world, ask, folder }) => {
    const [ana, ben] = [await world.person("ana"), await world.person("ben")];
    const engine = await world.open(ana);
    await world.open(ben);
    await say(ana, await talkTo(ana, "ben"), "<b>soup</b>");
    await world.pass(60_000);
    const file = join(folder, "ben.html");
    must(await ask(engine, "export-conversation", { conversation: "@ben", file }));
    const page = await Deno.readTextFile(file);
    assert.ok(page.includes("&#60;b&#62;soup&#60;/b&#62;") && page.includes("Ana"));
    const nobody = await ask(engine, "export-conversation", { conversation: "cleo", file });
    assert.ok(!nobody.ok && nobody.code === "unknown-conversation");
    assert.equal(must(await ask(engine, "archive", { set: "show" }))["on"], true);
    assert.equal(must(await ask(engine, "archive", { set: "off" }))["on"], false);
    const checked = must(await ask(engine, "check-archive"));
    assert.deepEqual([checked["missing"], checked["unknown"]], [0, 0]);
    await assert.rejects(async () => await ask(engine, "archive", { set: "maybe" }), {
      code: "bad-input",
    });
    assert.ok(isHistoryCommand("archive") && !isHistoryCommand("history"));
  }));
