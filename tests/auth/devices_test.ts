import assert from "node:assert/strict";
import { addDevice, makeDevice, nextSet, revokeDevices } from "../../crypto/account.ts";
import { sign } from "../../crypto/signature.ts";
import { loginProofBytes, loginRequest } from "../../protocol/api.ts";
import { dayOf, type Signed, verifyDeviceList } from "../../protocol/bundle.ts";
import { encode } from "../../protocol/codec.ts";
import {
  devicesDone,
  ownDevicesAnswer,
  removedAnswer,
  renameRequest,
  revokeRequest,
} from "../../protocol/device_api.ts";
import { signIn } from "../../client/account_flow.ts";
import type { OwnDevice } from "../../client/types.ts";
import type { DeviceKeys } from "../../crypto/account.ts";
import { DAY, makeWorld, ORIGIN, value, Visitor, type World } from "../helpers/account_world.ts";
import { enrol, flowAt, signInAt, signInToCode, signUpGuarded } from "../helpers/guarded.ts";
import { type Member, renew, signInAgain, signUp } from "../helpers/members.ts";

/** The account's list as the server has it. */
async function listOf(world: World, { account }: Pick<Member, "account">) {
  return await verifyDeviceList(account, await world.deps.store.devices.entries(account, 0, 100));
}

async function revoke(visitor: Visitor, entry: Signed): Promise<string> {
  const request = encode(revokeRequest, { list: entry });
  const answer = await visitor.api.ask("/api/devices/revoke", request, devicesDone);
  return answer.ok ? "done" : answer.code;
}

/** What a device asks that is let in no more. */
async function askWhy(world: World, keys: DeviceKeys, bend: { signer?: DeviceKeys } = {}) {
  const visitor = new Visitor(world);
  const { account, device } = keys;
  const { challenge } = value(await visitor.api.challenge(device));
  const proof = loginProofBytes({ account, device, origin: ORIGIN, challenge });
  const signature = await sign((bend.signer ?? keys).sign, "login", proof);
  const request = encode(loginRequest, { account, device, challenge, signature });
  return await visitor.api.ask("/api/login/removed", request, removedAnswer);
}

Deno.test("devices have names and the day they were last here", async () => {
  const world = await makeWorld();
  const ana = await signUp(world, "ana");
  const second = await signInAgain(ana);
  world.clock.forward(3 * DAY);
  value(await second.visitor.api.me());
  const { device } = second.keys;
  const rename = async (name: string) =>
    await ana.visitor.api.ask(
      "/api/devices/rename",
      encode(renameRequest, { device, name }),
      devicesDone,
    );
  value(await rename("  Laptop   at work "));
  assert.ok(!(await rename("a\u0000b")).ok);
  const own = value(await ana.visitor.api.ask("/api/devices", null, ownDevicesAnswer));
  const named = own.devices.find((one) => one.device === device)!;
  assert.deepEqual([named.name, named.seen], ["Laptop at work", dayOf(world.clock.now())]);
  const ben = await signUp(world, "ben");
  const foreign = await ben.visitor.api.ask(
    ...[
      "/api/devices/rename",
      encode(renameRequest, { device, name: "Mine" }),
      devicesDone,
    ] as const,
  );
  assert.ok(!foreign.ok && foreign.code === "unknown-device");
  world.close();
});

