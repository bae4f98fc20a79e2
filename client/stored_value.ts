/**
 * Stored values outside IndexedDB, which clones CryptoKeys by itself: copies for the memory store,
 * bytes for the terminal's SQLite.
 */
import * as cborg from "cborg";
import type { Bytes } from "../protocol/encoding.ts";

/** Stands in bytes for a CryptoKey. No stored record has a field of this name. */
const KEY_FIELD = "$key";

interface KeyBytes {
  readonly algorithm: string;
  readonly kind: "private" | "public";
  readonly usages: KeyUsage[];
  /** PKCS #8 of a private key, the raw 32 bytes of a public one. */
  readonly bytes: Bytes;
}

/** A deep copy. CryptoKeys cannot change, so they are shared. @throws {TypeError} for what cannot be stored */
export function copyValue<T>(value: T): T {
  return map(value, (key) => key) as T;
}

/**
 * A value as CBOR, its CryptoKeys exported (they must be extractable: key mode "portable").
 * @throws {TypeError} for what cannot be stored
 */
export async function packValue(value: unknown): Promise<Bytes> {
  const keys = new Map<CryptoKey, KeyBytes>();
  map(value, (key) => keys.set(key, placeholder));
  for (const key of keys.keys()) keys.set(key, await exportKey(key));
  return new Uint8Array(cborg.encode(map(value, (key) => ({ [KEY_FIELD]: keys.get(key) }))));
}

/** The value that {@link packValue} packed, its keys extractable again. */
export async function unpackValue(bytes: Uint8Array): Promise<unknown> {
  return await restoreKeys(cborg.decode(bytes));
}

const placeholder: KeyBytes = {
  algorithm: "",
  kind: "public",
  usages: [],
  bytes: new Uint8Array(0),
};

function map(value: unknown, onKey: (key: CryptoKey) => unknown): unknown {
  if (value instanceof CryptoKey) return onKey(value);
  if (value instanceof Uint8Array) return new Uint8Array(value);
  if (Array.isArray(value)) return value.map((part) => map(part, onKey));
  if (typeof value === "object" && value !== null) {
    if (!isPlain(value)) throw new TypeError("only plain values can be stored");
    const pairs = Object.entries(value).filter(([, part]) => part !== undefined);
    return Object.fromEntries(pairs.map(([name, part]) => [name, map(part, onKey)]));
  }
  if (typeof value === "function" || typeof value === "symbol" || typeof value === "bigint") {
    throw new TypeError("only plain values can be stored");
  }
  return value;
}

function isPlain(value: object): boolean {
  const parent: unknown = Object.getPrototypeOf(value);
  return parent === Object.prototype || parent === null;
}

async function exportKey(key: CryptoKey): Promise<KeyBytes> {
  if (key.type === "secret") throw new TypeError("secret keys are stored as bytes");
  const form = key.type === "private" ? "pkcs8" : "raw";
  return {
    algorithm: key.algorithm.name,
    kind: key.type,
    usages: key.usages,
    bytes: new Uint8Array(await crypto.subtle.exportKey(form, key)),
  };
}

async function restoreKeys(value: unknown): Promise<unknown> {
  if (Array.isArray(value)) return await Promise.all(value.map(restoreKeys));
  if (value instanceof Uint8Array || typeof value !== "object" || value === null) return value;
  const key = (value as { [KEY_FIELD]?: KeyBytes })[KEY_FIELD];
  if (key !== undefined) return await importKey(key);
  const pairs = Object.entries(value).map(async ([name, part]) => [name, await restoreKeys(part)]);
  return Object.fromEntries(await Promise.all(pairs));
}

function importKey(key: KeyBytes): Promise<CryptoKey> {
  const form = key.kind === "private" ? "pkcs8" : "raw";
  return crypto.subtle.importKey(form, key.bytes, { name: key.algorithm }, true, key.usages);
}
