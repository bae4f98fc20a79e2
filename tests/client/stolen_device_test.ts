/**
 * Case 3 of the tests that catch the worst mistakes: a removed device, its full store in a thief's hands and the server
 * on the thief's side, adds no device, writes nothing into a room that members take, and opens no later archive.
 */
import assert from "node:assert/strict";
import { revokeDevices } from "../../crypto/account.ts";
import { makeArchiveKey, openSegment } from "../../crypto/archive.ts";
import { openDeposit, sealDeposit } from "../../crypto/archive_deposit.ts";
import { DecryptError } from "../../crypto/errors.ts";
import type { ArchiveKey } from "../../client/archive_records.ts";
import { archiveSetup } from "../../client/archive_setup.ts";
import { appendEntry } from "../../protocol/bundle.ts";
import { randomBytes } from "../../crypto/random.ts";
import { another, chat, scene } from "../helpers/history_scene.ts";
import { forge, makeOwner, refusedWith, setAfter, withEntry } from "../helpers/owners.ts";
import { texts } from "../helpers/people_world.ts";
import { idOf, TestRoom } from "../helpers/room_world.ts";

Deno.test("case 3: a removed device adds no device, not even with its full store and the server's help", async () => {
  const [owner, ghost] = [await makeOwner(2), await makeOwner()];
  const [kept, thief] = owner.devices as [typeof owner.device, typeof owner.device];
  const before = owner.list;
  const { list } = await withEntry(owner, await revokeDevices(kept, before, [thief.device]));
  const devices = [...list.devices, ...ghost.list.devices];
  // Signed with all that the store holds, on top of the list that is, and of the list that was.
  for (const base of [list, before]) {
    const entry = await forge(thief.sign, { ...setAfter(base), devices });
    await refusedWith("bad-signature", () => appendEntry(base, base.account, entry));
  }
  const revenge = await revokeDevices(thief, list, [kept.device]);
  await refusedWith("not-listed", () => appendEntry(list, list.account, revenge));
  // In place of its own removal it can remove others, which adds nobody either.
  const instead = await revokeDevices(thief, before, [kept.device]);
  const other = await appendEntry(before, before.account, instead);
  assert.deepEqual(other.devices.map(({ device }) => device), [thief.device]);
  await refusedWith("fork", () => appendEntry(list, list.account, instead));
});

Deno.test("case 3: what a removed device writes into a room's log is taken by nobody", async () => {
  const owner = await makeOwner(2);
  const ben = await makeOwner();
  const room = await TestRoom.of(owner, ben);
  const [kept, thief] = owner.devices as [typeof owner.device, typeof owner.device];
  assert.equal(room.state.members[0]!.pin.devices.length, 2);
  const entry = await revokeDevices(kept, owner.list, [thief.device]);
  const smaller = await withEntry(owner, entry);
  await room.let(ben, "devices", smaller);
  await refusedWith("not-listed", () => room.say(owner, { kind: "leave" }, 1));
  await refusedWith(
    "not-listed",
    () => room.recode(owner, { kind: "remove", member: idOf(ben) }, 1),
  );
  // The older list, with itself in it, does not come back.
  await refusedWith("rollback", () => room.let(ben, "devices", owner));
  assert.equal(room.state.members.length, 2);
});

Deno.test("case 3: a removed device opens nothing of the next archive epoch, with every deposit in hand", async () => {
  const one = await scene();
  const { world, archive, ana, ben } = one;
  const thief = await another(world, ana);
  await chat(one, 2);
  const stolen = thief.store.snapshot();
  const { account } = ana.keys;
  const { list } = world.server.accounts.get(account)!;
  await world.publish(ana.person, await revokeDevices(ana.keys, list, [thief.keys.device]));
  await world.pass(60_000);
  const { length } = archive.shelf(account).segments;
  await chat(one, 3, 2);
  const { segments, deposits } = archive.shelf(account);
  const keys = await stolen.list<ArchiveKey>("device", { prefix: "archive/" });
  assert.ok(segments.length > length && deposits.length === 1 && keys.length === 1);
  for (const { segment } of segments.slice(length)) {
    await assert.rejects(openSegment(keys[0]!.value.secret, account, segment), DecryptError);
  }
  // A deposit opens with the vault's own key alone, which no device keeps.
  const guess = { depositAgree: randomBytes(32), depositKem: randomBytes(64) };
  await assert.rejects(openDeposit(guess, ana.keys.sign.public, deposits[0]!), DecryptError);
  // Nor can the thief bring a key of its own into the vault, signed by itself, for the version of its removal.
  const known = world.server.accounts.get(account)!;
  const { version: epoch, hash, deposit } = known.list;
  const planted = await sealDeposit(thief.keys, deposit, {
    ...{ epoch, list: hash, key: makeArchiveKey() },
  });
  const given = { entries: known.entries, deposits: [planted, ...deposits] };
  const setup = await archiveSetup(ana.person.made.vault, given, known.list, "sealed");
  assert.equal(setup.keys.length, 2, "the vault's first key and the honest deposit");
  const fresh = await another(world, ana);
  assert.equal((await texts(fresh, ben)).length, 5);
  await world.closeAll();
});
