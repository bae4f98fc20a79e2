/** A malicious server and device lists: a device added, an old list, different lists for different people. Refused, and said. */
import assert from "node:assert/strict";
import { createAccount, nextSet, revokeDevices } from "../../crypto/account.ts";
import { verifyDeviceList } from "../../protocol/bundle.ts";
import type { AccountId } from "../../protocol/ids.ts";
import {
  acquainted,
  type Device,
  say,
  talkTo,
  texts,
  type World,
} from "../helpers/people_world.ts";

/** What a device was warned of, in words. */
function words({ events }: Device): string[] {
  return events.flatMap((event) => event.kind === "warning" ? event.words : []);
}

/** The server signs a device of its own into somebody's list, as well as it can. */
async function ghostIn(world: World, account: AccountId) {
  const { list, entries } = world.server.accounts.get(account)!;
  const ghost = await createAccount(account, "browser", "sealed", world.day);
  const devices = [...list.devices, ...ghost.list.devices];
  const forged = await nextSet({ ...ghost.accountKey, public: list.aik }, list, { devices });
  world.server.lies.person = (answer) => {
    return answer.account === account ? { ...answer, entries: [...entries, forged] } : answer;
  };
  return ghost.device.device;
}

Deno.test("attack: the server adds a device to somebody's list: nothing is encrypted for it, and people are told", async () => {
  const { world, ana, ben } = await acquainted();
  const ghost = await ghostIn(world, ben.keys.account);
  const again = await ana.engine!.startConversation("ben");
  assert.ok(!again.ok && again.code === "untrusted-server");
  assert.deepEqual(words(ana), ["The server's list of Ben's devices is not signed as it must be."]);
  assert.equal(world.server.relay.wire.filter(({ to }) => to === ghost).length, 0);
  await world.closeAll();
});

Deno.test("attack: the server adds a device to one's own list: it hears nothing, and the owner is told", async () => {
  const { world, ana, toBen } = await acquainted();
  const ghost = await ghostIn(world, ana.keys.account);
  world.server.relay.listChanged(ana.keys.account, 2);
  await world.settle();
  await say(ana, toBen, "not for ghosts");
  await world.settle();
  assert.deepEqual(words(ana), ["The server's list of Ana's devices is not signed as it must be."]);
  assert.equal(world.server.relay.wire.filter(({ to }) => to === ghost).length, 0);
  assert.equal((await ana.engine!.devices()).length, 1);
  await world.closeAll();
});

Deno.test("attack: the server rolls a device list back: refused, and people are told", async () => {
  const { world, ana, ben } = await acquainted();
  const { account } = ben.keys;
  const old = [...world.server.accounts.get(account)!.entries];
  await world.device(ben.person);
  await talkTo(ana, "ben");
  await world.settle();
  world.server.lies.person = (answer) => {
    return answer.account === account ? { ...answer, entries: old } : answer;
  };
  const again = await ana.engine!.startConversation("ben");
  assert.ok(!again.ok && again.code === "untrusted-server");
  assert.ok(
    words(ana).includes("The server shows an older list of Ben's devices than one you have seen."),
  );
  await world.closeAll();
});

/** Two stolen devices of Ben's throw each other out, so that one version has two entries, both well signed. */
async function twoLists(world: World, ben: Device) {
  const stolen = [await world.device(ben.person), await world.device(ben.person)] as const;
  const { list, entries } = world.server.accounts.get(ben.keys.account)!;
  const [one, other] = stolen.map(({ keys }) => keys);
  return {
    one: [...entries, await revokeDevices(one!, list, [other!.device])],
    other: [...entries, await revokeDevices(other!, list, [one!.device])],
  };
}

Deno.test("attack: the server shows two people different lists: with the first message both are told", async () => {
  const { world, ana, ben } = await acquainted();
  const { account } = ben.keys;
  const { one, other } = await twoLists(world, ben);
  // Before the new list is there, of which everybody hears at once: nobody may get a look at the truth.
  world.server.lies.person = (answer, asker) => {
    if (answer.account !== account) return answer;
    return { ...answer, entries: asker === ana.keys.account ? one : other };
  };
  await world.publish(ben.person, other.at(-1)!);
  world.server.relay.listChanged(account, 4);
  await world.settle();
  await say(ben, await talkTo(ben, "ana"), "what do you see?");
  await world.settle();
  assert.ok((await texts(ana, ben)).includes("what do you see?"));
  const fork = "The server shows different people different lists of Ben's devices.";
  assert.ok(words(ana).includes(fork), words(ana).join("\n"));
  // Whom she writes to is what she was shown: this server goes along with it.
  const known = world.server.accounts.get(account)!;
  const list = await verifyDeviceList(account, one);
  world.server.accounts.set(account, { ...known, entries: one, list });
  await say(ana, await talkTo(ana, "ben"), "something else than you");
  await world.settle();
  assert.ok(words(ben).includes(fork), words(ben).join("\n"));
  await world.closeAll();
});

Deno.test("attack: the server shows one person one list and then another of the same version: refused, and told", async () => {
  const { world, ana, ben } = await acquainted();
  const { one, other } = await twoLists(world, ben);
  let shown = one;
  world.server.lies.person = (answer) => {
    return answer.account === ben.keys.account ? { ...answer, entries: shown } : answer;
  };
  await talkTo(ana, "ben");
  shown = other;
  const again = await ana.engine!.startConversation("ben");
  assert.ok(!again.ok && again.code === "untrusted-server");
  const fork = "The server shows different people different lists of Ben's devices.";
  assert.ok(words(ana).includes(fork), words(ana).join("\n"));
  await world.closeAll();
});
