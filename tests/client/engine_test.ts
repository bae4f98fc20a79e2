/** Two engines at a server in memory: what people see when all goes well, and when the network does not. */
import assert from "node:assert/strict";
import { randomId } from "../../protocol/ids.ts";
import {
  lines,
  must,
  say,
  talkTo,
  texts,
  twoPeople,
  warnings,
  World,
} from "../helpers/people_world.ts";

Deno.test("two people talk, and both see who said what in order", async () => {
  const { world, ana, ben } = await twoPeople();
  const toBen = await talkTo(ana, "ben");
  for (const text of ["one", "two", "three"]) await say(ana, toBen, text);
  await world.settle();
  assert.deepEqual(await texts(ben, ana), ["one", "two", "three"]);
  const [conversation] = await ben.engine!.conversations();
  assert.equal(conversation?.title, "Ana");
  assert.equal(conversation?.unread, 3);
  assert.equal(conversation?.accepted, false);
  await say(ben, conversation!, "four");
  await world.settle();
  assert.deepEqual(await texts(ana, ben), ["one", "two", "three", "four"]);
  assert.deepEqual(warnings(ana).concat(warnings(ben)), []);
  await world.closeAll();
});

Deno.test("receipts wait until a stranger's conversation is answered", async () => {
  const { world, ana, ben } = await twoPeople();
  const message = await say(ana, await talkTo(ana, "ben"), "hello");
  await world.settle();
  const state = async () => (await ana.engine!.messages(ben.keys.account)).at(0)?.state;
  assert.equal(await state(), "sent");
  await ben.engine!.markRead(ana.keys.account);
  await world.settle();
  assert.equal(await state(), "sent");
  await say(ben, (await ben.engine!.conversations())[0]!, "hello yourself");
  await world.settle();
  assert.equal(await state(), "read", "the answer takes the stranger up, and Ben had looked");
  await say(ana, await talkTo(ana, "ben"), "again");
  await world.settle();
  await ben.engine!.markRead(ana.keys.account);
  await world.settle();
  const all = await ana.engine!.messages(ben.keys.account);
  assert.deepEqual(all.filter(({ mine }) => mine).map(({ state }) => state), ["read", "read"]);
  assert.ok(
    ana.events.some((event) =>
      event.kind === "state" && event.id === message.id && event.by === ben.keys.account
    ),
  );
  await world.closeAll();
});

Deno.test("messages to somebody who is away arrive in order, over restarts of both", async () => {
  const { world, ana, ben } = await twoPeople();
  const toBen = await talkTo(ana, "ben");
  await say(ana, toBen, "first");
  await world.settle();
  await world.close(ben);
  for (let i = 0; i < 5; i++) await say(ana, toBen, `away ${i}`);
  await world.settle();
  await world.close(ana);
  await world.open(ana);
  await say(ana, toBen, "after a restart");
  await world.settle();
  await world.open(ben);
  const expected = ["first", ...[0, 1, 2, 3, 4].map((i) => `away ${i}`), "after a restart"];
  assert.deepEqual(await texts(ben, ana), expected);
  assert.deepEqual(await lines(ben, ana), []);
  await world.closeAll();
});

Deno.test("what is written offline is sent when the server is back, the same bytes, in order", async () => {
  const { world, ana, ben } = await twoPeople();
  const toBen = await talkTo(ana, "ben");
  await say(ana, toBen, "online");
  await world.settle();
  world.server.relay.up = false;
  world.server.relay.cut(ana.keys.device);
  await world.settle();
  for (let i = 0; i < 20; i++) await say(ana, toBen, `offline ${i}`);
  await world.settle();
  assert.equal(ana.engine!.connection, "offline");
  assert.equal((await texts(ben, ana)).length, 1);
  world.server.relay.up = true;
  await world.pass(60_000);
  assert.equal(ana.engine!.connection, "online");
  const expected = ["online", ...Array.from({ length: 20 }, (_, i) => `offline ${i}`)];
  assert.deepEqual(await texts(ben, ana), expected);
  await world.closeAll();
});

Deno.test("an answer that gets lost leads to the same submission again, shown once", async () => {
  const { world, ana, ben } = await twoPeople();
  const toBen = await talkTo(ana, "ben");
  world.server.relay.swallowAnswers = true;
  await say(ana, toBen, "once");
  await world.settle();
  world.server.relay.swallowAnswers = false;
  world.server.relay.cut(ana.keys.device);
  await world.pass(5_000);
  const tries = world.server.relay.submitted.filter(({ from }) => from === ana.keys.device);
  assert.equal(tries.length, 2);
  assert.deepEqual(tries[0]!.submit.submit, tries[1]!.submit.submit);
  assert.deepEqual(tries[0]!.submit.destinations, tries[1]!.submit.destinations);
  assert.deepEqual(await texts(ben, ana), ["once"]);
  assert.equal((await ana.engine!.messages(ben.keys.account))[0]?.state, "sent");
  await world.closeAll();
});

