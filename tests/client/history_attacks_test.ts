/** The history archive against its server and against stolen devices: what they cannot read, slip in or hide. */
import assert from "node:assert/strict";
import { nextSet, revokeDevices } from "../../crypto/account.ts";
import type { ArchiveKey } from "../../client/archive_records.ts";
import { openSegment } from "../../crypto/archive.ts";
import { DecryptError } from "../../crypto/errors.ts";
import { segmentsAnswer } from "../../protocol/archive_api.ts";
import { decode, encode } from "../../protocol/codec.ts";
import { segmentBodySchema } from "../../protocol/segment.ts";
import { bodyOf } from "../helpers/fake_archive.ts";
import { must, say, talkTo, texts, warnings } from "../helpers/people_world.ts";
import { another, chat, missingFrom, scene } from "../helpers/history_scene.ts";

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

Deno.test("attack: the server replays segments of other accounts and of other conversations: none is shown where it does not belong", async () => {
  const one = await scene();
  const { world, archive, ana, ben } = one;
  const cleo = await world.person("cleo");
  await world.open(cleo);
  const said = await chat(one, 2);
  await say(cleo, await talkTo(cleo, "ben"), "between Cleo and Ben");
  await say(ana, await talkTo(ana, "cleo"), "between Ana and Cleo");
  await world.pass(60_000);
  const mine = archive.shelf(ana.keys.account);
  const [tagOfBen, ofCleo] = [mine.segments[0]!.body.tag, mine.segments.at(-1)!];
  assert.notEqual(ofCleo.body.tag, tagOfBen);
  const foreign = [ben, cleo].flatMap(({ keys }) => archive.shelf(keys.account).segments);
  assert.ok(foreign.length > 0, "others have an archive too");
  // Under their own names, under Ana's, and one of Ana's own under another conversation's mark.
  const renamed = foreign.map((kept) => {
    const body = { ...kept.body, tag: tagOfBen, key: mine.segments[0]!.body.key };
    const head = { ...kept.segment.head, body: encode(segmentBodySchema, body) };
    return { ...kept, body, segment: { ...kept.segment, head } };
  });
  const moved = { ...ofCleo.body, tag: tagOfBen };
  const head = { ...ofCleo.segment.head, body: encode(segmentBodySchema, moved) };
  const replayed = [{ ...ofCleo, body: moved, segment: { ...ofCleo.segment, head } }];
  mine.segments.push(...foreign, ...renamed, ...replayed);
  const second = await another(world, ana);
  must(await second.engine!.history.whole(ben.keys.account));
  assert.deepEqual(await texts(second, ben), said);
  assert.deepEqual(await texts(second, cleo), ["between Ana and Cleo"]);
  const shown = (await second.engine!.conversations()).map(({ id }) => id);
  assert.deepEqual(shown.toSorted(), [ben.keys.account, cleo.keys.account].toSorted());
  assert.ok(warnings(second).includes("history-incomplete"), "what cannot be read is said");
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

Deno.test("attack: the server hides all that a device archived from a new one that nobody has told anything: it is noticed", async () => {
  const one = await scene();
  const { world, archive, ana } = one;
  await chat(one, 3);
  // A day later the prekey bundle names the end of the chain.
  world.time += 26 * 3_600_000;
  await world.pass(60_000);
  await world.close(ana);
  const shelf = archive.shelf(ana.keys.account);
  assert.ok(shelf.segments.length > 0);
  shelf.segments = [];
  const second = await another(world, ana);
  assert.ok(warnings(second).includes("history-incomplete"));
  assert.equal(await missingFrom(second), 1, "at least one");
  await world.closeAll();
});

Deno.test("attack: the server hides the archive and the bundle that names it: it is noticed", async () => {
  const one = await scene();
  const { world, archive, ana } = one;
  await chat(one, 3);
  await world.close(ana);
  archive.shelf(ana.keys.account).segments = [];
  world.server.prekeys.delete(ana.keys.device);
  const second = await another(world, ana);
  assert.ok(warnings(second).includes("history-incomplete"));
  await world.closeAll();
});

Deno.test("an archive of which nothing is missing raises no alarm, day after day", async () => {
  const one = await scene();
  const { world, ana } = one;
  for (let day = 0; day < 3; day++) {
    await chat(one, 2, day * 2);
    world.time += 26 * 3_600_000;
    await world.pass(60_000);
  }
  const second = await another(world, ana);
  await world.close(ana);
  world.time += 40 * 86_400_000;
  const third = await another(world, ana);
  for (const device of [second, third]) {
    assert.equal(await missingFrom(device), 0);
    assert.deepEqual(warnings(device).filter((what) => what === "history-incomplete"), []);
  }
  await world.closeAll();
});

Deno.test("attack: the server shows every head and keeps old segments to itself: found when a conversation is read to its beginning", async () => {
  const one = await scene();
  const { world, archive, ana, ben } = one;
  await chat(one, 40);
  const answer = archive.answer.bind(archive);
  archive.answer = (who, path, sent) => {
    const shelf = archive.shelf(who.account);
    const whole = shelf.segments;
    if (path !== "/api/archive/chain") {
      shelf.segments = whole.filter(({ body }) => body.seq !== 3);
    }
    return answer(who, path, sent).finally(() => shelf.segments = whole);
  };
  const second = await another(world, ana);
  must(await second.engine!.history.whole(ben.keys.account));
  await world.pass(700_000);
  assert.ok(warnings(second).includes("history-incomplete"));
  assert.ok(await missingFrom(second) > 0);
  await world.closeAll();
});

Deno.test("attack: the server shows every head and keeps a whole conversation to itself: found at once", async () => {
  const one = await scene();
  const { world, archive, ana } = one;
  const cleo = await world.person("cleo");
  await world.open(cleo);
  await chat(one, 3);
  await say(ana, await talkTo(ana, "cleo"), "to be hidden");
  await world.pass(60_000);
  const hidden = archive.shelf(ana.keys.account).segments.at(-1)!.body.tag;
  const answer = archive.answer.bind(archive);
  archive.answer = (who, path, sent) => {
    const shelf = archive.shelf(who.account);
    const whole = shelf.segments;
    if (path !== "/api/archive/chain") {
      shelf.segments = whole.filter(({ body }) => body.tag !== hidden);
    }
    return answer(who, path, sent).finally(() => shelf.segments = whole);
  };
  const second = await another(world, ana);
  assert.deepEqual((await second.engine!.conversations()).length, 1);
  assert.ok(warnings(second).includes("history-incomplete"));
  await world.closeAll();
});

Deno.test("attack: the server gives segments twice, backwards, in circles and out of other conversations: each is shown once", async () => {
  const one = await scene();
  const { world, archive, ana, ben } = one;
  const cleo = await world.person("cleo");
  await world.open(cleo);
  const said = await chat(one, 40);
  await say(ana, await talkTo(ana, "cleo"), "for Cleo");
  await world.pass(60_000);
  const answer = archive.answer.bind(archive);
  archive.answer = async (who, path, sent) => {
    const given = await answer(who, path, sent);
    if (!(given instanceof Uint8Array) || !/recent|read/.test(path)) return given;
    const { segments, next } = decode(segmentsAnswer, given);
    const others = archive.shelf(who.account).segments.slice(0, 3)
      .map(({ no, body, segment }) => ({ at: { minute: body.minute, no }, segment }));
    const bent = [...segments, ...others, ...segments.toReversed()];
    return encode(segmentsAnswer, { segments: bent, next });
  };
  const second = await another(world, ana);
  must(await second.engine!.history.whole(ben.keys.account));
  assert.deepEqual(await texts(second, ben), said);
  assert.deepEqual(await texts(second, cleo), ["for Cleo"]);
  // In circles: it goes back where it has been.
  archive.answer = async (who, path, sent) => {
    const given = await answer(who, path, sent);
    if (!(given instanceof Uint8Array) || !/recent|read/.test(path)) return given;
    const { segments } = decode(segmentsAnswer, given);
    const next = segments[0]?.at ?? null;
    return encode(segmentsAnswer, { segments, next });
  };
  const third = await world.device(ana.person);
  await world.open(third);
  await world.pass(60_000);
  assert.equal((await third.engine!.history.status()).restored, false, "asked again, not followed");
  await world.closeAll();
});
