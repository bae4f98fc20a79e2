/** A server that lies to its clients: each lie is refused or shown, never taken in silence (security.md 5.1). */
import assert from "node:assert/strict";
import { createAccount, nextSet, revokeDevices } from "../../crypto/account.ts";
import { encode } from "../../protocol/codec.ts";
import { kemSignedSchema } from "../../protocol/bundle.ts";
import { randomId } from "../../protocol/ids.ts";
import { sign } from "../../crypto/signature.ts";
import { GARBAGE } from "../helpers/fake_relay.ts";
import {
  acquainted,
  type Device,
  lines,
  must,
  peopleOf,
  say,
  talkTo,
  texts,
  twoPeople,
  warnings,
  type World,
} from "../helpers/people_world.ts";

/** Another account key and device in the place of somebody's, as a server would make them up. */
async function impostorOf(world: World, victim: Device) {
  const { account } = victim.keys;
  const made = await createAccount(account, "terminal", "sealed", world.day);
  const real = world.server.accounts.get(account)!;
  world.server.lies.person = (answer) => {
    return answer.account === account ? { ...answer, entries: [made.entry] } : answer;
  };
  return { made, real, tellTheTruth: () => delete world.server.lies.person };
}

Deno.test("a swapped account key stops sending until the person accepts it", async () => {
  const { world, ana, ben, toBen } = await acquainted();
  must(await ana.engine!.setVerified(ben.keys.account, true));
  const { made } = await impostorOf(world, ben);
  await talkTo(ana, "ben");
  await world.settle();
  const [conversation] = await peopleOf(ana);
  assert.equal(conversation?.verification, "changed");
  assert.deepEqual(warnings(ana), ["key-changed"]);
  assert.match((await lines(ana, ben)).join(), /another one than the one you verified/);
  const before = world.server.relay.submitted.length;
  const refused = await ana.engine!.send(toBen.id, "secret");
  assert.ok(!refused.ok && refused.code === "changed-key");
  assert.ok(!(await ana.engine!.setVerified(ben.keys.account, true)).ok);
  await world.settle();
  assert.equal(world.server.relay.submitted.length, before, "nothing left the device");
  const shown = must(await ana.engine!.safetyNumber(ben.keys.account));
  assert.equal(shown.state, "changed");
  const accepted = must(await ana.engine!.acceptChange(ben.keys.account, shown.number));
  assert.equal(accepted.verification, "unverified");
  assert.equal(made.list.account, ben.keys.account);
  await world.closeAll();
});

Deno.test("attack: a key that is swapped once more is not accepted with the first one's number", async () => {
  const { world, ana, ben } = await acquainted();
  const { account } = ben.keys;
  await impostorOf(world, ben);
  await talkTo(ana, "ben");
  const first = must(await ana.engine!.safetyNumber(account));
  await impostorOf(world, ben);
  await talkTo(ana, "ben");
  const second = must(await ana.engine!.safetyNumber(account));
  assert.notEqual(first.number, second.number);
  for (const number of [first.number, "", "0".repeat(60)]) {
    const outcome = await ana.engine!.acceptChange(account, number);
    assert.ok(!outcome.ok && outcome.code === "changed-key");
  }
  must(await ana.engine!.acceptChange(account, second.number.replace(/.{5}/g, "$& ")));
  await world.closeAll();
});

Deno.test("what waits for an old key is never sent to a new one by itself", async () => {
  const { world, ana, ben, toBen } = await acquainted();
  world.server.relay.up = false;
  world.server.relay.cut(ana.keys.device);
  await world.settle();
  const waiting = await say(ana, toBen, "for the old key only");
  await world.settle();
  const { made } = await impostorOf(world, ben);
  const account = world.server.accounts.get(ben.keys.account)!;
  account.list = made.list;
  account.entries = [made.entry];
  world.server.relay.up = true;
  await world.pass(60_000);
  const shown = (await ana.engine!.messages(ben.keys.account)).find(({ id }) => id === waiting.id);
  assert.equal(shown?.state, "not sent");
  assert.match(shown?.reason ?? "", /key has changed/);
  const { number } = must(await ana.engine!.safetyNumber(ben.keys.account));
  must(await ana.engine!.acceptChange(ben.keys.account, number));
  await world.settle();
  const queued = world.server.relay.queue(made.device.device).waiting.length;
  assert.equal(queued, 0, "accepting the key does not send it either");
  await world.closeAll();
});

