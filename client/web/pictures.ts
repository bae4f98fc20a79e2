/** Pictures of rooms. Another member chose them: they are shown as pictures of the three kinds, or not at all. */

/** What the bytes are by their first ones, whatever anybody says they are; null for everything else. */
export function pictureType(bytes: Uint8Array): "image/png" | "image/jpeg" | "image/webp" | null {
  const starts = (text: string, at = 0) =>
    bytes.length >= at + text.length &&
    [...text].every((letter, i) => bytes[at + i] === letter.charCodeAt(0));
  if (starts("\x89PNG\r\n\x1a\n")) return "image/png";
  if (starts("\xff\xd8\xff")) return "image/jpeg";
  return starts("RIFF") && starts("WEBP", 8) ? "image/webp" : null;
}

interface Held {
  readonly bytes: Uint8Array;
  readonly url: string;
}

const held = new Map<string, Held>();

/** The address of a room's picture, the same one while the picture is the same; null when there is none to show. */
export function pictureUrl(room: string, bytes: Uint8Array | null): string | null {
  const before = held.get(room);
  if (before && bytes && same(before.bytes, bytes)) return before.url;
  if (before) URL.revokeObjectURL(before.url);
  held.delete(room);
  const type = bytes && pictureType(bytes);
  if (!type) return null;
  const url = URL.createObjectURL(new Blob([new Uint8Array(bytes)], { type }));
  held.set(room, { bytes, url });
  return url;
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
