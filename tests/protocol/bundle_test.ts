import assert from "node:assert/strict";
import type { DeviceKeys } from "../../crypto/account.ts";
import { FIRST_PREKEY_COUNTERS, type MadePrekeys, makePrekeys } from "../../crypto/prekeys.ts";
import { randomBytes } from "../../crypto/random.ts";
import { sign } from "../../crypto/signature.ts";
import {
  dayOf,
  type FetchedBundle,
  fetchedBundleSchema,
  type KemPrekey,
  kemSignedSchema,
  type PrekeyBundle,
  prekeyBundleSchema,
  type PrekeyUpload,
  prekeyUploadSchema,
  type VerifiedBundle,
  verifyFetched,
  verifyUpload,
} from "../../protocol/bundle.ts";
import { type CborValue, decode, encode } from "../../protocol/codec.ts";
import type { DeviceList, Signed } from "../../protocol/device_list.ts";
import { concat } from "../../protocol/encoding.ts";
import { FormatError, VerifyError } from "../../protocol/errors.ts";
import { randomId } from "../../protocol/ids.ts";
import { bitFlips, prefixes } from "../helpers/mutations.ts";
import { makeOwner, refusedWith, TODAY, withDevice } from "../helpers/owners.ts";

/** Two devices of one account, each with three one-time keys of either kind. */
const owner = await makeOwner(2);
const [phone, laptop] = owner.devices as readonly [DeviceKeys, DeviceKeys];
const prekeys = (device: DeviceKeys, list: DeviceList = owner.list, day = TODAY) => {
  const order = { day, mode: "portable", counters: FIRST_PREKEY_COUNTERS } as const;
  return makePrekeys(device, list, { ...order, once: 3, kemOnce: 3 });
};
const [ofPhone, ofLaptop] = await Promise.all([prekeys(phone), prekeys(laptop)]);

function fetched(
  made: MadePrekeys = ofPhone,
  device = phone,
  kind: "once" | "last" = "once",
): FetchedBundle {
  const { bundle, lastKem, kemOnce, oneTime } = made.upload;
  const kem = kind === "once" ? kemOnce[0]! : lastKem;
  return { device: device.device, bundle, kem: { kind, ...kem }, oneTime: oneTime[0]! };
}

const check = (one: FetchedBundle, list = owner.list, today = TODAY): Promise<VerifiedBundle> =>
  verifyFetched(list, one, today);
const upload = (changes: Partial<PrekeyUpload>): Promise<void> =>
  verifyUpload(owner.list, phone.device, { ...ofPhone.upload, ...changes }, TODAY);

/** The phone's bundle with other content, signed by any device. */
async function bent(changes: Partial<PrekeyBundle>, by: DeviceKeys = phone): Promise<Signed> {
  const honest = decode(prekeyBundleSchema, ofPhone.upload.bundle.body);
  const body = encode(prekeyBundleSchema, { ...honest, ...changes });
  return { body, signature: await sign(by.sign, "bundle", body) };
}

/** A KEM key signed as any account, device and kind. */
async function kemAs(
  changes: { account?: DeviceKeys["account"]; device?: DeviceKeys["device"] },
  label: "kem-once" | "kem-last" = "kem-once",
): Promise<KemPrekey> {
  const { id, key } = ofPhone.upload.kemOnce[0]!;
  const names = { account: phone.account, device: phone.device, ...changes };
  const signature = await sign(phone.sign, label, encode(kemSignedSchema, { ...names, id, key }));
  return { id, key, signature };
}

Deno.test("a bundle with a one-time KEM key, with the last one, and without a one-time key", async () => {
  const { upload: sent } = ofPhone;
  const once = await check(fetched());
  assert.deepEqual(once.kem, { kind: "once", id: 1, key: sent.kemOnce[0]!.key });
  assert.deepEqual(once.oneTime, sent.oneTime[0]);
  assert.deepEqual([once.sign, once.agree], [phone.sign.public, phone.agree.public]);
  assert.deepEqual([once.account, once.aik, once.device], [phone.account, phone.aik, phone.device]);
  const last = await check({ ...fetched(ofPhone, phone, "last"), oneTime: null });
  assert.deepEqual(last.kem, { kind: "last", id: 1, key: sent.lastKem.key });
  assert.equal(last.oneTime, null);
});

