import assert from "node:assert/strict";
import { makeDevice, nextSet, revokeDevices } from "../../crypto/account.ts";
import { randomBytes } from "../../crypto/random.ts";
import { generateSigning, sign } from "../../crypto/signature.ts";
import { bytes, choice, decode, encode, id, list, record } from "../../protocol/codec.ts";
import { tagged, uint } from "../../protocol/codec.ts";
import {
  appendEntry,
  checkNamedList,
  deviceEntrySchema,
  type DeviceList,
  extendDeviceList,
  findDevice,
  listEntrySchema,
  listEntryVariants,
  type Signed,
  signedSchema,
  verifyDeviceList,
} from "../../protocol/device_list.ts";
import { FormatError, VerifyError } from "../../protocol/errors.ts";
import { randomId } from "../../protocol/ids.ts";
import { MAX_LIST_ENTRY_BYTES } from "../../protocol/limits.ts";
import { bitFlips, prefixes } from "../helpers/mutations.ts";
import {
  forge,
  makeOwner,
  type Owner,
  refusedWith,
  setAfter,
  TODAY,
  withDevice,
  withEntry,
} from "../helpers/owners.ts";

const verify = (owner: Owner, entries: readonly Signed[], known?: DeviceList) =>
  verifyDeviceList(owner.list.account, entries, known);
const append = (owner: Owner, entry: Signed) => appendEntry(owner.list, owner.list.account, entry);
const stranger = () => makeDevice(randomId<"account">(), randomBytes(32), "browser", "portable", 0);

Deno.test("a list of eight devices, one added at a time, verifies from its entries alone", async () => {
  const owner = await makeOwner(8);
  const list = await verify(owner, owner.entries);
  assert.deepEqual(list, owner.list);
  assert.equal(list.version, 8);
  assert.deepEqual(list.devices.map((one) => one.device), owner.devices.map((one) => one.device));
  for (const { body } of owner.entries) assert.ok(body.length <= MAX_LIST_ENTRY_BYTES);
});

Deno.test("a device removes another, then itself, and the list goes on", async () => {
  const owner = await makeOwner(3);
  const [first, second, third] = owner.devices;
  const less = await withEntry(owner, await revokeDevices(second!, owner.list, [first!.device]));
  const least = await withEntry(less, await revokeDevices(second!, less.list, [second!.device]));
  assert.deepEqual(least.list.devices.map((one) => one.device), [third!.device]);
  const last = await withEntry(least, await revokeDevices(third!, least.list, [third!.device]));
  assert.deepEqual(last.list.devices, []);
  const back = await withDevice(last);
  assert.deepEqual(await verify(back, back.entries), back.list);
  assert.equal(findDevice(back.list, first!.device), null);
});

Deno.test("a list grows from what was known; entries already known change nothing", async () => {
  const owner = await makeOwner(4);
  const early = await verify(owner, owner.entries.slice(0, 2));
  assert.deepEqual(await extendDeviceList(early, owner.entries), owner.list);
  assert.deepEqual(await extendDeviceList(early, owner.entries.slice(2)), owner.list);
  assert.deepEqual(await verify(owner, owner.entries, early), owner.list);
  assert.equal(await extendDeviceList(early, []), early);
});

Deno.test("a chain may begin at a later set, and then its first entry must follow what was known", async () => {
  const owner = await makeOwner(4);
  const list = await verify(owner, owner.entries.slice(2));
  assert.deepEqual(list.hash, owner.list.hash);
  const third = await verify(owner, owner.entries.slice(0, 2));
  assert.deepEqual((await verify(owner, owner.entries.slice(2), third)).hash, list.hash);
  const second = await verify(owner, owner.entries.slice(0, 1));
  await refusedWith("gap", () => verify(owner, owner.entries.slice(2), second));
  await refusedWith("gap", () => appendEntry(null, owner.list.account, owner.entries[2]!));
  await refusedWith("gap", () => verify(owner, []));
});

Deno.test("at equal versions set wins: the owner overrules what a stolen device removed", async () => {
  const owner = await makeOwner(2);
  const [mine, stolen] = owner.devices;
  const robbed = await withEntry(owner, await revokeDevices(stolen!, owner.list, [mine!.device]));
  const answer = setAfter(owner.list);
  const kept = answer.devices.filter((one) => one.device === mine!.device);
  const overruled = await forge(owner.accountKey, { ...answer, devices: kept });
  const list = await append(robbed, overruled);
  assert.equal(list.version, robbed.list.version);
  assert.deepEqual(list.devices.map((one) => one.device), [mine!.device]);
  assert.equal(list.hashes.length, 3);
  const entries = [...owner.entries, overruled];
  assert.deepEqual((await verify(owner, entries, robbed.list)).hash, list.hash);
  assert.deepEqual((await extendDeviceList(robbed.list, entries)).hash, list.hash);
  await refusedWith("fork", () => appendEntry(list, list.account, robbed.entries.at(-1)!));
  await refusedWith("fork", () => verify(owner, robbed.entries, list));
});