Deno.test("a changed key whose list is as empty as the old one's is shown like any other", async () => {
  const { world, ana, ben } = await acquainted();
  const { account, device } = ben.keys;
  const { list } = world.server.accounts.get(account)!;
  await world.close(ben);
  await world.publish(ben.person, await revokeDevices(ben.keys, list, [device]));
  await world.settle();
  const { made } = await impostorOf(world, ben);
  const gone = await revokeDevices(made.device, made.list, [made.device.device]);
  world.server.lies.person = (answer) => {
    return answer.account === account ? { ...answer, entries: [made.entry, gone] } : answer;
  };
  world.server.relay.listChanged(account, 2);
  await world.settle();
  assert.ok(warnings(ana).includes("key-changed"), warnings(ana).join());
  assert.equal(ana.engine!.connection, "online");
  await world.closeAll();
});

Deno.test("a server that exchanges two people's usernames renames nobody who is known", async () => {
  const { world, ana, ben, toBen } = await acquainted();
  const cleo = await world.person("cleo");
  await talkTo(ana, "cleo");
  const other = { ben: "cleo", cleo: "ben" } as Readonly<Record<string, string>>;
  world.server.lies.person = (answer) => {
    return { ...answer, username: other[answer.username] ?? answer.username };
  };
  world.server.relay.listChanged(ben.keys.account, 1);
  await world.settle();
  for (const username of ["ben", "cleo"]) {
    const outcome = await ana.engine!.startConversation(username);
    assert.ok(!outcome.ok && outcome.code === "untrusted-server");
  }
  const known = await peopleOf(ana);
  const handles = new Map(known.map(({ account, username }) => [account, username]));
  assert.equal(handles.get(toBen.id), "ben");
  assert.equal(handles.get(cleo.keys.account), "cleo");
  await world.closeAll();
});

Deno.test("a device that the account key did not sign gets nothing", async () => {
  const { world, ana, ben, toBen } = await acquainted();
  const ghost = await createAccount(ben.keys.account, "browser", "sealed", world.day);
  const real = world.server.accounts.get(ben.keys.account)!;
  const forged = await nextSet(
    { ...ghost.accountKey, public: real.list.aik },
    { ...real.list, aik: real.list.aik },
    { devices: [...real.list.devices, ...ghost.list.devices] },
  );
  world.server.lies.person = (answer) => {
    return answer.account === ben.keys.account
      ? { ...answer, entries: [...real.entries, forged] }
      : answer;
  };
  world.server.relay.refuse = (submit) => {
    const named = submit.destinations[0]!;
    if (named.account !== ben.keys.account) return null;
    return { code: "stale", lists: [{ account: named.account, version: 2, entries: [forged] }] };
  };
  await say(ana, toBen, "not for ghosts");
  await world.pass(60_000);
  assert.ok(warnings(ana).includes("bad-list"), warnings(ana).join());
  assert.equal(world.server.relay.wire.filter(({ to }) => to === ghost.device.device).length, 0);
  const last = (await ana.engine!.messages(ben.keys.account)).at(-1);
  assert.equal(last?.state, "not sent");
  await world.closeAll();
});

Deno.test("an older device list than one seen is noticed", async () => {
  const { world, ana, ben } = await acquainted();
  const old = [...world.server.accounts.get(ben.keys.account)!.entries];
  await world.device(ben.person);
  await talkTo(ana, "ben");
  await world.settle();
  assert.deepEqual(await lines(ana, ben), ["Ben has a new device, a browser."]);
  world.server.lies.person = (answer) => {
    return answer.account === ben.keys.account ? { ...answer, entries: old } : answer;
  };
  const again = await ana.engine!.startConversation("ben");
  assert.ok(!again.ok && again.code === "untrusted-server");
  assert.ok(warnings(ana).includes("list-rollback"));
  await world.closeAll();
});

Deno.test("a newer list that the server hides is asked for by name, and its lack is said", async () => {
  const { world, ana, ben, toBen } = await acquainted();
  const { account } = ben.keys;
  const old = [...world.server.accounts.get(account)!.entries];
  // Ben's new device appears to everybody but Ana.
  world.server.lies.person = (answer, asker) => {
    const hide = answer.account === account && asker === ana.keys.account;
    return hide ? { ...answer, entries: old } : answer;
  };
  await world.device(ben.person);
  await world.settle();
  await say(ben, await talkTo(ben, "ana"), "my list is longer now");
  await world.settle();
  assert.ok((await texts(ana, ben)).includes("my list is longer now"));
  assert.ok(warnings(ana).includes("list-rollback"), warnings(ana).join());
  await say(ana, toBen, "waits");
  await world.pass(60_000);
  const last = (await ana.engine!.messages(account)).at(-1);
  assert.equal(last?.state, "not sent");
  await world.closeAll();
});