Deno.test("an upload of 100 and 20 keys verifies and stays under 40 KiB", async () => {
  const order = { day: TODAY, mode: "portable", counters: FIRST_PREKEY_COUNTERS } as const;
  const { upload: full } = await makePrekeys(phone, owner.list, order);
  assert.deepEqual([full.oneTime.length, full.kemOnce.length], [100, 20]);
  await verifyUpload(owner.list, phone.device, full, TODAY);
  const encoded = encode(prekeyUploadSchema, full);
  assert.ok(encoded.length < 40 * 1024, `${encoded.length}`);
  assert.deepEqual(decode(prekeyUploadSchema, encoded), full);
});

Deno.test("a server that strips the KEM key is refused (P15)", () => {
  for (const gone of ["left out", "null"]) {
    const fields = fetchedBundleSchema.toCbor(fetched()) as Map<string, CborValue>;
    if (gone === "null") fields.set("kem", null);
    else fields.delete("kem");
    const stripped = encode({ toCbor: () => fields, fromCbor: () => null }, null);
    assert.throws(() => decode(fetchedBundleSchema, stripped), FormatError, gone);
  }
});

Deno.test("a server that puts its own KEM key into a bundle is refused", async () => {
  const own = { ...fetched().kem, key: randomBytes(1184) };
  await refusedWith("no-kem", () => check({ ...fetched(), kem: own }));
  await refusedWith("no-kem", () => check({ ...fetched(), kem: { ...own, kind: "last" } }));
  await refusedWith("no-kem", () => upload({ kemOnce: [own] }));
});

Deno.test("a one-time KEM key sold as the last-resort one, or the other way round, is refused", async () => {
  const { kem } = fetched();
  await refusedWith("no-kem", () => check({ ...fetched(), kem: { ...kem, kind: "last" } }));
  const { kem: last } = fetched(ofPhone, phone, "last");
  await refusedWith("no-kem", () => check({ ...fetched(), kem: { ...last, kind: "once" } }));
});

Deno.test("the last-resort KEM key of an older week is refused beside this week's bundle", async () => {
  const { lastKem } = (await prekeys(phone)).upload;
  await refusedWith("no-kem", () => check({ ...fetched(), kem: { kind: "last", ...lastKem } }));
  await refusedWith("no-kem", () => upload({ lastKem }));
});

Deno.test("a server that swaps bundles or KEM keys between two devices is refused", async () => {
  const { bundle, kem } = fetched(ofLaptop, laptop);
  await refusedWith("bad-signature", () => check({ ...fetched(), bundle }));
  await refusedWith("no-kem", () => check({ ...fetched(), kem }));
  await refusedWith("no-kem", () => upload({ kemOnce: ofLaptop.upload.kemOnce }));
  await refusedWith("bad-signature", () => upload({ bundle }));
});

Deno.test("a KEM key signed for another account or device is refused", async () => {
  const elsewhere = [{ account: randomId<"account">() }, { device: laptop.device }];
  for (const names of elsewhere) {
    const kem = { kind: "once" as const, ...await kemAs(names) };
    await refusedWith("no-kem", () => check({ ...fetched(), kem }));
  }
  await check({ ...fetched(), kem: { kind: "once", ...await kemAs({}) } });
});

Deno.test("a device that signs a bundle for another device, account or account key is refused", async () => {
  const as = async (changes: Partial<PrekeyBundle>) =>
    check({ ...fetched(), bundle: await bent(changes) });
  await refusedWith("wrong-device", () => as({ device: laptop.device }));
  await refusedWith("wrong-account", () => as({ account: randomId<"account">() }));
  await refusedWith("key-changed", () => as({ aik: randomBytes(32) }));
  const byLaptop = await bent({}, laptop);
  await refusedWith("bad-signature", () => check({ ...fetched(), bundle: byLaptop }));
});

Deno.test("a bundle of a device that the list does not have is refused", async () => {
  const stranger = await makeOwner();
  const made = await prekeys(stranger.device, stranger.list);
  await refusedWith("not-listed", () => check(fetched(made, stranger.device)));
  await refusedWith("not-listed", () => {
    return verifyUpload(owner.list, stranger.device.device, made.upload, TODAY);
  });
});