Deno.test("a removed device loses login, keys and queue at once; owner and neighbours hear of it", async () => {
  const world = await makeWorld();
  const ana = await signUp(world, "ana");
  const second = await signInAgain(ana);
  const { device } = second.keys;
  world.db.prepare("insert into queues (device) values (?)").run(device);
  const before = await listOf(world, ana);
  world.ended.length = 0;
  const entry = await revokeDevices(ana.keys.device, before, [device]);
  assert.equal(await revoke(ana.visitor, entry), "done");
  assert.equal(world.ended.length, 1, "its login, and so its socket");
  assert.deepEqual(world.listChanges.at(-1), [ana.account, 3]);
  assert.ok(!(await second.visitor.api.me()).ok);
  const renewal = await renew(new Visitor(world), second.keys);
  assert.ok(!renewal.ok && renewal.code === "bad-proof");
  for (const table of ["devices", "queues", "bundles", "one_time_prekeys", "kem_prekeys"]) {
    const column = table === "devices" ? "id" : "device";
    const rows = world.db.prepare(`select count(*) as n from ${table} where ${column} = ?`);
    assert.equal(rows.get(device)!["n"], 0, table);
  }
  assert.equal(world.mailer.letters.at(-1)!.subject, "A device was removed from your Snug account");
  assert.deepEqual((await listOf(world, ana)).devices.map((one) => one.device), [
    ana.keys.device.device,
  ]);
  world.close();
});

Deno.test("a removed device is told why, with the list; nobody else learns anything", async () => {
  const world = await makeWorld();
  const ana = await signUp(world, "ana");
  const second = await signInAgain(ana);
  const early = await askWhy(world, second.keys);
  assert.ok(!early.ok && early.code === "bad-proof", "it is still listed");
  const entry = await revokeDevices(ana.keys.device, await listOf(world, ana), [
    second.keys.device,
  ]);
  assert.equal(await revoke(ana.visitor, entry), "done");
  const told = value(await askWhy(world, second.keys));
  const list = await verifyDeviceList(ana.account, told.entries);
  assert.equal(list.version, 3);
  const ben = await signUp(world, "ben");
  for (const signer of [ben.keys.device, ana.keys.device]) {
    const posing = await askWhy(world, second.keys, { signer });
    assert.ok(!posing.ok && posing.code === "bad-proof");
  }
  const never = await makeDevice(ana.account, list.aik, "browser", "portable", 20_000);
  assert.ok(!(await askWhy(world, never.keys)).ok, "it was never listed");
  world.close();
});

Deno.test("attack: a removed device with all its keys adds nothing, removes nothing and comes back by nothing", async () => {
  const world = await makeWorld();
  const ana = await signUp(world, "ana");
  const stolen = await signInAgain(ana);
  const old = await listOf(world, ana);
  const entry = await revokeDevices(ana.keys.device, old, [stolen.keys.device]);
  assert.equal(await revoke(ana.visitor, entry), "done");
  const head = await listOf(world, ana);
  // A colluding server even lends it a login: what counts is what it can sign.
  const friend = ana.visitor;
  const made = await makeDevice(ana.account, head.aik, "browser", "portable", 20_000);
  const asAccount = { ...ana.keys.accountKey, ...stolen.keys.sign, public: head.aik };
  const forged = [
    await addDevice(asAccount, head, made.entry),
    await nextSet(asAccount, head, {}),
    await revokeDevices(stolen.keys, head, [ana.keys.device.device]),
    await revokeDevices(stolen.keys, old, [ana.keys.device.device]),
    await revokeDevices({ ...stolen.keys, device: ana.keys.device.device }, head, [
      ana.keys.device.device,
    ]),
  ];
  for (const [at, one] of forged.entries()) {
    assert.notEqual(await revoke(friend, one), "done", String(at));
    const entries = await world.deps.store.devices.entries(ana.account, 0, 100);
    await assert.rejects(verifyDeviceList(ana.account, [...entries, one], head), String(at));
  }
  assert.equal((await listOf(world, ana)).version, head.version);
  world.close();
});

