import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { StoreTaken } from "../../client/store.ts";
import { openSqliteStore } from "../../client/store_sqlite.ts";
import { storeCases } from "./store_suite.ts";

async function inFolder(run: (path: string) => void | Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "snug-store-" });
  try {
    await run(`${folder}/store.db`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

for (const { name, run } of storeCases) {
  Deno.test(`the SQLite store ${name}`, () =>
    inFolder(async (path) => {
      const open = () => Promise.resolve(openSqliteStore(path));
      await run({ open, extractable: true });
    }));
}

Deno.test("a second program is turned away with words while the SQLite store is open", () =>
  inFolder(async (path) => {
    const first = openSqliteStore(path);
    assert.throws(
      () => openSqliteStore(path),
      (error) => error instanceof StoreTaken && /Another Snug/.test(error.words),
    );
    await first.commit([{ table: "meta", key: "x", value: 1 }]);
    await first.close();
    await openSqliteStore(path).close();
  }));

Deno.test("a SQLite store that a newer version wrote is refused with words", () =>
  inFolder(async (path) => {
    await openSqliteStore(path).close();
    const database = new DatabaseSync(path);
    database.exec("PRAGMA user_version = 99");
    database.close();
    assert.throws(
      () => openSqliteStore(path),
      (error) => error instanceof StoreTaken && /newer Snug/.test(error.words),
    );
  }));

Deno.test("a key that cannot be exported is refused by the SQLite store, and nothing is written", () =>
  inFolder(async (path) => {
    const store = openSqliteStore(path);
    const pair = await crypto.subtle.generateKey({ name: "X25519" }, false, [
      "deriveBits",
    ]) as CryptoKeyPair;
    await assert.rejects(store.commit([
      { table: "meta", key: "x", value: 1 },
      { table: "device", key: "keys", value: pair.privateKey },
    ]));
    assert.equal(await store.get("meta", "x"), undefined);
    await store.close();
  }));