Deno.test("a server that adds a device without the account key is refused", async () => {
  const owner = await makeOwner();
  const { account, aik } = owner.list;
  const ghost = await makeDevice(account, aik, "browser", "portable", TODAY);
  const set = setAfter(owner.list);
  const more = { ...set, devices: [...set.devices, ghost.entry] };
  const serverKey = await generateSigning("portable");
  await refusedWith("bad-signature", async () => append(owner, await forge(serverKey, more)));
  const byDevice = await forge(owner.device.sign, more);
  await refusedWith("bad-signature", () => append(owner, byDevice));
  const own = { ...more, aik: serverKey.public };
  await refusedWith("key-changed", async () => append(owner, await forge(serverKey, own)));
});

Deno.test("a server that slips its key into a signed set is refused", async () => {
  const owner = await makeOwner();
  const entry = decode(listEntrySchema, owner.entry.body);
  assert.ok(entry.kind === "set");
  const devices = [{ ...entry.devices[0]!, agree: randomBytes(32) }];
  const body = encode(listEntrySchema, { ...entry, devices });
  await refusedWith("bad-signature", () => verify(owner, [{ ...owner.entry, body }]));
});

Deno.test("a stolen device cannot add: a revoke can only name listed devices", async () => {
  const owner = await makeOwner(2);
  const stolen = owner.devices[1]!;
  const ghost = randomId<"device">();
  await refusedWith("not-listed", async () => {
    await append(owner, await revokeDevices(stolen, owner.list, [ghost]));
  });
  await refusedWith("not-listed", async () => {
    await append(owner, await revokeDevices(stolen, owner.list, [stolen.device, ghost]));
  });
  await refusedWith("duplicate", async () => {
    await append(owner, await revokeDevices(stolen, owner.list, [stolen.device, stolen.device]));
  });
});

Deno.test("a revoke that carries device keys or an account key is not a revoke", () => {
  const fields = new Map<string, unknown>([["kind", "revoke"], ["aik", randomBytes(32)]]);
  const sneaky = { toCbor: () => fields, fromCbor: () => null } as never;
  assert.throws(() => decode(listEntrySchema, encode(sneaky, null)), FormatError);
});

Deno.test("a device that was revoked can revoke nobody", async () => {
  const owner = await makeOwner(3);
  const [first, second, third] = owner.devices;
  const less = await withEntry(owner, await revokeDevices(first!, owner.list, [second!.device]));
  await refusedWith("not-listed", async () => {
    await append(less, await revokeDevices(second!, less.list, [third!.device]));
  });
});

Deno.test("a revoke signed by another key than its signer's is refused", async () => {
  const owner = await makeOwner(2);
  const [first, second] = owner.devices;
  const posing = { ...first!, device: second!.device };
  await refusedWith("bad-signature", async () => {
    await append(owner, await revokeDevices(posing, owner.list, [first!.device]));
  });
});

Deno.test("a set signature does not pass for a revoke, nor a device's for a set", async () => {
  const owner = await makeOwner(2);
  const revoke = await revokeDevices(owner.devices[0]!, owner.list, [owner.devices[1]!.device]);
  const asSet = await sign(owner.devices[0]!.sign, "set", revoke.body);
  await refusedWith("bad-signature", () => append(owner, { ...revoke, signature: asSet }));
  const set = await forge(owner.accountKey, setAfter(owner.list));
  const asRevoke = await sign(owner.accountKey, "revoke", set.body);
  await refusedWith("bad-signature", () => append(owner, { ...set, signature: asRevoke }));
});

Deno.test("a server that replays an old list is noticed", async () => {
  const owner = await makeOwner(3);
  const old = owner.entries.slice(0, 2);
  await refusedWith("rollback", () => verify(owner, old, owner.list));
  const kept = await extendDeviceList(owner.list, old);
  assert.equal(kept, owner.list, "older entries take nothing away");
});

Deno.test("a server that shows two people different lists is noticed", async () => {
  const owner = await makeOwner(2);
  const [one, other] = [await withDevice(owner), await withDevice(owner)];
  await refusedWith("fork", () => verify(one, other.entries, one.list));
  await refusedWith("fork", () => extendDeviceList(one.list, other.entries));
  const longer = await withDevice(other);
  await refusedWith("fork", () => verify(one, longer.entries, one.list));
  await refusedWith("fork", () => extendDeviceList(one.list, [longer.entries.at(-1)!]));
  const longest = await withDevice(await withDevice(one));
  await refusedWith("fork", () => extendDeviceList(longest.list, [other.entries.at(-1)!]));
});

