import assert from "node:assert/strict";
import { nextSet, revokeDevices } from "../../crypto/account.ts";
import { prekeyBundleSchema } from "../../protocol/bundle.ts";
import { decode } from "../../protocol/codec.ts";
import { acquainted, say, talkTo, texts } from "../helpers/people_world.ts";

const DAY = 86_400_000;

Deno.test("a bundle made under a removal that the owner overruled is made anew, and new people reach the device", async () => {
  const { world, ben } = await acquainted();
  const { account, device } = ben.keys;
  const kept = () => world.server.accounts.get(account)!;
  const named = () => decode(prekeyBundleSchema, world.server.prekeys.get(device)!.bundle.body);
  const [stolen, third] = [await world.device(ben.person), await world.device(ben.person)];
  const before = kept().list;
  await world.publish(
    ben.person,
    await revokeDevices(stolen.keys, before, [third.keys.device]),
  );
  await world.settle();
  // A week later the prekeys rotate: the new bundle names the removal's list.
  await world.pass(8 * DAY);
  await world.settle();
  assert.deepEqual(named().listHash, kept().list.hash);
  assert.equal(kept().list.head, "revoke");

  await world.publish(ben.person, await nextSet(ben.person.made.accountKey, before, {}));
  await world.settle();
  assert.equal(kept().list.head, "set");
  assert.deepEqual(named().listHash, kept().list.hash, "made anew at once");
  const cleo = await world.person("cleo");
  await world.open(cleo);
  await say(cleo, await talkTo(cleo, "ben"), "hello from somebody new");
  await world.settle();
  assert.deepEqual((await texts(ben, cleo)).at(-1), "hello from somebody new");
  await world.closeAll();
});
