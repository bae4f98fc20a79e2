/**
 * A room's code that somebody came here with, kept in this tab until it is known what becomes of it: signing up or in
 * may come first. It never leaves the browser: a fragment is not sent to the server, and neither is what a tab keeps.
 */

const KEY = "snug-invitation";
/** Longer than any code or link to one. */
const MOST = 200;

/** The tab's storage; may refuse where a browser keeps nothing, and then Snug has no device there either. */
export type TabStorage = Pick<Storage, "getItem" | "setItem" | "removeItem">;

/** Keeps the code of `/join#CODE`; `hash` begins with "#" or is empty. */
export function keepInvitation(storage: TabStorage, hash: string): void {
  storage.setItem(KEY, unescaped(hash.slice(1)).slice(0, MOST));
}

/** What somebody came with: a code, "" for a link without one, null when they came without a link. */
export function readInvitation(storage: TabStorage): string | null {
  return storage.getItem(KEY);
}

/** It is decided. */
export function dropInvitation(storage: TabStorage): void {
  storage.removeItem(KEY);
}

function unescaped(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
