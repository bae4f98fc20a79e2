import assert from "node:assert/strict";
import type { EngineEvent } from "../../../client/types.ts";
import { type BrowserStorage, careForStorage, LOW } from "../../../client/web/storage_care.ts";

/** A browser's storage with so much room, and what was asked of it. */
function browser(free: number, persisted = false) {
  const said: string[] = [];
  let asked = 0;
  let tell: (event: EngineEvent) => void = () => {};
  const storage: BrowserStorage = {
    persisted: () => Promise.resolve(persisted),
    persist: () => Promise.resolve(++asked > 0),
    estimate: () => Promise.resolve({ usage: 10 * LOW, quota: 10 * LOW + free }),
  };
  const look = careForStorage({
    storage,
    on: (listener) => tell = listener,
    say: (words) => said.push(words),
  });
  const message = async (mine: boolean) => {
    tell({ kind: "message", message: { mine } } as EngineEvent);
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { said, look, message, asked: () => asked };
}

Deno.test("the browser is asked to keep the storage once, after the first words of one's own", async () => {
  const { message, asked } = browser(LOW);
  await message(false);
  assert.equal(asked(), 0);
  await message(true);
  await message(true);
  assert.equal(asked(), 1);
  const kept = browser(LOW, true);
  await kept.message(true);
  assert.equal(kept.asked(), 0, "it is kept already");
});

Deno.test("little room is said in words, with what to do; enough of it is not", async () => {
  const low = browser(LOW - 1);
  await low.look();
  assert.match(low.said.join(), /about 49 MB left.*Free some space/);
  const enough = browser(LOW);
  await enough.look();
  assert.deepEqual(enough.said, []);
  await careForStorage({ storage: undefined, on: () => {}, say: () => assert.fail() })();
});