Deno.test("a server that hides an entry in the middle is refused", async () => {
  const owner = await makeOwner(4);
  const holed = owner.entries.filter((_, at) => at !== 1);
  await refusedWith("gap", () => verify(owner, holed));
  const swapped = [owner.entries[0]!, owner.entries[2]!, owner.entries[1]!, owner.entries[3]!];
  await refusedWith("gap", () => verify(owner, swapped));
});

Deno.test("an entry that names another predecessor is refused", async () => {
  const owner = await makeOwner(2);
  const set = setAfter(owner.list);
  for (const previous of [randomBytes(32), owner.list.previous]) {
    const entry = await forge(owner.accountKey, { ...set, previous });
    await refusedWith("fork", () => append(owner, entry));
  }
  const rootless = await forge(owner.accountKey, { ...set, previous: null });
  await refusedWith("gap", () => append(owner, rootless));
  const rooted = await forge(owner.accountKey, { ...set, version: 1 });
  await refusedWith("gap", () => appendEntry(null, owner.list.account, rooted));
  const zeroth = await forge(owner.accountKey, { ...set, version: 0 });
  await refusedWith("gap", () => appendEntry(null, owner.list.account, zeroth));
});

Deno.test("a new account key under an old name is a changed key, not a new list", async () => {
  const [owner, thief] = [await makeOwner(), await makeOwner()];
  const { account } = owner.list;
  const { account: _, ...rest } = setAfter(thief.list);
  const entry = await makeDevice(account, thief.list.aik, "browser", "portable", TODAY);
  const fresh = { ...rest, account, version: 1, previous: null, devices: [entry.entry] };
  const taken = await forge(thief.accountKey, fresh);
  await verifyDeviceList(account, [taken]);
  await refusedWith("key-changed", () => verify(owner, [taken], owner.list));
  await refusedWith("key-changed", () => append(owner, taken));
});

Deno.test("an account that lists another's device as its own is refused", async () => {
  const [owner, victim] = [await makeOwner(), await makeOwner()];
  const set = setAfter(owner.list);
  const devices = [...set.devices, victim.list.devices[0]!];
  const entry = await forge(owner.accountKey, { ...set, devices });
  await refusedWith("foreign-device", () => append(owner, entry));
});

Deno.test("a counter-signature for another account, key or device id does not count", async () => {
  const owner = await makeOwner();
  const { account, aik } = owner.list;
  const honest = await makeDevice(account, aik, "browser", "portable", TODAY);
  const otherAccount = await makeDevice(randomId<"account">(), aik, "browser", "portable", TODAY);
  const otherKey = await makeDevice(account, randomBytes(32), "browser", "portable", TODAY);
  const bent = [
    otherAccount.entry,
    otherKey.entry,
    { ...honest.entry, device: randomId<"device">() },
    { ...honest.entry, agree: randomBytes(32) },
    { ...honest.entry, sign: (await stranger()).entry.sign },
    { ...honest.entry, counterSignature: randomBytes(64) },
  ];
  for (const one of bent) {
    const set = setAfter(owner.list);
    const entry = await forge(owner.accountKey, { ...set, devices: [...set.devices, one] });
    await refusedWith("foreign-device", () => append(owner, entry));
  }
});

Deno.test("a listed device keeps its keys: new ones under its id are refused", async () => {
  const owner = await makeOwner(2);
  const { account, aik, devices } = owner.list;
  const other = await makeDevice(account, aik, "terminal", "portable", TODAY);
  for (
    const bent of [{ ...other.entry, device: devices[1]!.device }, { ...devices[1]!, made: 1 }]
  ) {
    const entry = await forge(owner.accountKey, {
      ...setAfter(owner.list),
      devices: [devices[0]!, bent],
    });
    await refusedWith("device-changed", () => append(owner, entry));
  }
});

Deno.test("a ninth device does not fit into a list", async () => {
  const owner = await makeOwner(8);
  const { account, aik } = owner.list;
  const ninth = await makeDevice(account, aik, "browser", "portable", TODAY);
  const set = setAfter(owner.list);
  const nine = { ...set, devices: [...set.devices, ninth.entry] };
  await assert.rejects(() => forge(owner.accountKey, nine), FormatError);
  const { set: fields } = listEntryVariants;
  const wide = tagged("kind", {
    set: record({ ...fields.fields, devices: list(deviceEntrySchema, { max: 9 }) }),
  });
  const body = encode(wide, nine);
  const signature = await sign(owner.accountKey, "set", body);
  await assert.rejects(() => append(owner, { body, signature }), FormatError);
});

