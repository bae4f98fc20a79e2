import assert from "node:assert/strict";
import {
  accountKeyFrom,
  addDevice,
  createAccount,
  depositOf,
  FIRST_VAULT_GENERATION,
  makeDevice,
  nextSet,
  revokeDevices,
} from "../../crypto/account.ts";
import { exportPrivate, importSigning } from "../../crypto/signature.ts";
import { makeVaultKey, openVault, sealVault } from "../../crypto/vault.ts";
import { decode } from "../../protocol/codec.ts";
import { appendEntry, listEntrySchema, verifyDeviceList } from "../../protocol/device_list.ts";
import { FormatError } from "../../protocol/errors.ts";
import { toHex } from "../../protocol/encoding.ts";
import { randomId } from "../../protocol/ids.ts";
import { makeOwner, refusedWith, TODAY, withEntry } from "../helpers/owners.ts";

Deno.test("a new account: version 1, one device, and a list that verifies", async () => {
  const account = randomId<"account">();
  const made = await createAccount(account, "browser", "sealed", TODAY);
  const list = await verifyDeviceList(account, [made.entry]);
  assert.deepEqual(list, made.list);
  assert.deepEqual([list.version, list.vaultGeneration], [1, FIRST_VAULT_GENERATION]);
  assert.deepEqual(list.deposit, made.deposit);
  const [entry] = list.devices;
  assert.deepEqual([entry!.device, entry!.kind, entry!.made], [
    made.device.device,
    "browser",
    TODAY,
  ]);
  assert.deepEqual([entry!.sign, entry!.agree], [
    made.device.sign.public,
    made.device.agree.public,
  ]);
});

Deno.test("two new accounts share no key", async () => {
  const [a, b] = [await makeOwner(), await makeOwner()];
  const keys = [a, b].flatMap(({ list, vault }) => [
    ...[list.aik, list.deposit.agree, list.deposit.kem],
    ...list.devices.flatMap((one) => [one.sign, one.agree]),
    ...[vault.aik, vault.depositAgree, vault.depositKem, vault.archiveKeys[0]!.key],
  ]);
  assert.equal(new Set(keys.map(toHex)).size, keys.length);
});

Deno.test("no store ever gets the account key: it cannot be exported, nor can sealed device keys", async () => {
  const made = await createAccount(randomId<"account">(), "browser", "sealed", TODAY);
  for (const pair of [made.accountKey, made.device.sign, made.device.agree]) {
    assert.equal(pair.private.extractable, false);
  }
  assert.deepEqual(Object.keys(made.device).sort(), ["account", "agree", "aik", "device", "sign"]);
  const terminal = await createAccount(randomId<"account">(), "terminal", "portable", TODAY);
  assert.equal(terminal.accountKey.private.extractable, false);
  assert.equal((await exportPrivate(terminal.device.sign.private)).length, 32);
});

Deno.test("a second browser opens the vault and signs itself into the list", async () => {
  const { account, aik, ...owner } = await ownerParts();
  const vaultKey = makeVaultKey();
  const edition = { account, aik, generation: FIRST_VAULT_GENERATION };
  const sealed = await sealVault(vaultKey, owner.vault, edition);
  const vault = await openVault(vaultKey, sealed, edition);
  const accountKey = await accountKeyFrom(vault, edition.generation, owner.list);
  assert.deepEqual(await depositOf(vault), owner.list.deposit);
  const second = await makeDevice(account, aik, "browser", "sealed", TODAY + 1);
  const list = await appendEntry(
    owner.list,
    account,
    await addDevice(accountKey, owner.list, second.entry),
  );
  assert.deepEqual(list.devices.map((one) => one.made), [TODAY, TODAY + 1]);
});

Deno.test("a list under a false own account key is refused before anything is signed (P8)", async () => {
  const [owner, thief] = [await makeOwner(), await makeOwner()];
  const generation = FIRST_VAULT_GENERATION;
  await refusedWith("key-changed", () => accountKeyFrom(owner.vault, generation, thief.list));
  await refusedWith("key-changed", () => nextSet(owner.accountKey, thief.list, {}));
  const { keys: _, entry } = await makeDevice(
    thief.list.account,
    thief.list.aik,
    "browser",
    "sealed",
    TODAY,
  );
  await refusedWith("key-changed", () => addDevice(owner.accountKey, thief.list, entry));
});

Deno.test("an old vault that a server hands out again is refused", async () => {
  const owner = await makeOwner();
  const rewrapped = await nextSet(owner.accountKey, owner.list, { vaultGeneration: 2 });
  const later = await withEntry(owner, rewrapped);
  await refusedWith("vault-rollback", () => accountKeyFrom(owner.vault, 1, later.list));
  await accountKeyFrom(owner.vault, 2, later.list);
  await accountKeyFrom(owner.vault, 3, later.list);
});

Deno.test("a ninth device is refused before it is signed, with a code of its own", async () => {
  const owner = await makeOwner(8);
  const { account, aik } = owner.list;
  const ninth = await makeDevice(account, aik, "browser", "sealed", TODAY);
  const add = () => addDevice(owner.accountKey, owner.list, ninth.entry);
  await refusedWith("too-many-devices", add);
  const [first, second] = owner.devices;
  const room = await withEntry(owner, await revokeDevices(first!, owner.list, [second!.device]));
  const grown = await withEntry(room, await addDevice(owner.accountKey, room.list, ninth.entry));
  assert.equal(grown.list.devices.length, 8);
});

Deno.test("a set keeps what it does not change", async () => {
  const owner = await makeOwner(2);
  const same = await withEntry(owner, await nextSet(owner.accountKey, owner.list, {}));
  const { devices, deposit, vaultGeneration } = owner.list;
  assert.deepEqual(
    { devices, deposit, vaultGeneration },
    {
      devices: same.list.devices,
      deposit: same.list.deposit,
      vaultGeneration: same.list.vaultGeneration,
    },
  );
  assert.equal(same.list.version, 3);
});

Deno.test("a revoke names its signer and nothing that could add", async () => {
  const owner = await makeOwner(2);
  const [first, second] = owner.devices;
  const { body } = await revokeDevices(first!, owner.list, [second!.device]);
  assert.deepEqual(Object.keys(decode(listEntrySchema, body)).sort(), [
    ...["account", "devices", "kind", "previous", "signer", "version"],
  ]);
  await assert.rejects(() => revokeDevices(first!, owner.list, []), FormatError);
});

Deno.test("the account key of a vault is the one that signed the list", async () => {
  const owner = await makeOwner();
  const again = await importSigning(owner.vault.aik, "sealed");
  assert.deepEqual(again.public, owner.list.aik);
});

async function ownerParts() {
  const owner = await makeOwner();
  return { ...owner, account: owner.list.account, aik: owner.list.aik };
}
