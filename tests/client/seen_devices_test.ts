/** One's own devices as others see them: what a contact's client gets, judged as a contact's client judges it. */
import assert from "node:assert/strict";
import { seenByOthers } from "../../client/seen_devices.ts";
import { MemoryStore } from "../../client/store_memory.ts";
import { safetyNumber } from "../../crypto/safety_number.ts";
import { verifyDeviceList } from "../../protocol/bundle.ts";
import { makeWorld, value, Visitor } from "../helpers/account_world.ts";
import { signInAt, signUpGuarded } from "../helpers/guarded.ts";
import { must } from "../helpers/people_world.ts";

Deno.test("the list is the one that a contact gets, with a half of every safety number", async () => {
  const world = await makeWorld();
  const [ana, ben] = [await signUpGuarded(world, "ana"), await signUpGuarded(world, "ben")];
  assert.ok((await signInAt(new Visitor(world), ana)).ok);
  const seen = must(await seenByOthers({ api: ana.visitor.api, store: ana.store }));
  assert.deepEqual(seen.devices.map(({ kind, current }) => [kind, current]), [
    ["browser", true],
    ["terminal", false],
  ]);
  const bens = value(await ben.visitor.api.account(ana.account));
  const list = await verifyDeviceList(ana.account, bens.entries);
  assert.deepEqual(seen.devices.map(({ made }) => made), list.devices.map(({ made }) => made));
  assert.equal(seen.version, list.version);
  assert.equal(new Set(seen.devices.map(({ fingerprint }) => fingerprint)).size, 2);
  for (const { fingerprint } of seen.devices) {
    assert.match(fingerprint, /^[0-9A-Z]{4}( [0-9A-Z]{4}){3}$/);
  }
  const own = value(await ben.visitor.api.account(ben.account));
  const bensList = await verifyDeviceList(ben.account, own.entries);
  const number = await safetyNumber(
    { account: ana.account, aik: list.aik },
    { account: ben.account, aik: bensList.aik },
  );
  assert.ok(number.startsWith(seen.half) || number.endsWith(seen.half));
  assert.equal(seen.half.length, 30);
  world.close();
});

Deno.test("attack: a server that shows another list than this device knows is found out", async () => {
  const world = await makeWorld();
  const [ana, ben] = [await signUpGuarded(world, "ana"), await signUpGuarded(world, "ben")];
  assert.ok((await signInAt(new Visitor(world), ana)).ok);
  const before = value(await ben.visitor.api.account(ana.account));
  const bens = value(await ana.visitor.api.account(ben.account));
  for (const entries of [before.entries.slice(0, 0), bens.entries]) {
    const api = {
      account: () => Promise.resolve({ ok: true as const, value: { ...before, entries } }),
    };
    const seen = await seenByOthers({ api, store: ana.store });
    assert.ok(!seen.ok && seen.code === "untrusted-server", JSON.stringify(seen));
  }
  world.close();
});

Deno.test("who is no device any more is told so, and not asked for", async () => {
  const store = new MemoryStore();
  const seen = await seenByOthers({ api: { account: () => assert.fail("asked") }, store });
  assert.ok(!seen.ok && seen.code === "signed-out");
});
