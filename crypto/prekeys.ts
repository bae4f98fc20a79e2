/**
 * A device's prekeys: making and signing them, and the pure rules for when to make new ones and when to
 * erase private halves. Signed prekey and last-resort KEM prekey rotate together and share one number.
 */
import { encode } from "../protocol/codec.ts";
import {
  type KemPrekey,
  kemSignedSchema,
  prekeyBundleSchema,
  type PrekeyUpload,
} from "../protocol/bundle.ts";
import type { DeviceList, Signed } from "../protocol/device_list.ts";
import type { Bytes } from "../protocol/encoding.ts";
import {
  MAX_BUNDLE_AHEAD_DAYS,
  MAX_ONE_TIME_A_DAY,
  MAX_ROTATIONS_A_DAY,
  ONE_TIME_KEM_PREKEYS,
  ONE_TIME_KEM_PREKEYS_LOW,
  ONE_TIME_PREKEYS,
  ONE_TIME_PREKEYS_LOW,
  PREKEY_RETENTION_DAYS,
  PREKEY_RETENTION_ROTATIONS,
  PREKEY_ROTATION_DAYS,
} from "../protocol/limits.ts";
import type { DeviceKeys } from "./account.ts";
import { generateAgreement } from "./agreement.ts";
import { generateKem } from "./kem.ts";
import type { KeyMode } from "./private_key.ts";
import { sign } from "./signature.ts";

export type PrekeyKind = "signed" | "once" | "kem-once" | "kem-last";

/** A prekey as the device keeps it. */
export interface StoredPrekey {
  readonly kind: PrekeyKind;
  /** Counted up from 1; `signed` and `kem-last` of one rotation have the same. */
  readonly id: number;
  /** A `CryptoKey`; for ML-KEM where the platform has none, or in a portable store, the 64-byte seed. */
  readonly private: CryptoKey | Bytes;
  /** 32 bytes (X25519) or 1,184 (ML-KEM-768). */
  readonly public: Bytes;
  /** Day of its making, since 1970-01-01 UTC. */
  readonly made: number;
  /** One-time kinds: the rotation during which the server was first seen to have handed it out. */
  readonly claimed?: number;
}

/** Which prekey. */
export type PrekeyName = Pick<StoredPrekey, "kind" | "id">;

/**
 * The next free ids. Stored with the device, and never counted back: a reused id would name two keys.
 */
export interface PrekeyCounters {
  readonly rotation: number;
  readonly once: number;
  readonly kemOnce: number;
}

export const FIRST_PREKEY_COUNTERS: PrekeyCounters = { rotation: 1, once: 1, kemOnce: 1 };

/** What to make; see {@link planPrekeys}. */
export interface PrekeyOrder {
  /** Today, in days since 1970-01-01 UTC. */
  readonly day: number;
  readonly mode: KeyMode;
  readonly counters: PrekeyCounters;
  /** One-time keys to make: at most 100 and 20, which are the defaults. */
  readonly once?: number;
  readonly kemOnce?: number;
  /** The rotation to go on with; left out, a new one begins. */
  readonly keep?: Rotation;
  /** Hash of the newest archived segment, 32 bytes; null or left out for none. */
  readonly archive?: Bytes | null;
}

/** The signed prekey and the last-resort KEM prekey of one rotation. */
export interface Rotation {
  readonly signed: StoredPrekey;
  readonly kemLast: StoredPrekey;
}

/** Commit `privates` and `counters` before `upload` leaves the device. */
export interface MadePrekeys {
  readonly upload: PrekeyUpload;
  readonly privates: StoredPrekey[];
  readonly counters: PrekeyCounters;
}

/** What the server still has of this device: one-time keys left, and the day (by its clock) of the bundle. */
export interface PrekeyStock {
  readonly oneTime: number;
  readonly kemOnce: number;
  readonly day: number;
}

