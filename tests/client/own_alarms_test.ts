/** A device that was added to one's own account is asked about until somebody has answered, over reloads too. */
import assert from "node:assert/strict";
import { revokeDevices } from "../../crypto/account.ts";
import type { HttpSend } from "../../client/transport.ts";
import { decode, encode } from "../../protocol/codec.ts";
import { devicesDone, revokeRequest } from "../../protocol/device_api.ts";
import type { Bytes } from "../../protocol/encoding.ts";
import type { DeviceId } from "../../protocol/ids.ts";
import { acquainted, warnings } from "../helpers/people_world.ts";

const words = (kind: string) =>
  `Your account has a new device, a ${kind}. ` +
  "If that was not you, remove it and change your password.";

async function reload({ world, ana }: Awaited<ReturnType<typeof acquainted>>) {
  await world.close(ana);
  await world.open(ana);
  return await ana.engine!.alarms();
}

Deno.test("a new device of one's own is asked about after a reload too, until the person says that it was them", async () => {
  const scene = await acquainted();
  const { world, ana } = scene;
  assert.deepEqual(await ana.engine!.alarms(), []);
  const second = await world.device(ana.person);
  await world.settle();
  const { device } = second.keys;
  assert.deepEqual(await reload(scene), [{ device, words: words("browser"), gone: false }]);
  await ana.engine!.acceptDevice(device);
  assert.deepEqual(await reload(scene), []);
  await world.open(second);
  assert.deepEqual(await second.engine!.alarms(), [], "a device does not ask about itself");
  await world.closeAll();
});

const GONE = "A device, a browser, was added to your account and is removed again. " +
  "If that was not you, change your password.";

Deno.test("attack: a thief's device that leaves by itself before anybody has answered is asked about all the same", async () => {
  const scene = await acquainted();
  const { world, ana } = scene;
  const [one, other] = [await world.device(ana.person), await world.device(ana.person)];
  await world.settle();
  assert.equal((await reload(scene)).length, 2);
  const { list } = world.server.accounts.get(ana.keys.account)!;
  await world.publish(ana.person, await revokeDevices(one.keys, list, [one.keys.device]));
  await world.settle();
  assert.equal(warnings(ana).at(-1), "own-device-gone");
  assert.deepEqual(await reload(scene), [
    { device: other.keys.device, words: words("browser"), gone: false },
    { device: one.keys.device, words: GONE, gone: true },
  ]);
  await ana.engine!.acceptDevice(one.keys.device);
  assert.deepEqual((await reload(scene)).map(({ device }) => device), [other.keys.device]);
  await world.closeAll();
});

Deno.test("attack: a thief's device that came and went while its owner slept is asked about, however many there were", async () => {
  const scene = await acquainted();
  const { world, ana } = scene;
  const { account } = ana.keys;
  await world.close(ana);
  const came: DeviceId[] = [];
  for (let i = 0; i < 10; i++) {
    const { keys } = await world.device(ana.person);
    const { list } = world.server.accounts.get(account)!;
    await world.publish(ana.person, await revokeDevices(keys, list, [keys.device]));
    came.push(keys.device);
  }
  await world.open(ana);
  const asked = await ana.engine!.alarms();
  assert.deepEqual(asked.map(({ device }) => device), came.slice(-8), "the newest");
  assert.deepEqual(await reload(scene), asked);
  for (const { device } of asked) await ana.engine!.acceptDevice(device);
  assert.deepEqual(await reload(scene), []);
  await world.closeAll();
});

Deno.test("a new device that its owner takes out here, or had said yes to, is asked about no more", async () => {
  const scene = await acquainted();
  const { world, ana } = scene;
  const [one, other] = [await world.device(ana.person), await world.device(ana.person)];
  await world.settle();
  await world.close(ana);
  const send = (send: HttpSend): HttpSend => async (request) => {
    if (request.path !== "/api/devices/revoke") return await send(request);
    const { list } = decode(revokeRequest, request.body as Bytes);
    await world.publish(ana.person, list);
    return { status: 200, headers: new Headers(), body: encode(devicesDone, {}) };
  };
  await world.open(ana, { wrapping: { send } });
  const removed = await ana.engine!.revokeDevice(one.keys.device);
  assert.ok(removed.ok, JSON.stringify(removed));
  await world.settle();
  await ana.engine!.acceptDevice(other.keys.device);
  const { list } = world.server.accounts.get(ana.keys.account)!;
  await world.publish(ana.person, await revokeDevices(other.keys, list, [other.keys.device]));
  await world.settle();
  assert.ok(!warnings(ana).includes("own-device-gone"));
  assert.deepEqual(await reload(scene), []);
  await world.closeAll();
});
