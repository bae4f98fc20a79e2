import assert from "node:assert/strict";
import type { LocalStore, Write } from "../../client/store.ts";
import { StoreClosed } from "../../client/store.ts";
import { MemoryStore } from "../../client/store_memory.ts";
import { MOST_SHARED, SharedStore } from "../../client/store_shared.ts";

const room = (value: unknown): Write => ({ table: "sessions", key: "room/r", value });
const person = (value: unknown): Write => ({ table: "accounts", key: "a", value });

/** A store below whose commits fail on demand, and its reads. */
function below(): { store: LocalStore; inner: MemoryStore; reads: string[]; fail: () => void } {
  const inner = new MemoryStore();
  const reads: string[] = [];
  let fails = false;
  const store: LocalStore = {
    get: <T>(...[table, key]: Parameters<LocalStore["get"]>) => {
      reads.push(`${table} ${key}`);
      return inner.get<T>(table, key);
    },
    list: <T>(...args: Parameters<LocalStore["list"]>) => inner.list<T>(...args),
    commit: async (writes) => {
      await inner.commit(writes);
      if (fails) throw new Error("the disk is full, or was it");
    },
    erase: () => inner.erase(),
    close: () => inner.close(),
  };
  return { store, inner, reads, fail: () => fails = true };
}

Deno.test("rooms and people are handed out as they are, the very same to all; the rest is copied", async () => {
  const { store, reads } = below();
  const shared = new SharedStore(store);
  const own: Write = { table: "sessions", key: "room-own/r", value: { next: 1 } };
  await shared.commit([room({ seq: 1 }), person({ name: "Ana" }), own]);
  for (const [table, key] of [["sessions", "room/r"], ["accounts", "a"]] as const) {
    assert.equal(await shared.get(table, key), await shared.get(table, key));
  }
  assert.deepEqual(reads, [], "what was written is known");
  assert.notEqual(
    await shared.get("sessions", "room-own/r"),
    await shared.get("sessions", "room-own/r"),
  );
});

Deno.test("what is written takes the place of what was kept, and what is removed is gone", async () => {
  const { store, inner } = below();
  const shared = new SharedStore(store);
  await shared.commit([room({ seq: 1 })]);
  await shared.commit([room({ seq: 2 })]);
  assert.deepEqual(await shared.get("sessions", "room/r"), { seq: 2 });
  assert.deepEqual(await inner.get("sessions", "room/r"), { seq: 2 });
  await shared.commit([{ table: "sessions", key: "room/r", remove: true }]);
  assert.equal(await shared.get("sessions", "room/r"), undefined);
});

Deno.test("a commit that failed leaves nothing believed that may not be on disk", async () => {
  const { store, inner, fail } = below();
  const shared = new SharedStore(store);
  await shared.commit([room({ seq: 1 })]);
  fail();
  await assert.rejects(shared.commit([room({ seq: 2 })]));
  await inner.commit([room({ seq: 3 })]);
  assert.deepEqual(await shared.get("sessions", "room/r"), { seq: 3 });
});

Deno.test("whoever asks hears that people may have changed, also by a commit that failed", async () => {
  const { store, fail } = below();
  const shared = new SharedStore(store);
  await shared.commit([room({ seq: 1 })]);
  assert.equal(shared.peopleVersion, 0);
  await shared.commit([person({ name: "Ana" })]);
  assert.equal(shared.peopleVersion, 1);
  fail();
  await assert.rejects(shared.commit([person({ name: "Anna" })]));
  assert.equal(shared.peopleVersion, 2);
});

Deno.test("no more than so many rows are kept, and a closed store gives nothing", async () => {
  const { store, reads } = below();
  const shared = new SharedStore(store);
  const key = (index: number) => `p${index}`;
  const everybody = Array.from({ length: MOST_SHARED + 1 }, (_, index): Write => {
    return { table: "accounts", key: key(index), value: index };
  });
  await shared.commit(everybody);
  assert.equal(await shared.get("accounts", key(MOST_SHARED)), MOST_SHARED);
  assert.deepEqual(reads, []);
  assert.equal(await shared.get("accounts", key(0)), 0);
  assert.deepEqual(reads, ["accounts p0"], "the oldest was forgotten");
  await shared.close();
  await assert.rejects(shared.get("accounts", key(1)), StoreClosed);
});
