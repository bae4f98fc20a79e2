import assert from "node:assert/strict";
import {
  dropInvitation,
  keepInvitation,
  readInvitation,
  type TabStorage,
} from "../../../client/web/invitation.ts";

function tab(): TabStorage {
  const kept = new Map<string, string>();
  return {
    getItem: (key) => kept.get(key) ?? null,
    setItem: (key, text) => void kept.set(key, text),
    removeItem: (key) => void kept.delete(key),
  };
}

Deno.test("a code waits in the tab until it is decided", () => {
  const storage = tab();
  assert.equal(readInvitation(storage), null);
  keepInvitation(storage, "#K7QF-9XWD-2MVP-8TNC");
  assert.equal(readInvitation(storage), "K7QF-9XWD-2MVP-8TNC");
  dropInvitation(storage);
  assert.equal(readInvitation(storage), null);
});

Deno.test("a link without a code is not the same as no link", () => {
  const storage = tab();
  keepInvitation(storage, "");
  assert.equal(readInvitation(storage), "");
});

Deno.test("attack: a fragment that is endless or badly escaped is cut off and kept as text", () => {
  const storage = tab();
  keepInvitation(storage, "#%E0%A4%A");
  assert.equal(readInvitation(storage), "%E0%A4%A");
  keepInvitation(storage, `#${"A".repeat(100_000)}`);
  assert.equal(readInvitation(storage)?.length, 200);
});
