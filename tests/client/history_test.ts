/** The history archive from engine to engine: what a new device gets back, and what nobody can take or slip in. */
import assert from "node:assert/strict";
import { addDevice, makeDevice, nextSet, revokeDevices } from "../../crypto/account.ts";
import { installDevice } from "../../client/installation.ts";
import type { ArchiveKey } from "../../client/archive_records.ts";
import { openSegment } from "../../crypto/archive.ts";
import { DecryptError } from "../../crypto/errors.ts";
import { FIRST_PREKEY_COUNTERS, makePrekeys } from "../../crypto/prekeys.ts";
import { appendEntry } from "../../protocol/bundle.ts";
import { encode } from "../../protocol/codec.ts";
import { segmentBodySchema } from "../../protocol/segment.ts";
import { TABLES } from "../../client/store.ts";
import { Doom } from "../helpers/doom.ts";
import { bodyOf, FakeArchive } from "../helpers/fake_archive.ts";
import { type Device, must, say, talkTo, texts, warnings, World } from "../helpers/people_world.ts";

interface Scene {
  readonly world: World;
  readonly archive: FakeArchive;
  readonly ana: Device;
  readonly ben: Device;
}

async function scene(): Promise<Scene> {
  const world = new World();
  const archive = world.server.archive = new FakeArchive();
  const [ana, ben] = [await world.person("ana"), await world.person("ben")];
  await world.open(ana);
  await world.open(ben);
  return { world, archive, ana, ben };
}

/** Ana says so many things to Ben, numbered from `from` on; a minute passes after each. */
async function chat({ world, ana, ben }: Scene, count: number, from = 0): Promise<string[]> {
  const toBen = await talkTo(ana, "ben");
  const said: string[] = [];
  for (let i = from; i < from + count; i++) {
    said.push(`message ${i}`);
    await say(ana, toBen, `message ${i}`);
    await world.pass(60_000);
  }
  assert.ok((await texts(ben, ana)).length >= count);
  return said;
}

async function another(world: World, device: Device): Promise<Device> {
  const fresh = await world.device(device.person);
  await world.open(fresh);
  await world.pass(60_000);
  return fresh;
}

/** What ana's chains lack, seen from one of her devices. */
async function missingFrom(device: Device): Promise<number> {
  return must(await device.engine!.history.check()).missing;
}

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

Deno.test("a removed device cannot open what is archived after it was removed", async () => {
  const one = await scene();
  const { world, archive, ana } = one;
  const thief = await another(world, ana);
  await chat(one, 3);
  const stolen = thief.store.snapshot();
  const { list } = world.server.accounts.get(ana.keys.account)!;
  await world.publish(ana.person, await revokeDevices(ana.keys, list, [thief.keys.device]));
  await world.pass(60_000);
  const { segments } = archive.shelf(ana.keys.account);
  const before = segments.length;
  const said = await chat(one, 3, 3);
  const after = archive.shelf(ana.keys.account).segments.slice(before);
  assert.ok(after.length > 0, "it goes on under a new key");
  const rows = await stolen.list<ArchiveKey>("device", { prefix: "archive/" });
  assert.equal(rows.length, 1);
  for (const { segment } of after) {
    for (const { value } of rows) {
      await assert.rejects(openSegment(value.secret, ana.keys.account, segment), DecryptError);
    }
  }
  assert.equal(archive.shelf(ana.keys.account).deposits.length, 1, "sealed for the vault");
  const fresh = await another(world, ana);
  assert.deepEqual((await texts(fresh, one.ben)).slice(-3), said);
  assert.equal((await texts(fresh, one.ben)).length, 6, "both epochs");
  await world.closeAll();
});

Deno.test("the other devices hear of the new key and write under it", async () => {
  const one = await scene();
  const { world, archive, ana } = one;
  const [thief, second] = [await another(world, ana), await another(world, ana)];
  await chat(one, 2);
  const { list } = world.server.accounts.get(ana.keys.account)!;
  await world.publish(ana.person, await revokeDevices(ana.keys, list, [thief.keys.device]));
  await world.pass(60_000);
  const before = archive.shelf(ana.keys.account).segments.length;
  await chat(one, 2, 2);
  const after = archive.shelf(ana.keys.account).segments.slice(before).map(({ body }) => body);
  assert.deepEqual(new Set(after.map(({ device }) => device)).size, 2);
  assert.deepEqual(new Set(after.map(({ key }) => key)).size, 1, "one key for both");
  assert.deepEqual(warnings(second).filter((what) => what === "history-incomplete"), []);
  await world.closeAll();
});

