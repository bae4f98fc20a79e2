import assert from "node:assert/strict";
import { Change, StoreFailed, Writer } from "../../client/change.ts";
import { MemoryStore } from "../../client/store_memory.ts";
import type { LocalStore } from "../../client/store.ts";
import type { EngineEvent } from "../../client/types.ts";

const gap = (count: number): EngineEvent => ({ kind: "gap", count });

Deno.test("a change reads its own writes before they are committed", async () => {
  const store = new MemoryStore();
  await store.commit([{ table: "meta", key: "x", value: 1 }]);
  const change = new Change(store);
  change.set("meta", "x", 2);
  assert.equal(await change.get("meta", "x"), 2);
  change.remove("meta", "x");
  assert.equal(await change.get("meta", "x"), undefined);
  assert.equal(await store.get("meta", "x"), 1);
  assert.deepEqual(change.writes, [{ table: "meta", key: "x", remove: true }]);
});

Deno.test("changes run one after the other, however they are asked for", async () => {
  const writer = new Writer(new MemoryStore(), () => {});
  const add = () =>
    writer.change(async (change) => {
      const value = await change.get<number>("meta", "sum") ?? 0;
      await Promise.resolve();
      change.set("meta", "sum", value + 1);
    });
  await Promise.all(Array.from({ length: 50 }, add));
  assert.equal(await writer.change((change) => change.get("meta", "sum")), 50);
});

Deno.test("events are told after the commit and in order, and not at all when it fails", async () => {
  const seen: unknown[] = [];
  const memory = new MemoryStore();
  let full = false;
  const store: LocalStore = {
    get: (table, key) => memory.get(table, key),
    list: (table, options) => memory.list(table, options),
    commit: (writes) => full ? Promise.reject(new Error("disk full")) : memory.commit(writes),
    erase: () => memory.erase(),
    close: () => memory.close(),
  };
  const writer = new Writer(store, (event) => seen.push(event));
  const work = async (change: Change) => {
    change.tell(gap(1));
    change.tell(gap(2));
    change.after.push(() => seen.push("after"));
    change.set("meta", "x", await change.nextOrder());
  };
  await writer.change(work);
  assert.deepEqual(seen, [gap(1), gap(2), "after"]);
  full = true;
  await assert.rejects(writer.change(work), StoreFailed);
  assert.equal(seen.length, 3);
  full = false;
  await writer.change(work);
  assert.equal(await memory.get("meta", "x"), "000000000002", "a failed change gives out no order");
});

Deno.test("a change that throws leaves nothing behind and does not stop the next", async () => {
  const store = new MemoryStore();
  const writer = new Writer(store, () => {});
  await assert.rejects(
    writer.change((change) => {
      change.set("meta", "x", 1);
      return Promise.reject(new RangeError("no"));
    }),
    RangeError,
  );
  assert.equal(await store.get("meta", "x"), undefined);
  await writer.change((change) => Promise.resolve(change.set("meta", "x", 2)));
  assert.equal(await store.get("meta", "x"), 2);
});
