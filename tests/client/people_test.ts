import assert from "node:assert/strict";
import { acquainted, type Device, lines, must, peopleOf } from "../helpers/people_world.ts";
import { say, talkTo, texts, twoPeople, warnings, World } from "../helpers/people_world.ts";
import { another, chat, scene } from "../helpers/history_scene.ts";

/** Ana has written to Ben, who does not know her. */
async function stranger() {
  const scene = await twoPeople();
  const toBen = await talkTo(scene.ana, "ben");
  await say(scene.ana, toBen, "hello, you do not know me");
  await scene.world.settle();
  return { ...scene, toBen };
}

const states = async (device: Device, other: Device) =>
  (await device.engine!.messages(other.keys.account)).map(({ state }) => state);

const withAna = async (ben: Device) => (await peopleOf(ben))[0]!;

Deno.test("a stranger's words are a request: the stranger sees only that they were sent", async () => {
  const { world, ana, ben } = await stranger();
  assert.equal((await withAna(ben)).accepted, false);
  await ben.engine!.markRead(ana.keys.account);
  await world.settle();
  assert.deepEqual(await states(ana, ben), ["sent"]);
  assert.deepEqual(world.server.relay.queue(ana.keys.device).waiting, []);
  await world.closeAll();
});

Deno.test("a request that is taken is confirmed, as read if it was read meanwhile", async () => {
  const { world, ana, ben } = await stranger();
  const taken = must(await ben.engine!.people.accept(ana.keys.account));
  assert.equal(taken.accepted, true);
  await world.settle();
  assert.deepEqual(await states(ana, ben), ["delivered"]);
  await world.closeAll();

  const again = await stranger();
  await again.ben.engine!.markRead(again.ana.keys.account);
  must(await again.ben.engine!.people.accept(again.ana.keys.account));
  await again.world.settle();
  assert.deepEqual(await states(again.ana, again.ben), ["read"]);
  await again.world.closeAll();
});

Deno.test("of somebody who is blocked nothing is shown, and they are not told", async () => {
  const { world, ana, ben, toBen } = await stranger();
  must(await ben.engine!.people.block(ana.keys.account));
  const { blocked, unread } = await withAna(ben);
  assert.deepEqual([blocked, unread], [true, 0]);
  const [events, submitted] = [ben.events.length, world.server.relay.submitted.length];
  await say(ana, toBen, "are you there?");
  await world.settle();
  assert.deepEqual(ben.events.slice(events), []);
  assert.equal(world.server.relay.submitted.length, submitted + 1, "nothing but Ana's own");
  assert.deepEqual(await texts(ben, ana), ["hello, you do not know me"]);
  assert.deepEqual(await states(ana, ben), ["sent", "sent"]);
  const refused = await ben.engine!.send(ana.keys.account, "no");
  assert.ok(!refused.ok && refused.code === "blocked");
  assert.equal((await talkTo(ben, "ana")).blocked, true, "looking them up changes nothing");
  assert.ok(!(await ben.engine!.people.accept(ana.keys.account)).ok);
  await world.closeAll();
});

Deno.test("unblocked, one hears of them again, and what they wrote meanwhile is gone", async () => {
  const { world, ana, ben, toBen, toAna } = await acquainted();
  must(await ben.engine!.people.block(ana.keys.account));
  assert.deepEqual(await ben.engine!.people.blocked(), [
    { account: ana.keys.account, username: "ana", fullName: "Ana" },
  ]);
  await say(ana, toBen, "unheard");
  await world.settle();
  must(await ben.engine!.people.unblock(ana.keys.account));
  assert.deepEqual(await ben.engine!.people.blocked(), []);
  await say(ana, toBen, "heard");
  await say(ben, toAna, "back");
  await world.settle();
  assert.deepEqual(await texts(ben, ana), ["hello", "hello back", "heard", "back"]);
  assert.deepEqual(await lines(ben, ana), [], "what was not shown is not missing");
  assert.deepEqual(warnings(ben), []);
  await world.closeAll();
});

