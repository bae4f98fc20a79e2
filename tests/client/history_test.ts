/** The history archive from engine to engine: what a new device gets back, and what nobody can take or slip in. */
import assert from "node:assert/strict";
import { addDevice, makeDevice } from "../../crypto/account.ts";
import { installDevice } from "../../client/installation.ts";
import { FIRST_PREKEY_COUNTERS, makePrekeys } from "../../crypto/prekeys.ts";
import { appendEntry } from "../../protocol/bundle.ts";
import { sha256 } from "../../crypto/kdf.ts";
import type { Bytes } from "../../protocol/encoding.ts";
import { openHistory, sealHistory } from "../../client/history_file.ts";
import { TABLES } from "../../client/store.ts";
import { Doom } from "../helpers/doom.ts";
import { must, say, talkTo, texts, warnings } from "../helpers/people_world.ts";
import { another, chat, missingFrom, scene } from "../helpers/history_scene.ts";

Deno.test("a new device has all of it back, page by page to the beginning", async () => {
  const one = await scene();
  const said = await chat(one, 60);
  const second = await another(one.world, one.ana);
  const { account } = one.ben.keys;
  const shown: string[] = [];
  let before: string | undefined;
  for (;;) {
    const page = { limit: 7, ...before === undefined ? {} : { before } };
    const rows = await second.engine!.messages(account, page);
    shown.unshift(...rows.map(({ text }) => text));
    before = rows[0]?.order;
    if (rows.length < 7) break;
  }
  assert.deepEqual(shown, said);
  assert.deepEqual(await missingFrom(second), 0);
  assert.deepEqual(warnings(second), []);
  await one.world.closeAll();
});

Deno.test("a history that the server gives only half of is not exported as if it were whole", async () => {
  const one = await scene();
  const { world, archive, ana, ben } = one;
  const said = await chat(one, 60);
  const second = await another(world, ana);
  const { history } = second.engine!;
  const answer = archive.answer.bind(archive);
  archive.answer = (who, path, sent) => {
    return path === "/api/archive/read" ? Promise.resolve(null) : answer(who, path, sent);
  };
  const head = { account: ana.keys.account, username: "ana", origin: "https://a.example", time: 1 };
  const quick = (passphrase: Bytes) => sha256(passphrase);
  const seal = () => sealHistory(head, history.contents(), "not a short one", quick);
  assert.deepEqual(await seal(), {
    ...{ ok: false, code: "offline" },
    words: "The server does not give all of your history now. Try again later.",
  });
  assert.equal((await history.whole(ben.keys.account)).ok, false);
  archive.answer = answer;
  const file = must(await openHistory(must(await seal()), "not a short one", quick));
  const texts = file.contents.flatMap(({ messages }) => messages.map(({ text }) => text));
  assert.deepEqual(texts.toSorted(), said.toSorted());
  await world.closeAll();
});

Deno.test("several devices archive the same messages; a new one shows each once", async () => {
  const one = await scene();
  const second = await another(one.world, one.ana);
  const said = await chat(one, 12);
  await say(second, await talkTo(second, "ben"), "from the second");
  await one.world.pass(60_000);
  const { segments } = one.archive.shelf(one.ana.keys.account);
  assert.equal(new Set(segments.map(({ body }) => body.device)).size, 2);
  const third = await another(one.world, one.ana);
  assert.deepEqual(await texts(third, one.ben), [...said, "from the second"]);
  await one.world.closeAll();
});

Deno.test("what came by the queue and by the archive is shown once", async () => {
  const one = await scene();
  const second = await one.world.device(one.ana.person);
  const said = await chat(one, 10);
  await one.world.open(second);
  await one.world.pass(60_000);
  assert.deepEqual(await texts(second, one.ben), said);
  await one.world.closeAll();
});

Deno.test("death at every step of archiving: the archive has every message once, its chain no hole", async () => {
  let died = 0;
  for (let step = 1;; step++) {
    const one = await scene();
    const { world, archive, ana, ben } = one;
    await say(ana, await talkTo(ana, "ben"), "one");
    await say(ana, await talkTo(ana, "ben"), "two");
    await world.settle();
    await world.close(ana);
    const doom = new Doom(step);
    await world.open(ana, { wrapping: doom.wrapping }).then(async ({ history }) => {
      await history.flush();
      await world.settle();
    }).catch(() => died++);
    const alive = !doom.dead;
    doom.dead = true;
    await world.close(ana);
    world.server.relay.cut(ana.keys.device);
    await world.open(ana);
    await world.pass(120_000);
    const second = await another(world, ana);
    assert.deepEqual(await texts(second, ben), ["one", "two"], `step ${step}`);
    assert.equal(await missingFrom(second), 0, `step ${step}`);
    const bodies = archive.shelf(ana.keys.account).segments.map(({ body }) => body);
    const seqs = bodies.filter(({ device }) => device === ana.keys.device).map(({ seq }) => seq);
    assert.deepEqual(seqs, seqs.map((_, at) => at + 1), `step ${step}`);
    await world.closeAll();
    if (alive) break;
  }
  assert.ok(died > 0);
});

