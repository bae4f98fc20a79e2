/**
 * Text from others, made fit for a terminal: a message must not move the cursor, change the title,
 * or write into the line of somebody else (security.md W4). C0 (but for line feed and tab), DEL and
 * C1 controls go, and so do the marks that turn the direction of writing.
 */
const LINE_FEED = 0x0a;
const TAB = 0x09;

/** `text` without control characters; lines stay lines. */
export function printable(text: string): string {
  return [...text].filter((character) => isHarmless(character.codePointAt(0)!)).join("");
}

/** `text` without control characters, as one line. */
export function printableLine(text: string): string {
  return printable(text).replace(/[\n\t\u2028\u2029]+/g, " ");
}

function isHarmless(code: number): boolean {
  if (code === LINE_FEED || code === TAB) return true;
  const control = code < 0x20 || code >= 0x7f && code <= 0x9f;
  const turning = code >= 0x202a && code <= 0x202e || code >= 0x2066 && code <= 0x2069 ||
    code === 0x200e || code === 0x200f || code === 0x061c;
  return !control && !turning;
}