/** What is to be done about the prekeys today. */
export interface PrekeyPlan {
  /** Begin a new rotation. */
  readonly rotate: boolean;
  /** One-time keys to make; with `rotate` false and both 0 there is nothing to upload. */
  readonly once: number;
  readonly kemOnce: number;
  /** Private halves to erase, and with a `signed` one the handshake records of its rotation. */
  readonly drop: readonly PrekeyName[];
  /** One-time keys to mark as claimed in the current rotation. */
  readonly claimed: readonly PrekeyName[];
}

/** New prekeys, signed by the device, with the private halves to store. */
export async function makePrekeys(
  device: DeviceKeys,
  list: Pick<DeviceList, "version" | "hash">,
  order: PrekeyOrder,
): Promise<MadePrekeys> {
  const { counters, keep } = order;
  const rotation = keep ?? await makeRotation(order);
  const once = await make(order, "once", counters.once, order.once ?? ONE_TIME_PREKEYS);
  const kemCount = order.kemOnce ?? ONE_TIME_KEM_PREKEYS;
  const kemOnce = await make(order, "kem-once", counters.kemOnce, kemCount);
  return {
    upload: {
      bundle: await signBundle(device, list, rotation, order),
      lastKem: await signKem(device, rotation.kemLast),
      oneTime: once.map(publicPart),
      kemOnce: await Promise.all(kemOnce.map((one) => signKem(device, one))),
    },
    privates: [...keep ? [] : [rotation.signed, rotation.kemLast], ...once, ...kemOnce],
    counters: {
      rotation: counters.rotation + (keep ? 0 : 1),
      once: counters.once + once.length,
      kemOnce: counters.kemOnce + kemOnce.length,
    },
  };
}

/**
 * What to do today. Run it after the queue is empty: an envelope still waiting may need what it drops.
 * @param stored every prekey of the device, in any order
 * @param stock the server's answer; it hands out the lowest ids first, so the highest are the unclaimed ones
 * @param today days since 1970-01-01 UTC
 */
export function planPrekeys(
  stored: readonly StoredPrekey[],
  stock: PrekeyStock,
  today: number,
): PrekeyPlan {
  const current = currentRotation(stored);
  const rotation = current?.signed.id ?? 0;
  const stale = (day: number) =>
    day > today + MAX_BUNDLE_AHEAD_DAYS || today - day >= PREKEY_ROTATION_DAYS;
  const once = gone(stored, "once", stock.oneTime);
  const kemOnce = gone(stored, "kem-once", stock.kemOnce);
  // What the server says may be a lie, told at every connection: work and storage have an end all the same.
  const left = (kind: PrekeyKind, most: number) => most - madeToday(stored, kind, today);
  const isBelieved = left("signed", MAX_ROTATIONS_A_DAY) > 0;
  return {
    rotate: current === null || stale(current.signed.made) || isBelieved && stale(stock.day),
    once: Math.min(
      refill(stock.oneTime, ONE_TIME_PREKEYS_LOW, ONE_TIME_PREKEYS),
      Math.max(0, left("once", MAX_ONE_TIME_A_DAY)),
    ),
    kemOnce: Math.min(
      refill(stock.kemOnce, ONE_TIME_KEM_PREKEYS_LOW, ONE_TIME_KEM_PREKEYS),
      Math.max(0, left("kem-once", MAX_ONE_TIME_A_DAY)),
    ),
    drop: [
      ...retired(stored, "signed", today),
      ...retired(stored, "kem-last", today),
      ...[...once, ...kemOnce].filter((one) => isForgotten(one, rotation)),
    ].map(nameOf),
    claimed: [...once, ...kemOnce].filter((one) => one.claimed === undefined).map(nameOf),
  };
}

/** The rotation in use: the one with the highest number. Null on a device that has none yet. */
export function currentRotation(stored: readonly StoredPrekey[]): Rotation | null {
  const signed = newestFirst(stored, "signed")[0];
  const kemLast = newestFirst(stored, "kem-last")[0];
  return signed && kemLast && signed.id === kemLast.id ? { signed, kemLast } : null;
}

