/** A device that was added to one's own account is asked about until somebody has answered, over reloads too. */
import assert from "node:assert/strict";
import { revokeDevices } from "../../crypto/account.ts";
import { acquainted } from "../helpers/people_world.ts";

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
  const words = "Your account has a new device, a browser. " +
    "If that was not you, remove it and change your password.";
  assert.deepEqual(await reload(scene), [{ device, words }]);
  await ana.engine!.acceptDevice(device);
  assert.deepEqual(await reload(scene), []);
  await world.open(second);
  assert.deepEqual(await second.engine!.alarms(), [], "a device does not ask about itself");
  await world.closeAll();
});

Deno.test("a new device that is taken out again, whoever did it, is asked about no more", async () => {
  const scene = await acquainted();
  const { world, ana } = scene;
  const [one, other] = [await world.device(ana.person), await world.device(ana.person)];
  await world.settle();
  assert.equal((await reload(scene)).length, 2);
  const { list } = world.server.accounts.get(ana.keys.account)!;
  await world.publish(ana.person, await revokeDevices(ana.keys, list, [one.keys.device]));
  await world.settle();
  assert.deepEqual((await reload(scene)).map(({ device }) => device), [other.keys.device]);
  await world.closeAll();
});
