/** Errors that cross from one bundle of the page to another: each bundle has classes of its own for them. */
import assert from "node:assert/strict";
import type { HistoryOptions } from "../../client/history.ts";
import { StoreFailed, Writer } from "../../client/change.ts";
import { StoreClosed } from "../../client/store.ts";
import { MemoryStore } from "../../client/store_memory.ts";
import { DecryptError, KeyError } from "../../crypto/errors.ts";
import { FormatError, SnugError, VerifyError } from "../../protocol/errors.ts";
import manifest from "../../static/dist/assets.json" with { type: "json" };

/** A script as the page gets it. Its classes are other copies than those that this test imports. */
async function built<T>(name: "engine_more.js"): Promise<T> {
  return await import(`data:text/javascript;base64,${manifest[name].body}`);
}

/** The same file, evaluated once more. */
async function secondCopy(): Promise<typeof import("../../protocol/errors.ts")> {
  return await import(`${import.meta.resolve("../../protocol/errors.ts")}?copy`);
}

const failureOf = (work: Promise<unknown>) => work.then(() => null, (error: unknown) => error);

Deno.test("an error is known by its kind in every copy of its class, and by no other", async () => {
  const other = await secondCopy();
  assert.notEqual(other.VerifyError, VerifyError);
  const theirs: unknown = new other.VerifyError("rollback");
  assert.ok(new VerifyError("rollback") instanceof other.VerifyError);
  for (const kind of [FormatError, DecryptError, KeyError, StoreFailed, StoreClosed]) {
    assert.ok(!(theirs instanceof kind), kind.kind);
  }
  assert.ok(theirs instanceof SnugError);
  assert.ok(theirs instanceof VerifyError);
  assert.equal(theirs.code, "rollback");
  assert.equal(String(theirs), "VerifyError: rollback");
});

Deno.test("attack: what only bears the name of an error is not that error", () => {
  const named = Object.assign(new Error("x"), { name: "VerifyError", code: "rollback" });
  const copied = { ...new VerifyError("rollback") };
  for (const value of [named, copied, null, undefined, "VerifyError", new Error("VerifyError")]) {
    assert.ok(!(value instanceof VerifyError));
    assert.ok(!(value instanceof SnugError));
  }
});

Deno.test("the page knows the errors of the store that the history's script throws", async () => {
  const { History } = await built<typeof import("../../client/engine_more.ts")>("engine_more.js");
  assert.notEqual(History, (await import("../../client/history.ts")).History);
  const store = new MemoryStore();
  const gone = () => Promise.reject(new StoreClosed());
  const failing = { get: store.get.bind(store), list: gone, commit: gone };
  const state = { on: true, bytes: 0, most: 1, chains: [] };
  const api = { ask: () => Promise.resolve({ ok: true, value: state }) };
  const writer = new Writer(store, () => {});
  const options = { store: failing, writer, api, own: {}, me: {} };
  const failure = await failureOf(new History(options as unknown as HistoryOptions).setOn(false));
  assert.ok(failure instanceof StoreFailed, String(failure));
  assert.ok(failure.cause instanceof StoreClosed);
});