Deno.test("attack: an entry of another account, of another signer, or one that adds is refused", async () => {
  const world = await makeWorld();
  const [ana, ben] = [await signUp(world, "ana"), await signUp(world, "ben")];
  const second = await signInAgain(ana);
  const list = await listOf(world, ana);
  const bens = await revokeDevices(ben.keys.device, await listOf(world, ben), [
    ben.keys.device.device,
  ]);
  assert.equal(await revoke(ana.visitor, bens), "bad-keys");
  const others = await revokeDevices(second.keys, list, [ana.keys.device.device]);
  assert.equal(await revoke(ana.visitor, others), "bad-keys", "signed by another of its devices");
  const posing = await revokeDevices({ ...ben.keys.device, device: ana.keys.device.device }, list, [
    second.keys.device,
  ]);
  assert.equal(await revoke(ana.visitor, posing), "bad-keys");
  const adds = await nextSet(ana.keys.accountKey, list, {});
  assert.equal(await revoke(ana.visitor, adds), "bad-keys", "a set is for signing in");
  const stale = await revokeDevices(ana.keys.device, list, [second.keys.device]);
  assert.equal(await revoke(ana.visitor, stale), "done");
  const letters = world.mailer.letters.length;
  assert.equal(await revoke(ana.visitor, stale), "done", "sent again after a lost answer");
  assert.equal(world.mailer.letters.length, letters, "and done once");
  world.close();
});

Deno.test("attack: two removals at once; one wins, and the other is told to look again", async () => {
  const world = await makeWorld();
  const ana = await signUp(world, "ana");
  const [second, third] = [await signInAgain(ana), await signInAgain(ana)];
  const list = await listOf(world, ana);
  const entries = await Promise.all([
    revokeDevices(ana.keys.device, list, [second.keys.device]),
    revokeDevices(ana.keys.device, list, [third.keys.device]),
  ]);
  const outcomes = await Promise.all(entries.map((entry) => revoke(ana.visitor, entry)));
  assert.deepEqual(outcomes.sort(), ["done", "stale-list"]);
  assert.equal((await listOf(world, ana)).version, list.version + 1);
  world.close();
});

Deno.test("a ninth device takes the place of the one the person names, in one entry", async () => {
  const world = await makeWorld();
  const ana = await signUpGuarded(world, "ana");
  const first = (await ana.store.get<DeviceKeys>("device", "keys"))!.device;
  for (let i = 0; i < 7; i++) {
    world.clock.forward(DAY);
    assert.ok((await signInAt(new Visitor(world), ana)).ok);
  }
  const full = await signInAt(new Visitor(world), ana);
  assert.ok(!full.ok && full.code === "not-available", "nobody to ask: nothing is removed");
  const asked: string[][] = [];
  const ninth = (choose: (devices: readonly OwnDevice[]) => OwnDevice | undefined) =>
    signIn({
      ...flowAt(new Visitor(world)),
      makeRoom(devices) {
        asked.push(devices.map(({ device }) => device));
        return Promise.resolve(choose(devices)?.device ?? null);
      },
    }, ana);
  const refused = await ninth(() => undefined);
  assert.ok(!refused.ok && refused.code === "not-available", "the person turned back");
  const taken = await ninth(([longestAway]) => longestAway);
  assert.ok(taken.ok, JSON.stringify(taken));
  assert.equal(asked[0]![0], first, "the one that was away longest comes first");
  const { devices, version } = await listOf(world, ana);
  assert.deepEqual([devices.length, version], [8, 9]);
  assert.ok(!devices.some(({ device }) => device === first));
  assert.ok(!(await ana.visitor.api.me()).ok, "its login has ended");
  const subjects = world.mailer.letters.slice(-2).map(({ subject }) => subject);
  assert.deepEqual(subjects, [
    "A new device signed in to your Snug account",
    "A device was removed from your Snug account",
  ]);
  world.close();
});

Deno.test("attack: a sign-in that still owes its second factor sees no names of devices", async () => {
  const world = await makeWorld();
  const ana = await signUpGuarded(world, "ana");
  await enrol(ana);
  const visitor = new Visitor(world);
  await signInToCode(visitor, ana);
  const early = await visitor.api.ask("/sign-in/devices", null, ownDevicesAnswer);
  assert.ok(!early.ok && early.code === "sign-in-needed");
  world.close();
});
