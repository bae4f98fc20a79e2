import assert from "node:assert/strict";
import { revokeDevices } from "../../crypto/account.ts";
import type { DeviceId } from "../../protocol/ids.ts";
import { appendEntry } from "../../protocol/bundle.ts";
import { makeWorld } from "../helpers/account_world.ts";
import { signInAgain, signUp } from "../helpers/members.ts";

const TABLES = [
  "select count(*) as n from accounts",
  "select count(*) as n from list_entries",
  "select count(*) as n from devices",
  "select count(*) as n from bundles",
  "select count(*) as n from one_time_prekeys",
  "select count(*) as n from kem_prekeys",
  "select count(*) as n from vaults",
  "select count(*) as n from wraps",
  "select count(*) as n from logins",
];

Deno.test("an account comes whole and goes whole", async () => {
  const world = await makeWorld();
  const counts = () => TABLES.map((sql) => world.db.prepare(sql).get()!["n"]);
  assert.deepEqual(counts(), [0, 0, 0, 0, 0, 0, 0, 0, 0]);
  await signUp(world, "ana");
  assert.deepEqual(counts(), [1, 1, 1, 1, 3, 2, 1, 2, 1]);
  world.db.exec("delete from accounts");
  assert.deepEqual(counts(), [0, 0, 0, 0, 0, 0, 0, 0, 0]);
  world.close();
});

Deno.test("an account that fails half-way leaves nothing behind", async () => {
  const world = await makeWorld();
  world.db.exec(
    "create trigger fail before insert on logins begin select raise(abort, 'disk on fire'); end",
  );
  await assert.rejects(() => signUp(world, "ana"), /internal/);
  const counts = TABLES.map((sql) => world.db.prepare(sql).get()!["n"]);
  assert.deepEqual(counts, [0, 0, 0, 0, 0, 0, 0, 0, 0]);
  world.db.exec("drop trigger fail");
  await signUp(world, "ben");
  world.close();
});

Deno.test("a device that leaves the list takes its keys and logins with it", async () => {
  const world = await makeWorld();
  const ana = await signUp(world, "ana");
  const second = await signInAgain(ana);
  const { devices, logins, prekeys } = world.deps.store;
  const gone = ana.keys.device.device;
  const entry = await revokeDevices(second.keys, second.list, [gone]);
  const after = await appendEntry(second.list, ana.account, entry);
  const headers = new Headers({ authorization: `Bearer ${second.visitor.api.login}` });
  const login = (await world.auth.logins.authenticate(headers))!;
  const partial = world.auth.logins.issue(ana.account, null, "partial");
  await logins.insert(partial.row);
  const result = await devices.signIn({
    change: { account: ana.account, before: second.list, entry, after },
    device: second.keys.device,
    prekeys: null,
    prekeyStock: 200,
    partial: partial.row.id,
    login: world.auth.logins.issue(ana.account, second.keys.device, "full").row,
  });
  assert.equal(result.kind, "done");
  assert.ok(result.kind === "done" && result.ended.length === 2 && result.ended.includes(login.id));
  assert.equal(await devices.find(gone), null);
  assert.deepEqual(await prekeys.stock(gone), { oneTime: 0, kemOnce: 0, day: 0 });
  const head = (await devices.head(ana.account))!;
  assert.deepEqual([head.version, head.devices], [3, [second.keys.device]]);
  assert.equal((await devices.entries(ana.account, 0, 10)).length, 3);
  world.close();
});

Deno.test("attack: SQL in ids, names and keys of the store is only text", async () => {
  const world = await makeWorld();
  const ana = await signUp(world, "ana");
  const evil = "' or 1=1; drop table accounts; --";
  const { accounts, devices } = world.deps.store;
  assert.equal(await accounts.byUsername(evil), null);
  assert.equal(await accounts.hasContact(evil), false);
  assert.equal(await devices.find(evil as DeviceId), null);
  assert.equal((await accounts.byId(ana.account))?.username, "ana");
  world.close();
});
