/** What a QR code says that was scanned to link a device. */
import { parseLinkCode } from "../../crypto/device_link.ts";

/** "elsewhere": it links a device of another server. "other": it is no such code at all. */
export type ReadLink =
  | { readonly kind: "code"; readonly code: string }
  | { readonly kind: "elsewhere"; readonly host: string }
  | { readonly kind: "other" };

/** @param origin this server's scheme, host and port */
export function readLinkCode(text: string, origin: string): ReadLink {
  if (!URL.canParse(text)) return { kind: "other" };
  const { origin: named, host, pathname, hash } = new URL(text);
  const code = hash.slice(1);
  const read = pathname === "/settings/link" ? parseLinkCode(code) : null;
  if (read === null || read.keys === null) return { kind: "other" };
  return named === origin ? { kind: "code", code } : { kind: "elsewhere", host };
}