Deno.test("one device or one key listed twice is refused", async () => {
  const owner = await makeOwner(2);
  const set = setAfter(owner.list);
  const [first, second] = set.devices;
  const bent = [
    { ...set, devices: [first!, second!, first!] },
    { ...set, devices: [first!, { ...second!, agree: first!.agree }] },
    { ...set, devices: [first!, { ...second!, sign: first!.agree }] },
    { ...set, devices: [{ ...first!, sign: set.aik }] },
    { ...set, deposit: { ...set.deposit, agree: first!.agree } },
  ];
  for (const one of bent) {
    const entry = await forge(owner.accountKey, one);
    await refusedWith("duplicate", () => append(owner, entry));
  }
});

Deno.test("a vault generation never goes back, not even past a revoke", async () => {
  const owner = await makeOwner(2);
  const later = await nextSet(owner.accountKey, owner.list, { vaultGeneration: 5 });
  const grown = await withEntry(owner, later);
  const [first, second] = owner.devices;
  const less = await withEntry(grown, await revokeDevices(first!, grown.list, [second!.device]));
  for (const { list } of [grown, less]) {
    const lower = await forge(owner.accountKey, { ...setAfter(list), vaultGeneration: 4 });
    await refusedWith("vault-rollback", () => appendEntry(list, list.account, lower));
    const same = await forge(owner.accountKey, setAfter(list));
    assert.equal((await appendEntry(list, list.account, same)).vaultGeneration, 5);
  }
});

Deno.test("another account's list is not this account's", async () => {
  const [owner, other] = [await makeOwner(), await makeOwner()];
  await refusedWith("wrong-account", () => verify(owner, other.entries));
  await refusedWith("wrong-account", () => append(owner, other.entry));
});

Deno.test("a named version must be known and must have the named hash", async () => {
  const owner = await makeOwner(3);
  const early = await verify(owner, owner.entries.slice(0, 2));
  checkNamedList(owner.list, 3, owner.list.hash);
  checkNamedList(owner.list, 2, early.hash);
  checkNamedList(await verify(owner, owner.entries.slice(1)), 1, randomBytes(32));
  const named = async (list: DeviceList, version: number, hash: Uint8Array) =>
    await checkNamedList(list, version, hash);
  await refusedWith("newer-list", () => named(early, 3, owner.list.hash));
  await refusedWith("fork", () => named(owner.list, 2, owner.list.hash));
  await refusedWith("fork", () => named(owner.list, 3, early.hash));
});

Deno.test("every single-bit flip and every prefix of a set or a revoke is refused", async () => {
  const owner = await makeOwner(2);
  const revoke = await revokeDevices(owner.devices[0]!, owner.list, [owner.devices[1]!.device]);
  const before = await verify(owner, owner.entries.slice(0, 1));
  await refuseAllChanges(owner.list, revoke, 1);
  // The set is mostly one KEM key; every 5th bit meets each field and each bit position.
  await refuseAllChanges(before, owner.entries[1]!, 5);
});

async function refuseAllChanges(list: DeviceList, entry: Signed, step: number): Promise<void> {
  const whole = encode(signedSchema, entry);
  await appendEntry(list, list.account, entry);
  for (const changes of [bitFlips(whole, step), prefixes(whole)]) {
    for (const changed of changes) {
      await assert.rejects(async () => {
        await appendEntry(list, list.account, decode(signedSchema, changed));
      }, (error) => error instanceof FormatError || error instanceof VerifyError);
    }
  }
}

Deno.test("attack: a device made on a day that no calendar has is in no list: it could be shown, and removed, nowhere", async () => {
  const owner = await makeOwner(1);
  const { account, aik } = owner.list;
  const { entry } = await makeDevice(account, aik, "browser", "portable", TODAY);
  const { set: fields } = listEntryVariants;
  const device = record({
    ...{ device: id<"device">(), kind: choice("browser", "terminal"), sign: bytes(32) },
    ...{ agree: bytes(32), made: uint(), counterSignature: bytes(64) },
  });
  const wide = tagged("kind", {
    set: record({ ...fields.fields, devices: list(device, { max: 8 }) }),
  });
  const set = setAfter(owner.list);
  for (
    const [made, fits] of [[100_000_000, true], [100_000_001, false], [2 ** 32 - 1, false]] as const
  ) {
    const body = encode(wide, { ...set, devices: [...set.devices, { ...entry, made }] });
    const signed = { body, signature: await sign(owner.accountKey, "set", body) };
    if (!fits) await assert.rejects(() => append(owner, signed), FormatError);
    else {
      const { devices } = await append(owner, signed);
      assert.ok(devices.every(({ made }) => new Date(made * 86_400_000).toISOString()));
    }
  }
});
