/** Backups of a server that runs, made by its own program, and a server that comes back from one. */
import assert from "node:assert/strict";
import { withFolder } from "../helpers/backups.ts";
import { namesIn } from "../helpers/files.ts";
import { person } from "./people.ts";
import { freePort, snugCommand, startServer } from "./server.ts";
import { passes, signUpIn } from "./talk.ts";
import { openTerminal } from "./terminal.ts";

async function snug(command: string, ...args: string[]): Promise<string> {
  const child = snugCommand(command, args).spawn();
  await child.stdin.close();
  const { success, stdout, stderr } = await child.output();
  const text = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  assert.ok(success, text);
  return text;
}

async function untilThere(folder: string, count: number): Promise<string> {
  const watcher = Deno.watchFs(folder);
  try {
    for (;;) {
      const found = (await namesIn(folder)).filter((name) => name.endsWith(".backup"));
      if (found.length >= count) return `${folder}/${found.at(-1)}`;
      await watcher[Symbol.asyncIterator]().next();
    }
  } finally {
    watcher.close();
  }
}

Deno.test("a server makes a backup by itself, and on a new machine people go on from it", () =>
  withFolder(async (folder) => {
    const told = await snug("backup", "--new-key", `${folder}/key`);
    const recipient = /--recipient (\S+)/.exec(told)![1]!;
    const data = `${folder}/data`;
    const port = freePort();
    const backups = `${folder}/backups`;
    await Deno.mkdir(backups);
    const server = await startServer({ data, port });
    const place = { origin: server.origin, data, profiles: folder, flags: [] };
    const [ana, ben] = [await signUpIn(place, person("ana")), await signUpIn(place, person("ben"))];
    await passes(ana, ben, "ben", "before the backup");
    for (const each of [ana, ben]) assert.equal(await each.quit(), 0);
    assert.equal(await server.stop(), 0);
    const flags = [
      "--backup-every",
      "1d",
      "--backup-recipient",
      recipient,
      "--backup-dir",
      backups,
    ];
    const again = await startServer({ data, port, flags });
    const file = await untilThere(backups, 1);
    assert.equal(await again.stop(), 0);
    assert.deepEqual((await namesIn(data)).filter((name) => name.startsWith("unfinished")), []);

    const moved = `${folder}/moved`;
    await snug("restore", file, "--data", moved, "--key-file", `${folder}/key`);
    const there = await startServer({ data: moved, port });
    const open = async (name: string) => {
      const terminal = openTerminal(there.origin, `${folder}/${name}`);
      assert.equal((await terminal.ask({ do: "open" })).event, "ready", terminal.errors());
      return terminal;
    };
    const [anaLater, benLater] = [await open("ana"), await open("ben")];
    await passes(anaLater, benLater, "ben", "after the move");
    await passes(benLater, anaLater, "ana", "and back");
    for (const each of [anaLater, benLater]) assert.equal(await each.quit(), 0);
    assert.equal(await there.stop(), 0, there.log());
  }));
