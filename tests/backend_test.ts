import assert from "node:assert/strict";
import { openBackend } from "../backend.ts";
import { readConfig } from "../config.ts";
import { COPY_KEPT_MS } from "../db/before_upgrade.ts";
import { Meter } from "../hub/meter.ts";
import { silentLog } from "../log.ts";
import { withFolder } from "./helpers/backups.ts";
import { namesIn } from "./helpers/files.ts";

Deno.test("a server that starts removes copies of its database that are too old, without any backup", () =>
  withFolder(async (root) => {
    await Deno.writeTextFile(`${root}/snug.db.before-1`, "");
    const config = readConfig(["--data", root, "--tls", "off"], () => undefined);
    const later = Date.now() + COPY_KEPT_MS + 60_000;
    const io = { now: () => later, print: () => {}, meter: new Meter(), log: silentLog };
    const backend = await openBackend(config, io);
    await backend.stopSockets();
    await backend.close();
    const names = await namesIn(root);
    assert.ok(names.includes("snug.db") && !names.includes("snug.db.before-1"), names.join());
  }));
