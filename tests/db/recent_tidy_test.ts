/** Ciphertexts that their devices have leave the turns, and SQLite's log, minutes later on a quiet server too. */
import assert from "node:assert/strict";
import { createQueue } from "../../db/queue.ts";
import { openDatabase } from "../../db/sqlite.ts";
import { utf8 } from "../../protocol/encoding.ts";
import { count, queueTest, send, waiting } from "../helpers/queue_world.ts";
import {
  addPerson,
  batch,
  destination,
  type Person,
  ROOMY,
  submission,
} from "../helpers/relay_world.ts";

const CANARY = "what only the device has by now";

/** Where in a database's files it stands. */
async function found(path: string): Promise<string[]> {
  const places: string[] = [];
  for (const end of ["", "-wal"]) {
    const bytes = await Deno.readFile(`${path}${end}`);
    if (new TextDecoder("latin1").decode(bytes).includes(CANARY)) places.push(end);
  }
  return places;
}

Deno.test("an acknowledged ciphertext is in no file after the second look, whatever else is quiet", async () => {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/snug.db`;
  const db = openDatabase(path);
  const queue = createQueue(db, ROOMY);
  const [ana, ben] = [addPerson(db), addPerson(db)];
  const work = submission(ana, [destination(ben, utf8(CANARY))]);
  await queue.commit(batch({ submissions: [work] }));
  await queue.commit(batch({ acks: [{ device: ben.devices[0]!, position: 1 }] }));
  await queue.tidy();
  assert.notDeepEqual(await found(path), [], "it is recent");
  await queue.tidy();
  assert.deepEqual(await found(path), []);
  assert.equal(count(db, "select count(*) as n from turns"), 0);
  await send(queue, ana, ben, 2);
  const [next] = await queue.read(ben.devices[0]!, 0, { envelopes: 1, bytes: 1 });
  assert.equal(next!.position, 2, "positions go on");
  db.close();
  await Deno.remove(folder, { recursive: true });
});

queueTest("what came since the last look stays where it is", async ({ db, queue }) => {
  const [ana, ben] = [addPerson(db), addPerson(db)];
  const turns = () => count(db, "select count(*) as n from turns");
  await queue.tidy();
  await send(queue, ana, ben, 1, 2);
  await queue.tidy();
  await send(queue, ana, ben, 3);
  assert.equal(turns(), 3);
  await queue.tidy();
  assert.equal(turns(), 1);
  for (const store of [queue, createQueue(db, ROOMY)]) {
    assert.deepEqual(await waiting(store, ben.devices[0]!), [1, 2, 3]);
  }
});

queueTest("a look at a server where nothing happened writes nothing", async ({ db, queue }) => {
  const [ana, ben] = [addPerson(db), addPerson(db)];
  await send(queue, ana, ben, 1);
  for (let looks = 0; looks < 3; looks++) await queue.tidy();
  const changes = () => count(db, "select total_changes() as n");
  const before = changes();
  await queue.tidy();
  assert.equal(changes(), before);
});

queueTest(
  "ATTACK commits and faults between the steps of a look: all waits, once, in order",
  async ({ db, queue }) => {
    const people = [addPerson(db), addPerson(db), addPerson(db)] as [Person, Person, Person];
    const [ana, cleo, ben] = people;
    const device = ben.devices[0]!;
    const numbers = Array.from({ length: 900 }, (_, n) => n);
    for (const n of numbers.slice(0, 800)) await send(queue, n % 2 ? ana : cleo, ben, n);
    await queue.tidy();
    db.exec(
      "create temp trigger doom before insert on envelopes begin select raise(abort, 'doomed'); end",
    );
    await assert.rejects(queue.tidy(), /doomed/);
    db.exec("drop trigger doom");
    const look = queue.tidy();
    for (const n of numbers.slice(800)) await send(queue, n % 2 ? ana : cleo, ben, n);
    await look;
    for (const store of [queue, createQueue(db, ROOMY)]) {
      assert.deepEqual(await waiting(store, device), numbers);
    }
  },
);
