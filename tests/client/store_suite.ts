/**
 * How every local store behaves. Plain functions without Deno or node:assert, so that the same
 * suite runs on memory and SQLite here and on IndexedDB in a page.
 */
import { type LocalStore, StoreClosed, type Write } from "../../client/store.ts";

/** Opens stores that share one place: what one commits, the next one opened finds. */
export interface StorePlace {
  open(): Promise<LocalStore>;
  /** Private keys must be extractable for a store that writes them as bytes. */
  readonly extractable: boolean;
}

export interface StoreCase {
  readonly name: string;
  run(place: StorePlace): Promise<void>;
}

function same(actual: unknown, expected: unknown): void {
  const [a, b] = [show(actual), show(expected)];
  if (a !== b) throw new Error(`expected ${b}, got ${a}`);
}

function show(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) => {
    if (part instanceof Uint8Array) return { bytes: [...part] };
    if (isRecord(part)) return Object.fromEntries(Object.entries(part).sort(byName));
    return part === undefined ? "undefined" : part;
  }) ?? "undefined";
}

function isRecord(part: unknown): part is Record<string, unknown> {
  return typeof part === "object" && part !== null && !Array.isArray(part);
}

const byName = ([a]: [string, unknown], [b]: [string, unknown]) => a < b ? -1 : 1;

async function rejects(promise: Promise<unknown>, kind?: new () => Error): Promise<void> {
  try {
    await promise;
  } catch (error) {
    if (kind === undefined || error instanceof kind) return;
    throw error;
  }
  throw new Error("expected a rejection");
}

const put = (key: string, value: unknown): Write => ({ table: "meta", key, value });

async function seeded(place: StorePlace): Promise<LocalStore> {
  const store = await place.open();
  await store.commit(["b/1", "a/1", "a/3", "c", "a/2", "a", "b"].map((key) => put(key, { key })));
  return store;
}

async function generatePair(place: StorePlace): Promise<CryptoKeyPair> {
  const usages: KeyUsage[] = ["deriveBits"];
  return await crypto.subtle.generateKey(
    { name: "X25519" },
    place.extractable,
    usages,
  ) as CryptoKeyPair;
}

async function shared(own: CryptoKey, other: CryptoKey): Promise<Uint8Array> {
  return new Uint8Array(
    await crypto.subtle.deriveBits({ name: "X25519", public: other }, own, 256),
  );
}

export const storeCases: readonly StoreCase[] = [
  {
    name: "gives back what was committed, after reopening too",
    async run(place) {
      const value = {
        text: "snow ❄",
        time: 1_800_000_000_123,
        none: null,
        yes: true,
        nested: [{ bytes: new Uint8Array([0, 255, 7]) }, [], {}],
        negative: -5,
      };
      let store = await place.open();
      same(await store.get("meta", "x"), undefined);
      await store.commit([put("x", value)]);
      same(await store.get("meta", "x"), value);
      await store.close();
      store = await place.open();
      same(await store.get("meta", "x"), value);
      const bytes = (await store.get<typeof value>("meta", "x"))!.nested[0];
      if (!(bytes as { bytes: unknown } | undefined)?.bytes) throw new Error("bytes are bytes");
      await store.close();
    },
  },
  {
    name: "keeps private keys that still work",
    async run(place) {
      const [ana, ben] = [await generatePair(place), await generatePair(place)];
      const expected = await shared(ben.privateKey, ana.publicKey);
      let store = await place.open();
      await store.commit([{ table: "device", key: "keys", value: { pair: ana.privateKey, n: 1 } }]);
      await store.close();
      store = await place.open();
      const kept = await store.get<{ pair: CryptoKey }>("device", "keys");
      same(await shared(kept!.pair, ben.publicKey), expected);
      same(kept!.pair.extractable, place.extractable);
      await store.close();
    },
  },
  {
    name: "keeps tables apart, and the last of several writes to one key",
    async run(place) {
      const store = await place.open();
      await store.commit([
        put("k", 1),
        { table: "seen", key: "k", value: 2 },
        put("k", 3),
        put("gone", 1),
        { table: "meta", key: "gone", remove: true },
        { table: "outbox", key: "never", remove: true },
      ]);
      same(await store.get("meta", "k"), 3);
      same(await store.get("seen", "k"), 2);
      same(await store.get("meta", "gone"), undefined);
      await store.close();
    },
  },
  {
    name: "lists by prefix, bounds, limit and direction",
    async run(place) {
      const store = await seeded(place);
      const keys = async (options?: Parameters<LocalStore["list"]>[1]) =>
        (await store.list("meta", options)).map((row) => row.key).join(" ");
      same(await keys(), "a a/1 a/2 a/3 b b/1 c");
      same(await keys({ prefix: "a/" }), "a/1 a/2 a/3");
      same(await keys({ prefix: "a/", after: "a/1" }), "a/2 a/3");
      same(await keys({ prefix: "a/", before: "a/3" }), "a/1 a/2");
      same(await keys({ prefix: "a/", before: "a/3", limit: 1, reverse: true }), "a/2");
      same(await keys({ reverse: true, limit: 2 }), "c b/1");
      same(await keys({ prefix: "a/", after: "a" }), "a/1 a/2 a/3");
      same(await keys({ prefix: "a/", after: "b" }), "");
      same(await keys({ prefix: "zz" }), "");
      same(await keys({ limit: 0 }), "");
      same((await store.list("meta", { prefix: "c" }))[0]?.value, { key: "c" });
      await store.close();
    },
  },
  {
    name: "commits all writes or none",
    async run(place) {
      const store = await place.open();
      await store.commit([put("x", 1)]);
      await rejects(store.commit([put("x", 2), put("y", 2), put("bad", () => 1)]));
      same(await store.get("meta", "x"), 1);
      same(await store.get("meta", "y"), undefined);
      await store.commit([put("x", 3)]);
      same(await store.get("meta", "x"), 3);
      await store.close();
    },
  },
  {
    name: "is not changed through a value that was read or written",
    async run(place) {
      const store = await place.open();
      const value = { list: [1], bytes: new Uint8Array([1]) };
      await store.commit([put("x", value)]);
      value.list.push(2);
      value.bytes[0] = 9;
      const read = await store.get<typeof value>("meta", "x");
      same(read, { list: [1], bytes: new Uint8Array([1]) });
      read!.list.push(3);
      same(await store.get("meta", "x"), { list: [1], bytes: new Uint8Array([1]) });
      await store.close();
    },
  },
  {
    name: "is empty after erasing, and refuses work once closed",
    async run(place) {
      const store = await seeded(place);
      await store.erase();
      await rejects(store.get("meta", "a"), StoreClosed);
      const again = await place.open();
      same(await again.list("meta"), []);
      await again.close();
      await again.close();
      await rejects(again.commit([put("x", 1)]), StoreClosed);
      await rejects(again.list("meta"), StoreClosed);
    },
  },
];

/** Runs every case, each in a fresh place; returns the names that passed. A page calls this. */
export async function runStoreCases(makePlace: () => Promise<StorePlace>): Promise<string[]> {
  const passed: string[] = [];
  for (const { name, run } of storeCases) {
    await run(await makePlace());
    passed.push(name);
  }
  return passed;
}
