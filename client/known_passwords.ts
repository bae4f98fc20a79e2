/** Searches the list of leaked passwords, which the page loads only while somebody chooses a password. */
import { utf8 } from "../protocol/encoding.ts";

/** Bytes kept of the SHA-256 of each known password; the file holds them sorted, big endian. */
export const PREFIX_BYTES = 4;

/** Answers whether a password, in lower case, is on the list. One password in 97,000 that is not is taken for known. */
export type KnownPasswords = (password: string) => Promise<boolean>;

/** Reads the list from its bytes. Throws RangeError when they are no multiple of {@link PREFIX_BYTES}. */
export function readKnownPasswords(bytes: ArrayBuffer): KnownPasswords {
  if (bytes.byteLength % PREFIX_BYTES !== 0) throw new RangeError("the list is cut off");
  const prefixes = new DataView(bytes);
  return async (password) => {
    const digest = await crypto.subtle.digest("SHA-256", utf8(password.toLowerCase()));
    return contains(prefixes, new DataView(digest).getUint32(0));
  };
}

/** Binary search: 16 steps for 44,000 entries. */
function contains(prefixes: DataView, wanted: number): boolean {
  let low = 0;
  let high = prefixes.byteLength / PREFIX_BYTES - 1;
  while (low <= high) {
    const middle = (low + high) >>> 1;
    const found = prefixes.getUint32(middle * PREFIX_BYTES);
    if (found === wanted) return true;
    if (found < wanted) low = middle + 1;
    else high = middle - 1;
  }
  return false;
}
