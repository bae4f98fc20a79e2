/** What went wrong and how it comes right: old copies, lost sessions, full queues, removed devices. */
import assert from "node:assert/strict";
import { revokeDevices } from "../../crypto/account.ts";
import { NoDevice } from "../../client/types.ts";
import { type Contact, keys, type PeerDevice } from "../../client/records.ts";
import {
  acquainted,
  type Device,
  lines,
  must,
  say,
  talkTo,
  texts,
  warnings,
} from "../helpers/people_world.ts";

/** Loses every session that a device has with another, as half a wiped store would. */
async function forgetSessions(device: Device, other: Device): Promise<void> {
  const peerKey = keys.peer(other.keys.account, other.keys.device);
  const peer = await device.store.get<PeerDevice>("sessions", peerKey);
  await device.store.commit([
    ...peer!.sessions.map(({ id }) => {
      return { table: "sessions", key: keys.session(id), remove: true } as const;
    }),
    { table: "sessions", key: peerKey, remove: true },
  ]);
}

Deno.test("a store restored from an old copy is recognised, says so and never steps a ratchet again", async () => {
  const { world, ana, ben, toBen } = await acquainted();
  await world.close(ana);
  const copy = ana.store.snapshot();
  await world.open(ana);
  await say(ana, toBen, "after the copy was made");
  await world.settle();
  await world.close(ana);
  ana.store = copy;
  const before = world.server.relay.submitted.length;
  const engine = await world.open(ana);
  assert.equal(engine.connection, "restored");
  must(await engine.send(toBen.id, "from the past"));
  engine.connect();
  await world.pass(120_000);
  assert.equal(engine.connection, "restored");
  assert.equal(world.server.relay.submitted.length, before, "nothing is sent");
  await world.close(ana);
  await assert.rejects(world.open(ana), (error) => {
    return error instanceof NoDevice && error.reason === "restored";
  });
  assert.deepEqual((await texts(ben, ana)).slice(-1), ["after the copy was made"]);
  await world.closeAll();
});

Deno.test("one step from one state twice never meets key and IV again on the wire", async () => {
  const { world, ana, toBen } = await acquainted();
  await world.close(ana);
  const copy = ana.store.snapshot();
  const { wire } = world.server.relay;
  await world.open(ana);
  await say(ana, toBen, "same words");
  await world.settle();
  const first = wire.at(-1)!.envelope;
  await world.close(ana);
  ana.store = copy;
  // A server that helps the attacker says that nothing was restored.
  world.server.relay.queue(ana.keys.device).incarnation = null;
  await world.open(ana);
  await say(ana, toBen, "same words");
  await world.settle();
  const second = wire.at(-1)!.envelope;
  assert.notDeepEqual(first.slice(18, 34), second.slice(18, 34), "the body's salt");
  assert.notDeepEqual(first.slice(34, 46), second.slice(34, 46), "the header's IV");
  await world.closeAll();
});

Deno.test("lost sessions heal after three messages, and both are told how many were lost", async () => {
  const { world, ana, ben, toBen } = await acquainted();
  await forgetSessions(ben, ana);
  for (const text of ["lost 1", "lost 2", "lost 3"]) {
    await say(ana, toBen, text);
    await world.settle();
  }
  assert.deepEqual(await lines(ben, ana), [
    "3 messages from Ana could not be read. New ones can be.",
  ]);
  assert.ok(warnings(ana).includes("peer-lost-messages"));
  assert.deepEqual(await lines(ana, ben), [
    "Ben could not read 3 messages of yours. Send again what matters.",
  ]);
  await say(ana, toBen, "found again");
  await world.settle();
  assert.deepEqual((await texts(ben, ana)).slice(-1), ["found again"]);
  assert.equal(ben.events.filter(({ kind }) => kind === "gap").length, 1);
  await world.closeAll();
});