Deno.test("a bundle without a KEM key of the device's own is refused (no downgrade)", async () => {
  const { world, ana, ben } = await twoPeople();
  const stranger = await world.person("cleo");
  const fakes = world.server.prekeys.get(stranger.keys.device)!;
  world.server.lies.bundles = (bundles) => {
    return bundles.map((one) => ({ ...one, kem: { ...one.kem, key: fakes.lastKem.key } }));
  };
  await say(ana, await talkTo(ana, "ben"), "not without");
  await world.settle();
  assert.deepEqual(warnings(ana), ["bad-bundle"]);
  assert.equal((await ana.engine!.messages(ben.keys.account))[0]?.state, "not sent");
  assert.equal(world.server.relay.wire.length, 0);
  await world.closeAll();
});

Deno.test("a KEM key of another device, well signed, is refused too", async () => {
  const { world, ana, ben } = await twoPeople();
  const { account, device } = ben.keys;
  world.server.lies.bundles = (bundles) => bundles.slice(0, 0);
  await say(ana, await talkTo(ana, "ben"), "no bundle");
  await world.settle();
  assert.match((await ana.engine!.messages(account))[0]?.reason ?? "", /over 30 days/);
  const stranger = await world.person("cleo");
  world.server.lies.bundles = (bundles) => {
    return bundles.map((one) => ({ ...one, device: stranger.keys.device }));
  };
  const key = new Uint8Array(1184);
  const body = encode(kemSignedSchema, { account, device, id: 1, key });
  assert.equal((await sign(stranger.keys.sign, "kem-once", body)).length, 64);
  await world.pass(11 * 60_000);
  assert.equal(world.server.relay.wire.length, 0);
  await world.closeAll();
});

Deno.test("a bundle older than 30 days: the message waits, and goes when the device is back", async () => {
  const { world, ana, ben } = await twoPeople();
  await world.close(ben);
  world.time += 31 * 86_400_000;
  world.server.relay.cut(ana.keys.device);
  await world.pass(5_000);
  await say(ana, await talkTo(ana, "ben"), "wake up");
  await world.settle();
  assert.match((await ana.engine!.messages(ben.keys.account))[0]?.reason ?? "", /over 30 days/);
  assert.deepEqual(warnings(ana), ["dormant-device"]);
  await world.open(ben);
  await world.pass(11 * 60_000);
  assert.deepEqual(await texts(ben, ana), ["wake up"]);
  await world.closeAll();
});

Deno.test("a delivery replayed, doubled or taken back in time is shown once", async () => {
  const { world, ana, ben, toBen } = await acquainted();
  const { relay } = world.server;
  relay.deliver = (item) => [item, item];
  await say(ana, toBen, "doubled");
  await world.settle();
  const replay = relay.wire.filter(({ to }) => to === ben.keys.device);
  for (const { envelope } of replay) {
    const { account, device } = ana.keys;
    relay.forge(ben.keys.device, { account, device, envelope });
  }
  await world.settle();
  assert.deepEqual(await texts(ben, ana), ["hello", "hello back", "doubled"]);
  assert.deepEqual(warnings(ben), []);
  await world.closeAll();
});

Deno.test("deliveries out of order are all shown, the missing ones counted", async () => {
  const { world, ana, ben, toBen } = await acquainted();
  const { relay } = world.server;
  const held: Parameters<typeof relay.deliver>[0][] = [];
  relay.deliver = (item, to) => {
    if (to !== ben.keys.device) return [item];
    held.push(item);
    return [];
  };
  for (const text of ["a", "b", "c"]) await say(ana, toBen, text);
  await world.settle();
  relay.deliver = (item) => [item];
  relay.inject(ben.keys.device, [held[2]!, held[0]!, held[1]!, held[0]!]);
  await world.settle();
  assert.deepEqual((await texts(ben, ana)).slice(2), ["c", "a", "b"]);
  assert.deepEqual(await lines(ben, ana), ["2 messages from Ana arrived late."]);
  await world.closeAll();
});

Deno.test("a dropped message is counted as missing when the next one comes", async () => {
  const { world, ana, ben, toBen } = await acquainted();
  const { relay } = world.server;
  relay.deliver = (item, to) => to === ben.keys.device ? [] : [item];
  await say(ana, toBen, "dropped");
  await world.settle();
  relay.queue(ben.keys.device).waiting = [];
  relay.deliver = (item) => [item];
  await say(ana, toBen, "kept");
  await world.settle();
  assert.deepEqual((await texts(ben, ana)).slice(2), ["kept"]);
  const gaps = ben.events.filter((event) => event.kind === "gap");
  assert.deepEqual(gaps, [{ kind: "gap", conversation: ana.keys.account, count: 1 }]);
  await world.closeAll();
});

