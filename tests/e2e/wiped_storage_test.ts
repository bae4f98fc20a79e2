/** Storage of which a part is gone, in a real browser: said in words, never used again, and the history comes back. */
import assert from "node:assert/strict";
import { browserTest } from "../helpers/browser.ts";
import {
  openConversation,
  person,
  send,
  shows,
  signIn,
  signUp,
  startChat,
  textsShown,
} from "./people.ts";
import { newPage, withScene } from "./scene.ts";

const ana = person("ana");
const ben = person("ben");

/** Empties every other object store of the page's database, as a browser short of room might. */
async function wipeHalf(): Promise<string[]> {
  const db = await new Promise<IDBDatabase>((resolve, reject) => {
    const opening = indexedDB.open("snug");
    opening.onsuccess = () => resolve(opening.result);
    opening.onerror = () => reject(opening.error);
  });
  const names = [...db.objectStoreNames].filter((_, at) => at % 2 === 0);
  const wiping = db.transaction(names, "readwrite");
  for (const name of names) wiping.objectStore(name).clear();
  await new Promise((resolve, reject) => {
    wiping.oncomplete = resolve;
    wiping.onerror = () => reject(wiping.error);
  });
  db.close();
  return names;
}

browserTest(
  "half of IndexedDB wiped: the page says so, and signing in brings everything back",
  () =>
    withScene(async ({ server, browser }) => {
      const [a, b] = [await newPage(browser), await newPage(browser)];
      await signUp(a, server, ana);
      await signUp(b, server, ben);
      await startChat(a, "ben");
      const archived = a.waitForResponse((response) => {
        const { pathname } = new URL(response.url());
        return pathname === "/api/archive" && response.request().method() === "POST" &&
          response.ok();
      });
      const said = ["wiped canary 1", "wiped canary 2"];
      for (const text of said) await send(a, text);
      await openConversation(b, ana.fullName);
      await shows(b, said.at(-1)!);
      await archived;
      // From a page of the same origin that holds no database open.
      await a.goto(`${server.origin}/sign-in`);
      const wiped = await a.evaluate(wipeHalf);
      assert.ok(wiped.length > 1, wiped.join());
      await a.goto(`${server.origin}/chat`);
      await a.getByRole("heading", { name: "Part of this browser’s data is gone" }).waitFor();
      await signIn(a, server, ana);
      await openConversation(a, ben.fullName);
      await shows(a, said.at(-1)!);
      assert.deepEqual(await textsShown(a, /wiped canary \d/), said);
      await send(a, "from the new device");
      await shows(b, "from the new device");
    }),
);