Deno.test("whoever writes first after losing sessions opens a new one, and nothing more is lost", async () => {
  const { world, ana, ben, toBen, toAna } = await acquainted();
  await forgetSessions(ben, ana);
  // In one and the same millisecond it would count as a simultaneous opening.
  world.time++;
  await say(ben, toAna, "from a new session");
  await world.settle();
  await say(ana, toBen, "on it");
  await world.settle();
  assert.deepEqual((await texts(ana, ben)).slice(-2), ["from a new session", "on it"]);
  assert.deepEqual((await texts(ben, ana)).slice(-2), ["from a new session", "on it"]);
  await world.closeAll();
});

Deno.test("a second loss within the hour waits its hour before it heals", async () => {
  const { world, ana, ben, toBen } = await acquainted();
  const lose = async (name: string) => {
    await world.close(ben);
    const { healing } = (await ben.store.reopen().get<PeerDevice>(
      "sessions",
      keys.peer(ana.keys.account, ana.keys.device),
    ))!;
    ben.store = ben.store.reopen();
    await forgetSessions(ben, ana);
    const { account, device } = ana.keys;
    const kept = { account, device, sessions: [], openings: [], healing };
    await ben.store.commit([{ table: "sessions", key: keys.peer(account, device), value: kept }]);
    await world.open(ben);
    for (let i = 0; i < 3; i++) await say(ana, toBen, `${name} ${i}`);
    await world.settle();
  };
  await lose("first");
  assert.equal((await lines(ben, ana)).length, 1);
  await lose("second");
  assert.equal((await lines(ben, ana)).length, 1, "not yet");
  await world.pass(61 * 60_000);
  await say(ana, toBen, "an hour later");
  await world.settle();
  assert.deepEqual((await lines(ben, ana)).slice(1), [
    "4 messages from Ana could not be read. New ones can be.",
  ]);
  await world.closeAll();
});

Deno.test("messages that a full queue swallowed are counted once, by session or server", async () => {
  const { world, ana, ben, toBen } = await acquainted();
  await world.close(ben);
  for (let i = 0; i < 10; i++) await say(ana, toBen, `m${i}`);
  await world.settle();
  const queue = world.server.relay.queue(ben.keys.device);
  queue.waiting = queue.waiting.slice(-2);
  queue.gaps = 8;
  await world.open(ben);
  await world.pass(10_000);
  assert.deepEqual((await texts(ben, ana)).slice(2), ["m8", "m9"]);
  const gaps = ben.events.flatMap((event) => event.kind === "gap" ? [event.count] : []);
  assert.deepEqual(gaps, [8]);
  await world.close(ben);
  queue.gaps = 11;
  await world.open(ben);
  await world.pass(10_000);
  const last = ben.events.flatMap((event) => event.kind === "gap" ? [event] : []).at(-1);
  assert.deepEqual(last, { kind: "gap", count: 3 }, "what no session missed is told without one");
  await world.closeAll();
});

Deno.test("a removed device gets nothing more, and is shown to its contacts", async () => {
  const { world, ana, ben, toBen } = await acquainted();
  const ben2 = await world.device(ben.person);
  await world.open(ben2);
  await say(ana, toBen, "to both");
  await world.settle();
  const { list } = world.server.accounts.get(ben.keys.account)!;
  const revoke = await revokeDevices(ben.keys, list, [ben2.keys.device]);
  await world.publish(ben.person, revoke);
  await world.settle();
  assert.equal(ben2.engine!.connection, "removed");
  const before = world.server.relay.queue(ben2.keys.device).top;
  await say(ana, toBen, "to one");
  await world.settle();
  assert.equal(world.server.relay.queue(ben2.keys.device).top, before);
  assert.deepEqual((await texts(ben, ana)).slice(-1), ["to one"]);
  assert.deepEqual(await lines(ana, ben), [
    "Ben has a new device, a browser.",
    "Ben removed a device, a browser.",
  ]);
  await world.closeAll();
});