Deno.test("a server that hides a newer device list behind an old bundle is found out by a new one", async () => {
  const grown = await withDevice(owner);
  const newer = fetched(await prekeys(phone, grown.list));
  await refusedWith("newer-list", () => check(newer, owner.list));
  await check(newer, grown.list);
  await check(fetched(), grown.list);
});

Deno.test("a bundle that names another list under a known version is a fork", async () => {
  const other = await withDevice(owner);
  const mine = await withDevice(owner);
  const named = fetched(await prekeys(phone, other.list));
  await refusedWith("fork", () => check(named, mine.list));
  await refusedWith("fork", async () => upload({ bundle: await bent({ listVersion: 1 }) }));
});

Deno.test("a bundle is good for 30 days and may be 2 days ahead, no more", async () => {
  await check(fetched(), owner.list, TODAY + 30);
  await refusedWith("dormant", () => check(fetched(), owner.list, TODAY + 31));
  await check(fetched(), owner.list, TODAY - 2);
  await refusedWith("future", () => check(fetched(), owner.list, TODAY - 3));
  await verifyUpload(owner.list, phone.device, ofPhone.upload);
  for (const [day, code] of [[TODAY - 31, "dormant"], [TODAY + 3, "future"]] as const) {
    await refusedWith(code, async () => upload({ bundle: await bent({ day }) }));
  }
});

Deno.test("an upload with one id or one key twice is refused", async () => {
  const { oneTime, kemOnce } = ofPhone.upload;
  const [first, second] = oneTime;
  const { signedPrekey } = decode(prekeyBundleSchema, ofPhone.upload.bundle.body);
  const bad: Partial<PrekeyUpload>[] = [
    { oneTime: [first!, { ...second!, id: first!.id }] },
    { oneTime: [first!, { ...second!, key: first!.key }] },
    { oneTime: [{ ...first!, key: signedPrekey.key }] },
    { oneTime: [{ ...first!, key: phone.agree.public }] },
    { kemOnce: [kemOnce[0]!, kemOnce[0]!] },
  ];
  for (const one of bad) await refusedWith("duplicate", () => upload(one));
  const { key } = signedPrekey;
  await refusedWith("duplicate", () => check({ ...fetched(), oneTime: { id: 9, key } }));
});

Deno.test("an upload of 101 or 21 one-time keys does not decode", () => {
  const { oneTime, kemOnce } = ofPhone.upload;
  const many = (count: number) => Array.from({ length: count }, (_, at) => at);
  const tooMany = { ...ofPhone.upload, oneTime: many(101).map((id) => ({ ...oneTime[0]!, id })) };
  assert.throws(() => encode(prekeyUploadSchema, tooMany), FormatError);
  const tooLarge = { ...ofPhone.upload, kemOnce: many(21).map((id) => ({ ...kemOnce[0]!, id })) };
  assert.throws(() => encode(prekeyUploadSchema, tooLarge), FormatError);
});

Deno.test("every flipped bit and every prefix of a fetched bundle is refused", async () => {
  const one = { ...fetched(ofPhone, phone, "last"), oneTime: null };
  const whole = encode(fetchedBundleSchema, one);
  await check(decode(fetchedBundleSchema, whole));
  // Mostly two KEM keys: every 3rd bit meets each field and each bit position.
  for (const changes of [bitFlips(whole, 3), prefixes(whole)]) {
    for (const changed of changes) {
      await assert.rejects(
        async () => await check(decode(fetchedBundleSchema, changed)),
        (error) => error instanceof FormatError || error instanceof VerifyError,
      );
    }
  }
  assert.throws(() => decode(fetchedBundleSchema, concat(whole, whole)), FormatError);
});

Deno.test("a flipped bit in the unsigned one-time X25519 key makes another value, never the same", () => {
  const one = encode(fetchedBundleSchema, fetched());
  for (const changed of bitFlips(one, 37)) {
    try {
      assert.notDeepEqual(decode(fetchedBundleSchema, changed), fetched());
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
    }
  }
});

Deno.test("the day of a time is whole days since 1970", () => {
  assert.equal(dayOf(0), 0);
  assert.equal(dayOf(86_399_999), 0);
  assert.equal(dayOf(Date.UTC(2026, 0, 1)), TODAY);
});