Deno.test("what is decided on one device counts on the others at once", async () => {
  const { world, ana, ben } = await stranger();
  const second = await world.device(ben.person);
  await world.open(second);
  await say(ana, await talkTo(ana, "ben"), "to both of you");
  await world.settle();
  const on = async (device: Device) => {
    const { accepted, blocked, verification } = await withAna(device);
    return [accepted, blocked, verification];
  };
  assert.deepEqual(await on(second), [false, false, "unverified"]);
  must(await ben.engine!.people.accept(ana.keys.account));
  await world.settle();
  assert.deepEqual(await on(second), [true, false, "unverified"]);
  must(await second.engine!.setVerified(ana.keys.account, true));
  await world.settle();
  assert.deepEqual(await on(ben), [true, false, "verified"]);
  must(await second.engine!.people.block(ana.keys.account));
  await world.settle();
  assert.deepEqual(await on(ben), [true, true, "verified"]);
  // At the same moment by the clock, the later decision still is the later one.
  must(await ben.engine!.people.unblock(ana.keys.account));
  await world.settle();
  assert.deepEqual(await on(second), [true, false, "verified"]);
  await world.closeAll();
});

Deno.test("attack: a decision that a contact sends is not taken as one's own", async () => {
  const { world, ana, ben } = await acquainted();
  const { account, aik } = ben.keys;
  const decision = { accepted: true, verified: true, blocked: false, decided: 9e15 } as const;
  const body = { kind: "decision", account, aik, ...decision } as const;
  // Ana's engine would never queue it for Ben: put into her outbox by hand.
  const order = "999999999999";
  const row = { id: "AAAAAAAAAAAAAAAAAAAAAA", conversation: account, body, time: 1, copy: false };
  await world.close(ana);
  const store = ana.store.reopen();
  await store.commit([
    { table: "outbox", key: `wait/${order}`, value: { ...row, order, sealed: null } },
  ]);
  ana.store = store;
  await world.open(ana);
  await world.settle();
  const view = (await peopleOf(ben))[0]!;
  assert.equal(view.verification, "unverified");
  assert.deepEqual(warnings(ben), ["unreadable"]);
  await world.closeAll();
});

Deno.test("another full name is said in the conversation", async () => {
  const { world, ana, ben } = await acquainted();
  const account = world.server.accounts.get(ben.keys.account)!;
  account.fullName = "Benedict";
  await talkTo(ana, "ben");
  await talkTo(ana, "ben");
  assert.deepEqual(await lines(ana, ben), ["Ben is now called Benedict."]);
  assert.equal((await peopleOf(ana))[0]!.title, "Benedict");
  await world.closeAll();
});

Deno.test("attack: a server that answers with another username starts nothing", async () => {
  for (const username of ["cleo", "ben ", "Ben", "b\u202een", "<b>", ""]) {
    const { world, ana } = await twoPeople();
    world.server.lies.person = (answer) => ({ ...answer, username });
    const outcome = await ana.engine!.startConversation("ben");
    assert.ok(!outcome.ok && outcome.code === "untrusted-server", username);
    assert.deepEqual(await peopleOf(ana), []);
    await world.closeAll();
  }
});

Deno.test("attack: a sender whom the server gives an impossible name is not taken in", async () => {
  const world = new World();
  const [ana, ben] = [await world.person("ana"), await world.person("ben")];
  await world.open(ana);
  await world.open(ben);
  world.server.lies.person = (answer, asker) =>
    asker === ben.keys.account ? { ...answer, username: "admin\u2028" } : answer;
  await say(ana, await talkTo(ana, "ben"), "hello");
  await world.settle();
  assert.deepEqual(await peopleOf(ben), []);
  assert.deepEqual([...new Set(warnings(ben))], ["bad-list", "unreadable"]);
  await world.closeAll();
});

Deno.test("a device that is new takes over who is blocked and who is verified", async () => {
  const one = await scene();
  await chat(one, 4);
  const { account } = one.ben.keys;
  must(await one.ana.engine!.setVerified(account, true));
  must(await one.ana.engine!.people.block(account));
  await one.world.pass(60_000);
  const second = await another(one.world, one.ana);
  const { verification, blocked } = (await peopleOf(second))[0]!;
  assert.deepEqual([verification, blocked], ["verified", true]);
  await one.world.closeAll();
});