Deno.test("a server set back to yesterday gets again what it has lost", async () => {
  const one = await scene();
  const { world, archive, ana, ben } = one;
  await chat(one, 3);
  const shelf = archive.shelf(ana.keys.account);
  const yesterday = [...shelf.segments];
  const said = await chat(one, 3, 3);
  shelf.segments = yesterday;
  world.server.relay.cut(ana.keys.device);
  await world.pass(120_000);
  await chat(one, 1, 6);
  const second = await another(world, ana);
  assert.equal(await missingFrom(second), 0);
  assert.deepEqual((await texts(second, ben)).slice(3, 6), said);
  await world.closeAll();
});

Deno.test("31 days offline: what the server dropped meanwhile comes back from another device's archive", async () => {
  const one = await scene();
  const { world, ana, ben } = one;
  const second = await another(world, ana);
  const before = await chat(one, 2);
  await world.close(second);
  const said = await chat(one, 3, 2);
  const queue = world.server.relay.queue(second.keys.device);
  queue.gaps += queue.waiting.length;
  queue.waiting = [];
  world.time += 31 * 86_400_000;
  await world.open(second);
  await world.pass(120_000);
  const later = await chat(one, 1, 5);
  assert.deepEqual(await texts(second, ben), [...before, ...said, ...later]);
  await world.closeAll();
});

Deno.test("switched off on one device, nothing more is archived by any, until it is on again", async () => {
  const one = await scene();
  const { world, archive, ana } = one;
  const second = await another(world, ana);
  await chat(one, 2);
  const { length } = archive.shelf(ana.keys.account).segments;
  must(await ana.engine!.history.setOn(false));
  await chat(one, 2, 2);
  assert.equal(archive.shelf(ana.keys.account).segments.length, length);
  assert.equal((await second.engine!.history.status()).on, false);
  must(await ana.engine!.history.erase());
  assert.deepEqual(archive.shelf(ana.keys.account).segments, []);
  assert.equal((await ana.engine!.history.status()).on, false);
  assert.equal((await texts(second, one.ben)).length, 4, "devices keep what they have");
  must(await ana.engine!.history.setOn(true));
  world.server.relay.cut(second.keys.device);
  await world.pass(60_000);
  await chat(one, 1, 4);
  const writers = archive.shelf(ana.keys.account).segments.map(({ body }) => body.device);
  assert.equal(new Set(writers).size, 2, "both write again");
  await world.closeAll();
});

Deno.test("wiping any table of the storage is noticed: the device says so, becomes new and has its history back", async () => {
  for (const table of TABLES) {
    const one = await scene();
    const { world, ana, ben } = one;
    await chat(one, 3);
    await world.close(ana);
    const rows = await ana.store.reopen().list(table);
    assert.ok(rows.length > 0, `${table} has something to lose`);
    const removed = rows.map(({ key }) => ({ table, key, remove: true } as const));
    await ana.store.reopen().commit(removed);
    await assert.rejects(world.open(ana), { name: "NoDevice", reason: "wiped" }, table);
    // Still so when what is missing turns up: a ratchet without its memory must not step.
    await ana.store.reopen().commit(rows.map(({ key, value }) => ({ table, key, value })));
    if (table !== "meta") {
      await assert.rejects(world.open(ana), { name: "NoDevice", reason: "wiped" }, table);
    }
    const again = await another(world, ana);
    assert.equal((await texts(again, ben)).length, 3, table);
    await world.closeAll();
  }
});

Deno.test("a clock that is a day off: what it archives has its place all the same", async () => {
  const one = await scene();
  const { world, ana, ben } = one;
  const first = await chat(one, 3);
  world.time += 86_400_000;
  const ahead = await chat(one, 2, 3);
  world.time -= 86_400_000;
  const back = await chat(one, 2, 5);
  const second = await another(world, ana);
  const shown = await texts(second, ben);
  assert.deepEqual(shown.toSorted(), [...first, ...ahead, ...back].toSorted());
  assert.equal(await missingFrom(second), 0);
  await world.closeAll();
});

Deno.test("a store that becomes a new device archives again what the old one had sealed", async () => {
  const one = await scene();
  const { world, ana } = one;
  world.server.trouble.push({ prefix: "POST /api/archive", status: 503, times: 99 });
  await chat(one, 3);
  await world.close(ana);
  const store = ana.store.reopen();
  assert.ok((await store.list("meta", { prefix: "archive-out/" })).length > 0);
  const { accountKey, list } = ana.person.made;
  const made = await makeDevice(list.account, list.aik, "browser", "sealed", world.day);
  const grown = await appendEntry(
    list,
    list.account,
    await addDevice(accountKey, list, made.entry),
  );
  const order = { day: world.day, mode: "sealed", counters: FIRST_PREKEY_COUNTERS } as const;
  const prekeys = await makePrekeys(made.keys, grown, { ...order, once: 1, kemOnce: 1 });
  const names = { username: "ana", fullName: "Ana" };
  const device = { kind: "browser", keys: made.keys, list: grown, prekeys } as const;
  await installDevice(store, { ...device, ...names });
  assert.deepEqual(await store.list("meta", { prefix: "archive-out/" }), []);
  const { length } = await store.list("meta", { prefix: "archive-mark/" });
  assert.equal(length, 3, "every message waits for the new device's chain");
  await world.closeAll();
});
