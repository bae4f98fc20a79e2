import assert from "node:assert/strict";
import { MemoryStore } from "../../client/store_memory.ts";
import { storeCases } from "./store_suite.ts";

for (const { name, run } of storeCases) {
  Deno.test(`the memory store ${name}`, async () => {
    let store = new MemoryStore();
    const open = () => Promise.resolve(store = store.reopen());
    await run({ open, extractable: false });
  });
}

Deno.test("a snapshot of the memory store does not see what comes later", async () => {
  const store = new MemoryStore();
  await store.commit([{ table: "meta", key: "x", value: 1 }]);
  const old = store.snapshot();
  await store.commit([{ table: "meta", key: "x", value: 2 }]);
  assert.equal(await old.get("meta", "x"), 1);
});