Deno.test("a sender that the server alters makes no difference to who is shown", async () => {
  const { world, ana, ben, toBen } = await acquainted();
  const cleo = await world.person("cleo");
  world.server.relay.deliver = (item) => {
    const { account, device } = cleo.keys;
    return [{ ...item, account, device, minute: 0 }];
  };
  await say(ana, toBen, "still from ana");
  await world.settle();
  const [last] = (await ben.engine!.messages(ana.keys.account)).slice(-1);
  assert.equal(last?.text, "still from ana");
  assert.equal(last?.from, ana.keys.account);
  assert.equal(last?.device, ana.keys.device);
  assert.equal((await ben.engine!.conversations()).length, 1);
  await world.closeAll();
});

Deno.test("garbage and damaged envelopes are set aside and acknowledged; the rest flows on", async () => {
  const { world, ana, ben, toBen } = await acquainted();
  const { relay } = world.server;
  const { account, device } = ana.keys;
  relay.forge(ben.keys.device, { account, device, envelope: GARBAGE });
  relay.deliver = (item, to) => {
    if (to !== ben.keys.device) return [item];
    const envelope = new Uint8Array(item.envelope);
    envelope[envelope.length - 1]! ^= 1;
    return [{ ...item, envelope }];
  };
  await say(ana, toBen, "damaged on the way");
  await world.settle();
  relay.deliver = (item) => [item];
  await say(ana, toBen, "whole");
  await world.settle();
  assert.deepEqual((await texts(ben, ana)).slice(2), ["whole"]);
  assert.deepEqual(warnings(ben), ["unreadable", "unreadable"]);
  assert.equal(relay.queue(ben.keys.device).waiting.length, 0, "everything is acknowledged");
  assert.equal(await ben.store.get("meta", "set-aside"), 2);
  await world.closeAll();
});

Deno.test("an envelope for another device is nobody's message", async () => {
  const { world, ana, ben, toBen } = await acquainted();
  const cleo = await world.person("cleo");
  await world.open(cleo);
  await say(ana, toBen, "for ben");
  await world.settle();
  const { account, device } = ana.keys;
  for (const { envelope } of world.server.relay.wire) {
    world.server.relay.forge(cleo.keys.device, { account, device, envelope });
  }
  await world.settle();
  assert.deepEqual(await cleo.engine!.conversations(), []);
  assert.equal(world.server.relay.queue(cleo.keys.device).waiting.length, 0);
  assert.equal((await texts(ben, ana)).length, 3);
  await world.closeAll();
});

Deno.test("a flood of unknown sessions leads to one healing, not to many", async () => {
  const { world, ana, ben, toBen } = await acquainted();
  const { relay } = world.server;
  const sample = relay.wire.find(({ to }) => to === ben.keys.device)!.envelope;
  const { account, device } = ana.keys;
  const fetches = () => world.server.requests.filter((one) => one.endsWith("/bundles")).length;
  const before = fetches();
  for (let i = 0; i < 40; i++) {
    const envelope = new Uint8Array(sample.length);
    envelope.set(sample);
    envelope[1] = 2;
    envelope.set(crypto.getRandomValues(new Uint8Array(16)), 2);
    relay.forge(ben.keys.device, { account, device, envelope });
  }
  await world.settle();
  assert.equal(fetches() - before, 1);
  await say(ana, toBen, "after the flood");
  await world.settle();
  assert.ok((await texts(ben, ana)).includes("after the flood"));
  await world.closeAll();
});

Deno.test("a server that answers nonsense everywhere ends nothing", async () => {
  const { world, ana, ben, toBen } = await acquainted();
  world.server.relay.inject(ana.keys.device, [
    { type: "accepted", ref: 4_000_000_000 },
    { type: "refused", ref: 77, refusal: { code: "full" } },
    { type: "welcome", restored: false, queued: 9, gaps: 0 },
    { type: "notice", news: { kind: "list-changed", account: randomId(), version: 9 } },
  ]);
  world.server.trouble = [{ prefix: "GET", status: 500, times: 5 }];
  await say(ana, toBen, "undisturbed");
  await world.pass(30_000);
  assert.ok((await texts(ben, ana)).includes("undisturbed"));
  await world.closeAll();
});