Deno.test("attack: a stolen device removes others and makes a key; after the owner's set nobody writes under it", async () => {
  const one = await scene();
  const { world, archive, ana } = one;
  const [thief, second] = [await another(world, ana), await another(world, ana)];
  const { list } = world.server.accounts.get(ana.keys.account)!;
  // The thief throws the first device out, which makes a key that the thief knows.
  const removal = await revokeDevices(thief.keys, list, [ana.keys.device]);
  await world.publish(ana.person, removal);
  await world.pass(60_000);
  const stolen = thief.store.snapshot();
  // The owner overrules the removal, at the same version, without the thief.
  const devices = list.devices.filter(({ device }) => device !== thief.keys.device);
  await world.publish(ana.person, await nextSet(ana.person.made.accountKey, list, { devices }));
  await world.pass(60_000);
  const before = archive.shelf(ana.keys.account).segments.length;
  await say(second, await talkTo(second, "ben"), "after the theft");
  await world.pass(60_000);
  const after = archive.shelf(ana.keys.account).segments.slice(before);
  assert.ok(after.length > 0, "it goes on");
  const rows = await stolen.list<ArchiveKey>("device", { prefix: "archive/" });
  assert.ok(rows.length > 1, "the thief knows the key of the removal");
  for (const { segment } of after) {
    for (const { value } of rows) {
      await assert.rejects(openSegment(value.secret, ana.keys.account, segment), DecryptError);
    }
  }
  await world.closeAll();
});

Deno.test("attack: the server holds back what a device has archived: the history says that it is incomplete", async () => {
  const one = await scene();
  const { world, archive, ana } = one;
  await chat(one, 5);
  const shelf = archive.shelf(ana.keys.account);
  shelf.segments = shelf.segments.filter(({ body }) => body.seq !== 3);
  const second = await another(world, ana);
  assert.ok(await missingFrom(second) > 0);
  assert.ok(warnings(second).includes("history-incomplete"));
  await world.closeAll();
});

Deno.test("attack: the server shows an old end of a chain: another device has named a newer one", async () => {
  const one = await scene();
  const { world, archive, ana } = one;
  const second = await another(world, ana);
  await chat(one, 5);
  await world.pass(7 * 3_600_000);
  await chat(one, 1, 5);
  const shelf = archive.shelf(ana.keys.account);
  const own = ({ body }: { body: { device: string } }) => body.device === ana.keys.device;
  const newest = Math.max(...shelf.segments.filter(own).map(({ body }) => body.seq));
  shelf.segments = shelf.segments.filter((one) => !own(one) || one.body.seq <= newest - 3);
  assert.ok(await missingFrom(second) > 0);
  await world.closeAll();
});

Deno.test("attack: the server puts a segment elsewhere, or makes one up: it is not shown", async () => {
  const one = await scene();
  const { world, archive, ana, ben } = one;
  const said = await chat(one, 3);
  const shelf = archive.shelf(ana.keys.account);
  const [first] = shelf.segments;
  const body = { ...bodyOf(first!.segment), minute: 40_000_000, seq: 99 };
  const head = { ...first!.segment.head, body: encode(segmentBodySchema, body) };
  shelf.segments.push({ no: 999, body, segment: { ...first!.segment, head } });
  const second = await another(world, ana);
  assert.deepEqual(await texts(second, ben), said);
  assert.ok(await missingFrom(second) > 0);
  await world.closeAll();
});

Deno.test("a person whose key the server exchanged is shown as changed on a new device too", async () => {
  const one = await scene();
  const { world, ana, ben } = one;
  await chat(one, 2);
  must(await ana.engine!.setVerified(ben.keys.account, true));
  await world.pass(60_000);
  const impostor = await world.person("mallory");
  const known = world.server.accounts.get(ben.keys.account)!;
  // The server passes another key off as Ben's: the account id in it is another, so the list cannot even verify.
  known.entries = world.server.accounts.get(impostor.keys.account)!.entries;
  const second = await another(world, ana);
  const [talk] = await second.engine!.conversations();
  assert.ok(talk?.kind === "person" && talk.verification !== "unverified");
  assert.ok(warnings(second).includes("bad-list"));
  await world.closeAll();
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
