import assert from "node:assert/strict";
import type { ListOptions, LocalStore, Row, Table, Write } from "../../client/store.ts";
import { cachedStore, MOST_KEPT } from "../../client/store_cache.ts";
import { MemoryStore } from "../../client/store_memory.ts";
import { storeCases } from "./store_suite.ts";

for (const { name, run } of storeCases) {
  Deno.test(`the memory store behind the cache ${name}`, async () => {
    let store = new MemoryStore();
    const open = () => {
      store = store.reopen();
      return Promise.resolve(cachedStore(store));
    };
    await run({ open, extractable: false });
  });
}

/** Counts reads, and fails or holds commits on demand. */
class WatchedStore implements LocalStore {
  readonly inner = new MemoryStore();
  reads = 0;
  fails = false;
  held: Promise<void> | null = null;
  async get<T>(table: Table, key: string): Promise<T | undefined> {
    this.reads++;
    const value = await this.inner.get<T>(table, key);
    if (this.held) await this.held;
    return value;
  }
  list<T>(table: Table, options?: ListOptions): Promise<Row<T>[]> {
    return this.inner.list<T>(table, options);
  }
  async commit(writes: readonly Write[]): Promise<void> {
    await this.inner.commit(writes);
    if (this.fails) throw new Error("the disk is full, or was it");
  }
  erase(): Promise<void> {
    return this.inner.erase();
  }
  close(): Promise<void> {
    return this.inner.close();
  }
}

const put = (key: string, value: unknown): Write => ({ table: "meta", key, value });

Deno.test("a row is read once, and again only after somebody else might have written it", async () => {
  const watched = new WatchedStore();
  const store = cachedStore(watched);
  await store.commit([put("a", { n: 1 })]);
  for (let i = 0; i < 5; i++) assert.deepEqual(await store.get("meta", "a"), { n: 1 });
  assert.equal(watched.reads, 0, "what was written is known");
  assert.equal(await store.get("meta", "b"), undefined);
  assert.equal(await store.get("meta", "b"), undefined);
  assert.equal(watched.reads, 1, "that a row is not there is known too");
  await store.commit([{ table: "meta", key: "a", remove: true }]);
  assert.equal(await store.get("meta", "a"), undefined);
});

Deno.test("rows that are used once are not kept", async () => {
  const watched = new WatchedStore();
  const store = cachedStore(watched);
  await store.commit([{ table: "prekeys", key: "a", value: 1 }]);
  await store.get("prekeys", "a");
  await store.get("prekeys", "a");
  assert.equal(watched.reads, 2);
});

Deno.test("a commit that failed leaves nothing believed that may not be on disk", async () => {
  const watched = new WatchedStore();
  const store = cachedStore(watched);
  await store.commit([put("a", 1)]);
  watched.fails = true;
  await assert.rejects(store.commit([put("a", 2)]));
  await watched.inner.commit([put("a", 3)]);
  assert.equal(await store.get("meta", "a"), 3);
});

Deno.test("a read that began before a commit and ends after it is not kept", async () => {
  const watched = new WatchedStore();
  const store = cachedStore(watched);
  await watched.inner.commit([put("a", "old")]);
  const { promise, resolve } = Promise.withResolvers<void>();
  watched.held = promise;
  const reading = store.get("meta", "a");
  await store.commit([put("a", "new")]);
  watched.held = null;
  resolve();
  assert.equal(await reading, "old", "it was the truth when it was asked");
  assert.equal(await store.get("meta", "a"), "new");
});

Deno.test("what was read belongs to the reader, and what was written to the writer", async () => {
  const store = cachedStore(new WatchedStore());
  const mine = { list: [1] };
  await store.commit([put("a", mine)]);
  mine.list.push(2);
  const read = await store.get<typeof mine>("meta", "a");
  read!.list.push(3);
  assert.deepEqual(await store.get("meta", "a"), { list: [1] });
});

Deno.test("only so many rows are kept, the ones used last", async () => {
  const watched = new WatchedStore();
  const store = cachedStore(watched);
  await store.commit([put("first", 0), put("second", 0)]);
  await store.get("meta", "first");
  for (let i = 0; i < MOST_KEPT - 1; i++) await store.commit([put(`row ${i}`, i)]);
  await store.get("meta", "first");
  assert.equal(watched.reads, 0);
  await store.get("meta", "second");
  assert.equal(watched.reads, 1);
});