Deno.test("both write first at the same time, and both read both", async () => {
  const { world, ana, ben } = await twoPeople();
  const [toBen, toAna] = [await talkTo(ana, "ben"), await talkTo(ben, "ana")];
  await Promise.all([say(ana, toBen, "from ana"), say(ben, toAna, "from ben")]);
  await world.settle();
  for (let i = 0; i < 3; i++) {
    await Promise.all([say(ana, toBen, `a${i}`), say(ben, toAna, `b${i}`)]);
    await world.settle();
  }
  const expected = ["a0", "a1", "a2", "b0", "b1", "b2", "from ana", "from ben"];
  assert.deepEqual((await texts(ana, ben)).sort(), expected);
  assert.deepEqual((await texts(ben, ana)).sort(), expected);
  await world.closeAll();
});

Deno.test("all devices of both people see everything, one's own words as one's own", async () => {
  const { world, ana, ben } = await twoPeople();
  const ana2 = await world.device(ana.person);
  const ben2 = await world.device(ben.person);
  await world.open(ana2);
  await world.open(ben2);
  const toBen = await talkTo(ana, "ben");
  await say(ana, toBen, "to all");
  await world.settle();
  assert.deepEqual(await texts(ben, ana), ["to all"]);
  assert.deepEqual(await texts(ben2, ana), ["to all"]);
  assert.deepEqual(await texts(ana2, ben), ["to all"]);
  const [copy] = await ana2.engine!.messages(ben.keys.account);
  assert.equal(copy?.mine, true);
  await say(ben2, (await ben2.engine!.conversations())[0]!, "from the second");
  await world.settle();
  for (const [device, other] of [[ana, ben], [ana2, ben], [ben, ana], [ben2, ana]] as const) {
    assert.deepEqual(await texts(device, other), ["to all", "from the second"]);
  }
  assert.equal((await ana2.engine!.messages(ben.keys.account))[0]?.state, "delivered");
  await world.closeAll();
});

Deno.test("a device added while a message waits gets it too, and the contact is told of it", async () => {
  const { world, ana, ben } = await twoPeople();
  const toBen = await talkTo(ana, "ben");
  await say(ana, toBen, "before");
  await world.settle();
  world.server.relay.cut(ana.keys.device);
  world.server.relay.up = false;
  await world.settle();
  const waiting = await say(ana, toBen, "waiting");
  await world.settle();
  const ben2 = await world.device(ben.person);
  world.server.relay.up = true;
  await world.pass(60_000);
  await world.open(ben2);
  assert.deepEqual(await texts(ben, ana), ["before", "waiting"]);
  assert.deepEqual(await texts(ben2, ana), ["waiting"]);
  assert.deepEqual(await lines(ana, ben), ["Ben has a new device, a browser."]);
  const names = world.server.relay.submitted.filter(({ from }) => from === ana.keys.device)
    .map(({ submit }) => submit.submit);
  assert.equal(new Set(names).size, names.length, "a changed set of envelopes has a new name");
  const rows = await ana.engine!.messages(ben.keys.account);
  assert.equal(rows.filter(({ id }) => id === waiting.id).length, 1);
  await world.closeAll();
});

Deno.test("polite words for yourself, nobody, nothing and too much", async () => {
  const world = new World();
  const ana = await world.person("ana");
  await world.person("ben");
  const engine = await world.open(ana);
  const codes = [];
  for (const name of ["ana", "@Ana", "nobody_here", "not a name!"]) {
    const outcome = await engine.startConversation(name);
    codes.push(outcome.ok ? "ok" : outcome.code);
  }
  assert.deepEqual(codes, ["yourself", "yourself", "unknown-person", "unknown-person"]);
  const toBen = must(await engine.startConversation("@Ben"));
  const tooLong = await engine.send(toBen.id, "ä".repeat(2_001));
  assert.ok(!tooLong.ok && tooLong.code === "too-long" && /2 bytes too long/.test(tooLong.words));
  assert.ok((await engine.send(toBen.id, "ä".repeat(2_000))).ok);
  const empty = await engine.send(toBen.id, "  \n ");
  assert.ok(!empty.ok && empty.code === "bad-input");
  const gone = await engine.send(ana.keys.account, "to no conversation");
  assert.ok(!gone.ok && gone.code === "unknown-conversation");
  await world.closeAll();
});

Deno.test("a full queue is said, and the message goes out when asked to again", async () => {
  const { world, ana, ben } = await twoPeople();
  const toBen = await talkTo(ana, "ben");
  const { relay } = world.server;
  relay.refuse = () => ({ code: "full" });
  const message = await say(ana, toBen, "no room");
  await world.settle();
  const shown = async () => (await ana.engine!.messages(ben.keys.account))[0];
  assert.equal((await shown())?.state, "not sent");
  assert.match((await shown())?.reason ?? "", /no room/);
  relay.refuse = () => null;
  await say(ana, toBen, "later");
  await world.settle();
  must(await ana.engine!.retry(toBen.id, message.id));
  await world.settle();
  assert.equal((await shown())?.state, "sent");
  assert.deepEqual((await texts(ben, ana)).sort(), ["later", "no room"]);
  await world.closeAll();
});

