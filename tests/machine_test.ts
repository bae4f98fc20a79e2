import assert from "node:assert/strict";
import { newestBackup } from "../backup_schedule.ts";
import { watchMachine } from "../machine.ts";
import { VERSION } from "../version.ts";

Deno.test("what is known of the machine is looked at anew each time", async () => {
  const folder = await Deno.makeTempDir();
  let sockets = 0;
  const look = watchMachine(folder, 5, () => sockets, () => newestBackup(`${folder}/backups`));
  const empty = await look();
  assert.deepEqual([empty.version, empty.started, empty.databaseBytes, empty.backup], [
    ...[VERSION, 5, 0, null],
  ]);
  assert.ok(empty.memoryBytes > 0 && (empty.freeBytes === null || empty.freeBytes > 0));
  await Deno.writeFile(`${folder}/snug.db`, new Uint8Array(300));
  await Deno.writeFile(`${folder}/snug.db-wal`, new Uint8Array(50));
  await Deno.mkdir(`${folder}/backups`);
  const names = [
    "snug-2026-01-02T030405Z.backup",
    "snug-2026-01-01T000000Z.backup",
    "other.backup",
  ];
  for (const name of names) await Deno.writeFile(`${folder}/backups/${name}`, new Uint8Array(1));
  sockets = 7;
  const later = await look();
  assert.deepEqual([later.sockets, later.databaseBytes], [7, 350]);
  assert.equal(later.backup, Date.UTC(2026, 0, 2, 3, 4, 5));
  await Deno.remove(folder, { recursive: true });
});