async function makeRotation(order: PrekeyOrder): Promise<Rotation> {
  const [signed] = await make(order, "signed", order.counters.rotation, 1);
  const [kemLast] = await make(order, "kem-last", order.counters.rotation, 1);
  return { signed: signed!, kemLast: kemLast! };
}

function make(
  { day, mode }: PrekeyOrder,
  kind: PrekeyKind,
  first: number,
  count: number,
): Promise<StoredPrekey[]> {
  const generate = kind === "signed" || kind === "once" ? generateAgreement : generateKem;
  const one = async (_: unknown, at: number): Promise<StoredPrekey> => {
    return { kind, id: first + at, made: day, ...await generate(mode) };
  };
  return Promise.all(Array.from({ length: count }, one));
}

async function signBundle(
  { account, aik, device, sign: pair }: DeviceKeys,
  list: Pick<DeviceList, "version" | "hash">,
  { signed, kemLast }: Rotation,
  { day, archive = null }: Pick<PrekeyOrder, "day" | "archive">,
): Promise<Signed> {
  const body = encode(prekeyBundleSchema, {
    ...{ account, aik, device, day },
    signedPrekey: publicPart(signed),
    lastKem: publicPart(kemLast),
    listVersion: list.version,
    listHash: list.hash,
    archive,
  });
  return { body, signature: await sign(pair, "bundle", body) };
}

async function signKem(device: DeviceKeys, prekey: StoredPrekey): Promise<KemPrekey> {
  const label = prekey.kind === "kem-last" ? "kem-last" : "kem-once";
  const names = { account: device.account, device: device.device };
  const structure = encode(kemSignedSchema, { ...names, ...publicPart(prekey) });
  return { ...publicPart(prekey), signature: await sign(device.sign, label, structure) };
}

function publicPart(prekey: StoredPrekey): { id: number; key: Bytes } {
  return { id: prekey.id, key: prekey.public };
}

function nameOf({ kind, id }: StoredPrekey): PrekeyName {
  return { kind, id };
}

function refill(left: number, low: number, full: number): number {
  return left < low ? full - left : 0;
}

function madeToday(stored: readonly StoredPrekey[], kind: PrekeyKind, today: number): number {
  return stored.filter((one) => one.kind === kind && one.made === today).length;
}

function newestFirst(stored: readonly StoredPrekey[], kind: PrekeyKind): StoredPrekey[] {
  return stored.filter((one) => one.kind === kind).sort((a, b) => b.id - a.id);
}

/** One-time keys that the server no longer has. */
function gone(stored: readonly StoredPrekey[], kind: PrekeyKind, left: number): StoredPrekey[] {
  return newestFirst(stored, kind).slice(left);
}

/**
 * A fetched key whose message never came. Without an end, a stranger who fetches 60 an hour would fill the
 * store. Counted in rotations, so that a clock that jumps a year ahead costs nothing.
 */
function isForgotten(prekey: StoredPrekey, rotation: number): boolean {
  return prekey.claimed !== undefined && rotation - prekey.claimed > PREKEY_RETENTION_ROTATIONS;
}

/** 35 days after replacement AND after 5 newer rotations. */
function retired(
  stored: readonly StoredPrekey[],
  kind: PrekeyKind,
  today: number,
): StoredPrekey[] {
  const keys = newestFirst(stored, kind);
  return keys.filter((one, newer) => {
    return newer >= PREKEY_RETENTION_ROTATIONS &&
      today - replacedOn(one, keys.slice(0, newer)) >= PREKEY_RETENTION_DAYS;
  });
}

/**
 * The day a key was replaced. A clock that was wrong for a while made newer keys with absurd days: those
 * before the key's own are passed over, and of the rest the earliest counts.
 */
function replacedOn(key: StoredPrekey, newer: readonly StoredPrekey[]): number {
  const days = newer.map((one) => one.made);
  const later = days.filter((day) => day >= key.made);
  return Math.min(...later.length > 0 ? later : days);
}
