/**
 * Who is asking, for counting: the peer's address, or the one that a trusted proxy forwards.
 * Anybody can write X-Forwarded-For, so it is believed from the configured proxy only.
 */
import { isIP } from "node:net";

/** The address limits are counted by. `forwarded` is the X-Forwarded-For header as it came. */
export function clientAddress(
  peer: string,
  forwarded: string | null | undefined,
  isTrustedProxy: (address: string) => boolean,
): string {
  let address = plain(peer);
  // The end is what the nearest proxy wrote; a client may have written any length before it.
  const hops = (forwarded ?? "").slice(-1_000).split(",").map((hop) => plain(hop.trim()));
  while (isTrustedProxy(address) && hops.length > 0) {
    const hop = hops.pop() ?? "";
    if (isIP(hop) === 0) break;
    address = hop;
  }
  return address;
}

/** One customer usually owns a whole /64, so IPv6 addresses are counted by their first half. */
export function countingKey(address: string): string {
  if (isIP(address) !== 6) return address;
  const [head = "", tail] = address.split("::");
  const left = head.split(":").filter(Boolean);
  const right = tail === undefined ? [] : tail.split(":").filter(Boolean);
  const zeros = tail === undefined ? 0 : 8 - left.length - right.length;
  const groups = [...left, ...Array<string>(Math.max(0, zeros)).fill("0"), ...right];
  return groups.slice(0, 4).map((group) => parseInt(group, 16).toString(16)).join(":") + "::/64";
}

/** ::ffff:192.0.2.1 -> 192.0.2.1, so that one machine is not counted as two. */
function plain(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address);
  return mapped?.[1] ?? address;
}
