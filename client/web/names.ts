/** Names as the page shows them: other people's text, so nothing in them may rule what is around them. */

import type { Conversation } from "../types.ts";

/** Controls, bidi overrides and isolates, zero-width and other invisible marks (security.md A12). */
const UNSEEN =
  // deno-lint-ignore no-control-regex
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u115f\u1160\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb]/g;

/** The name without invisible characters and doubled spaces; `instead` when nothing is left. */
export function plainName(name: string, instead: string): string {
  return name.replace(UNSEEN, "").replace(/\s+/g, " ").trim() || instead;
}

/** What a room is called whose name nobody has told this device yet. */
export const NAMELESS_ROOM = "A room";

/** What a conversation is called. */
export function titleOf(conversation: Conversation): string {
  const { kind, title } = conversation;
  return plainName(title, kind === "room" ? NAMELESS_ROOM : conversation.username);
}

const graphemes = new Intl.Segmenter(undefined, { granularity: "grapheme" });

function firstOf(word: string): string {
  for (const { segment } of graphemes.segment(word)) return segment.toLocaleUpperCase();
  return "";
}

/** One or two letters: of the first and the last word. */
export function initials(name: string): string {
  const words = name.split(/[\s_.-]+/).filter((word) => /[\p{L}\p{N}]/u.test(word));
  const [first = name] = words;
  return firstOf(first) + (words.length > 1 ? firstOf(words.at(-1)!) : "");
}

/** How many two-colour gradients chat.css has (`tint-0` and on). */
export const TINTS = 12;

/** The gradient of an account: FNV-1a over its id, so the same on every device. */
export function tintOf(account: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < account.length; i++) {
    hash = Math.imul(hash ^ account.charCodeAt(i), 0x01000193) >>> 0;
  }
  // FNV's low bits alone are uneven over base64url; the high half mixes them.
  return ((hash >>> 16) ^ (hash & 0xffff)) % TINTS;
}