Deno.test("a server that says wait is waited for, as long as it says", async () => {
  const { world, ana, ben } = await twoPeople();
  const toBen = await talkTo(ana, "ben");
  const { relay } = world.server;
  relay.refuse = () => world.time < START_OF_ROOM ? { code: "rate", retryAfter: 30 } : null;
  const START_OF_ROOM = world.time + 30_000;
  for (let i = 0; i < 3; i++) await say(ana, toBen, `m${i}`);
  await world.settle();
  const submitted = relay.submitted.length;
  await world.pass(29_000);
  assert.equal(relay.submitted.length, submitted, "nothing is sent before the time");
  await world.pass(2_000);
  assert.deepEqual(await texts(ben, ana), ["m0", "m1", "m2"]);
  await world.closeAll();
});

Deno.test("prekeys that are fetched too often are waited for by Retry-After", async () => {
  const { world, ana, ben } = await twoPeople();
  const toBen = await talkTo(ana, "ben");
  world.server.trouble = [{ prefix: "POST /api/accounts", status: 429, times: 1, retryAfter: 600 }];
  await say(ana, toBen, "patience");
  await world.settle();
  assert.match((await ana.engine!.messages(ben.keys.account))[0]?.reason ?? "", /Waiting/);
  await world.pass(601_000);
  assert.deepEqual(await texts(ben, ana), ["patience"]);
  await world.closeAll();
});

Deno.test("a login that ran out is renewed by the device's key, and nobody notices", async () => {
  const { world, ana, ben } = await twoPeople();
  const toBen = await talkTo(ana, "ben");
  world.server.logins.delete(ana.login);
  world.server.relay.cut(ana.keys.device);
  await world.pass(10_000);
  await say(ana, toBen, "still here");
  await world.settle();
  assert.deepEqual(await texts(ben, ana), ["still here"]);
  await world.closeAll();
});

Deno.test("one-time prekeys are refilled before they run out, and rotated every week", async () => {
  const { world, ana, ben } = await twoPeople();
  const { server } = world;
  const kept = server.prekeys.get(ben.keys.device)!;
  const before = kept.bundle;
  kept.oneTime.length = 10;
  await world.close(ben);
  await world.open(ben);
  await world.pass(10_000);
  assert.equal(server.prekeys.get(ben.keys.device)!.oneTime.length, 100);
  await world.close(ben);
  world.time += 8 * 86_400_000;
  await world.open(ben);
  await world.pass(10_000);
  assert.notDeepEqual(server.prekeys.get(ben.keys.device)!.bundle, before);
  await say(ana, await talkTo(ana, "ben"), "with the new keys");
  await world.settle();
  assert.deepEqual(await texts(ben, ana), ["with the new keys"]);
  await world.closeAll();
});

Deno.test("both sides see the same safety number, and a verified mark on what arrives", async () => {
  const { world, ana, ben } = await twoPeople();
  await say(ana, await talkTo(ana, "ben"), "compare?");
  await world.settle();
  const numbers = [
    must(await ana.engine!.safetyNumber(ben.keys.account)),
    must(await ben.engine!.safetyNumber(ana.keys.account)),
  ];
  assert.match(numbers[0]!.number, /^\d{60}$/);
  assert.equal(numbers[0]!.number, numbers[1]!.number);
  must(await ben.engine!.setVerified(ana.keys.account, true));
  await say(ana, await talkTo(ana, "ben"), "yes");
  await world.settle();
  const rows = await ben.engine!.messages(ana.keys.account);
  assert.deepEqual(rows.map(({ verified }) => verified), [false, true]);
  await world.closeAll();
});

Deno.test("a message that is asked for twice under one id is sent once", async () => {
  const { world, ana, ben } = await twoPeople();
  const toBen = await talkTo(ana, "ben");
  const id = randomId<"message">();
  const first = must(await ana.engine!.send(toBen.id, "once", id));
  const again = must(await ana.engine!.send(toBen.id, "once", id));
  assert.deepEqual([first.id, again.id, again.order], [id, id, first.order]);
  await world.settle();
  const later = must(await ana.engine!.send(toBen.id, "once", id));
  assert.equal(later.state, "sent");
  assert.deepEqual(await texts(ben, ana), ["once"]);
  await world.closeAll();
});

Deno.test("receipts that waited do not make the first answer look like a second one that is missing", async () => {
  const { world, ana, ben } = await twoPeople();
  const toBen = await talkTo(ana, "ben");
  for (const text of ["one", "two"]) await say(ana, toBen, text);
  await world.settle();
  await ben.engine!.markRead(ana.keys.account);
  await say(ben, (await ben.engine!.conversations())[0]!, "three");
  await say(ana, toBen, "four");
  await ben.engine!.markRead(ana.keys.account);
  await say(ben, (await ben.engine!.conversations())[0]!, "five");
  await world.settle();
  assert.deepEqual(await lines(ana, ben), []);
  assert.deepEqual(await lines(ben, ana), []);
  const all = ["five", "four", "one", "three", "two"];
  assert.deepEqual((await texts(ana, ben)).toSorted(), all);
  assert.deepEqual((await texts(ben, ana)).toSorted(), all);
  await world.closeAll();
});
