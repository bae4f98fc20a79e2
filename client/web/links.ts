/** Finding addresses and mentions in somebody's text. Only http, https and mailto become links (security.md 4.2). */

export type Piece =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "link"; readonly text: string; readonly href: string }
  /** "@username" */
  | { readonly kind: "mention"; readonly text: string };

/**
 * One pass, no backtracking: a scheme at a word's beginning and everything up to white space or a
 * character that cannot stand in an address. Bidi controls end a link, so none can dress it up.
 */
const ADDRESS =
  // deno-lint-ignore no-control-regex
  /(?<![\p{L}\p{N}_])(?:https?:\/\/|mailto:)[^\s<>"`\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]+/giu;

/** Stops and quotes at the end belong to the sentence. */
const TRAILING = /[.,:;!?'’”»…]$/;

/** Longer addresses stay text: nobody reads them, and parsing is bounded. */
const MAX_HREF = 2_000;

/** "@" and a whole username, as client/mentions.ts reads them: not the "@" of an address. */
const MENTION = /(?<![a-z0-9_.-])@[a-z0-9_]{3,32}(?![a-z0-9_])/gi;

/** Cuts a text into links, mentions if asked for, and the rest, in order, nothing lost. */
export function pieces(text: string, withMentions = false): Piece[] {
  const cut = linksAndRest(text);
  if (!withMentions) return cut;
  return cut.flatMap((piece) => piece.kind === "text" ? mentionsAndRest(piece.text) : [piece]);
}

function mentionsAndRest(text: string): Piece[] {
  const found: Piece[] = [];
  let end = 0;
  for (const { 0: mention, index } of text.matchAll(MENTION)) {
    if (index > end) found.push({ kind: "text", text: text.slice(end, index) });
    found.push({ kind: "mention", text: mention });
    end = index + mention.length;
  }
  if (end < text.length) found.push({ kind: "text", text: text.slice(end) });
  return found;
}

function linksAndRest(text: string): Piece[] {
  const found: Piece[] = [];
  let end = 0;
  for (const match of text.matchAll(ADDRESS)) {
    const shown = trimmed(match[0]);
    const href = checked(shown);
    if (href === null) continue;
    if (match.index > end) found.push({ kind: "text", text: text.slice(end, match.index) });
    found.push({ kind: "link", text: shown, href });
    end = match.index + shown.length;
  }
  if (end < text.length) found.push({ kind: "text", text: text.slice(end) });
  return found;
}

/** Without closing brackets that it did not open, and without the sentence's stops. */
function trimmed(address: string): string {
  let length = address.length;
  let open = count(address, "(") - count(address, ")");
  for (; length > 0; length--) {
    const last = address[length - 1]!;
    if (last === ")" && open < 0) open++;
    else if (!TRAILING.test(last) && last !== "]" && last !== "}") break;
  }
  return address.slice(0, length);
}

function count(text: string, letter: string): number {
  let times = 0;
  for (const each of text) if (each === letter) times++;
  return times;
}

/** The address as the URL parser reads it, or null when it is not one of the three kinds. */
function checked(address: string): string | null {
  if (address.length > MAX_HREF || !URL.canParse(address)) return null;
  const url = new URL(address);
  // user:password@ in front of the host is how a link pretends to go elsewhere.
  if (url.username !== "" || url.password !== "") return null;
  if (url.protocol === "mailto:") return url.pathname.includes("@") ? url.href : null;
  return url.protocol === "http:" || url.protocol === "https:" ? url.href : null;
}

const EMOJI =
  /^(?:\p{Extended_Pictographic}|\p{Emoji_Modifier}|\p{Regional_Indicator}|[\u200d\ufe0f\u20e3])+$/u;
const segmenter = new Intl.Segmenter(undefined, { granularity: "grapheme" });

/** One to three emoji and nothing else: shown large. */
export function isEmojiOnly(text: string): boolean {
  const tight = text.replaceAll(" ", "");
  if (tight.length === 0 || tight.length > 48 || !EMOJI.test(tight)) return false;
  return [...segmenter.segment(tight)].length <= 3;
}