Deno.test("what a removed device still sends is dropped with a notice", async () => {
  const { world, ana, ben, toBen } = await acquainted();
  const ben2 = await world.device(ben.person);
  await world.open(ben2);
  await say(ana, toBen, "hello second");
  await world.settle();
  const said = await say(ben2, (await ben2.engine!.conversations())[0]!, "before the removal");
  await world.settle();
  const { list } = world.server.accounts.get(ben.keys.account)!;
  await world.publish(ben.person, await revokeDevices(ben.keys, list, [ben2.keys.device]));
  await world.settle();
  const { account, device } = ben2.keys;
  const old = world.server.relay.wire.filter(({ from }) => from === device).at(-1)!;
  const forged = new Uint8Array(old.envelope);
  forged[20]! ^= 1;
  world.server.relay.forge(ana.keys.device, { account, device, envelope: forged });
  await world.settle();
  assert.ok(warnings(ana).includes("unknown-device"));
  const shown = (await texts(ana, ben)).filter((text) => text === said.text);
  assert.equal(shown.length, 1);
  await world.closeAll();
});

Deno.test("the owner's other devices are alarmed by a new device", async () => {
  const { world, ana, ben } = await acquainted();
  await world.device(ana.person);
  await world.settle();
  assert.ok(warnings(ana).includes("own-new-device"));
  assert.deepEqual((await ana.engine!.devices()).map(({ kind, current }) => [kind, current]), [
    ["terminal", true],
    ["browser", false],
  ]);
  assert.deepEqual(await lines(ben, ana), ["Ana has a new device, a browser."]);
  await world.closeAll();
});

Deno.test("what is read on one device is not counted as new on the other", async () => {
  const { world, ana, ben, toBen } = await acquainted();
  const ben2 = await world.device(ben.person);
  await world.open(ben2);
  await say(ben2, await talkTo(ben2, "ana"), "hello from the second");
  await world.settle();
  await say(ana, toBen, "new");
  await world.settle();
  const unread = async () => (await ben2.engine!.conversations())[0]?.unread;
  assert.equal(await unread(), 1);
  await ben.engine!.markRead(ana.keys.account);
  await world.settle();
  assert.equal(await unread(), 0);
  assert.equal((await ana.engine!.messages(ben.keys.account)).at(-1)?.state, "read");
  await world.closeAll();
});

Deno.test("a second connection of the same device is left in peace for a minute", async () => {
  const { world, ana } = await acquainted();
  world.server.relay.connect(ana.login, { opened() {}, received() {}, closed() {} });
  await world.settle();
  assert.equal(ana.engine!.connection, "offline");
  await world.pass(50_000);
  assert.equal(ana.engine!.connection, "offline");
  await world.pass(15_000);
  assert.equal(ana.engine!.connection, "online");
  await world.closeAll();
});

Deno.test("a stolen device that names a list version that never comes stops nobody once it is removed", async () => {
  const { world, ana, ben, toBen } = await acquainted();
  const stolen = await world.device(ben.person);
  world.server.relay.listChanged(ben.keys.account, 2);
  await world.settle();
  const contact = (await ana.store.get<Contact>("accounts", ben.keys.account))!;
  await world.close(ana);
  const named = { required: 2 ** 31 - 1, requiredBy: stolen.keys.device };
  const value = { ...contact, ...named };
  await ana.store.reopen().commit([{ table: "accounts", key: ben.keys.account, value }]);
  await world.open(ana);
  const waiting = await say(ana, toBen, "is anybody there?");
  await world.settle();
  const stateOf = async () =>
    (await ana.engine!.messages(ben.keys.account)).find(({ id }) => id === waiting.id)?.state;
  assert.notEqual(await stateOf(), "sent");
  const { list } = world.server.accounts.get(ben.keys.account)!;
  await world.publish(
    ben.person,
    await revokeDevices(ben.keys, list, [stolen.keys.device]),
  );
  world.server.relay.listChanged(ben.keys.account, 3);
  await world.settle();
  const again = await say(ana, toBen, "and now?");
  await world.settle();
  const all = await ana.engine!.messages(ben.keys.account);
  assert.notEqual(all.find(({ id }) => id === again.id)?.state, "not sent");
  assert.ok((await texts(ben, ana)).includes("and now?"));
  await world.closeAll();
});
