/** States as JSON, so that a state of every layout that ever was can be kept in tests/vectors/own. */
import { exportPrivate, importAgreement } from "../../crypto/agreement.ts";
import type { SessionState } from "../../crypto/session.ts";
import { fromHex, toHex } from "../../protocol/encoding.ts";

/** The state with bytes as `hex:…` and portable X25519 keys as `x25519:…`. */
export async function freeze(value: unknown): Promise<unknown> {
  if (value instanceof Uint8Array) return `hex:${toHex(value)}`;
  if (value instanceof CryptoKey) return `x25519:${toHex(await exportPrivate(value))}`;
  if (Array.isArray(value)) return await Promise.all(value.map(freeze));
  if (typeof value !== "object" || value === null) return value;
  const fields = Object.entries(value).map(async ([key, inner]) => [key, await freeze(inner)]);
  return Object.fromEntries(await Promise.all(fields));
}

/** What {@link freeze} was given. */
export async function thaw(value: unknown): Promise<SessionState> {
  return await thawed(value) as SessionState;
}

async function thawed(value: unknown): Promise<unknown> {
  if (typeof value === "string" && value.startsWith("hex:")) return fromHex(value.slice(4));
  if (typeof value === "string" && value.startsWith("x25519:")) {
    return (await importAgreement(fromHex(value.slice(7)), "portable")).private;
  }
  if (Array.isArray(value)) return await Promise.all(value.map(thawed));
  if (typeof value !== "object" || value === null) return value;
  const fields = Object.entries(value).map(async ([key, inner]) => [key, await thawed(inner)]);
  return Object.fromEntries(await Promise.all(fields));
}
