/** What is recent, in a backup that is taken in the middle of it and comes up somewhere else. */
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { makeBackup } from "../../db/backup.ts";
import { restoreBackup } from "../../db/restore.ts";
import { openStore } from "../../db/store.ts";
import { parts, withFolder } from "../helpers/backups.ts";
import {
  addPerson,
  batch,
  destination,
  numbered,
  numberIn,
  ROOMY,
  submission,
} from "../helpers/relay_world.ts";

Deno.test("a backup taken between turns comes up elsewhere with every position, once", () =>
  withFolder(async (root) => {
    const { dataDir, options } = await parts(root);
    await openStore(`${dataDir}/snug.db`, ROOMY).close();
    const db = new DatabaseSync(`${dataDir}/snug.db`);
    const [ana, ben] = [addPerson(db), addPerson(db)];
    db.close();
    const device = ben.devices[0]!;
    const { queue, close } = openStore(`${dataDir}/snug.db`, ROOMY);
    const works = Array.from(
      { length: 300 },
      (_, n) => submission(ana, [destination(ben, numbered(n + 1))]),
    );
    const take = (n: number) =>
      queue.commit(batch({
        submissions: [works[n - 1]!],
        // Five wait at any time: acks follow everywhere.
        acks: n > 5 ? [{ device, position: n - 5 }] : [],
      }));
    for (let n = 1; n <= 20; n++) await take(n);
    // Closing it would drop the locks of this process: only after the store.
    const main = await Deno.open(`${dataDir}/snug.db`);
    let taken = 20;
    const readMain = async (at: number, length: number) => {
      for (let i = 0; i < 10 && taken < 290; i++) await take(++taken);
      await main.seek(at, Deno.SeekMode.Start);
      const bytes = new Uint8Array(length);
      return bytes.subarray(0, await main.read(bytes) ?? 0);
    };
    await makeBackup({ ...options, file: `${root}/b`, readMain });
    await take(++taken);
    await close();
    main.close();
    await restoreBackup({ ...options, file: `${root}/b`, dataDir: `${root}/new` });
    const there = openStore(`${root}/new/snug.db`, ROOMY);
    const held = await there.queue.read(device, 0, { envelopes: 999, bytes: 2 ** 30 });
    const newest = held.at(-1)!.position;
    assert.ok(newest >= 20 && newest < taken, "from the middle of it");
    const expected = [newest - 4, newest - 3, newest - 2, newest - 1, newest];
    assert.deepEqual(held.map(({ position }) => position), expected);
    assert.deepEqual(held.map(({ envelope }) => numberIn(envelope)), expected);
    const { submissions } = await there.queue.commit(batch({ submissions: works }));
    const placed = submissions.flatMap((one) => one.kind === "accepted" ? one.placed : []);
    assert.deepEqual(
      placed.map(({ position, envelope }) => [position, numberIn(envelope)]),
      works.slice(newest).map((_, at) => [newest + 1 + at, newest + 1 + at]),
      "sent again: what the backup knows is not taken twice, the rest comes behind it",
    );
    await there.close();
  }));
