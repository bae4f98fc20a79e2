/**
 * What this browser lacks, if anything. Checked by a script of its own before the chat's script is
 * even parsed, so it is written in words that old browsers know.
 */

/** What of the platform is looked at; tests hand in a poorer one. */
export interface Platform {
  readonly isSecureContext: boolean;
  readonly crypto?: { readonly subtle?: Pick<SubtleCrypto, "generateKey"> };
  readonly indexedDB?: unknown;
  readonly BroadcastChannel?: unknown;
  readonly navigator: { readonly locks?: unknown };
}

/** The oldest browsers that Snug is tried with. */
export const SUPPORTED = "Chrome or Edge 137, Firefox 130, Safari 18.4, or anything newer";

/** What is missing, in words; empty when all is there. */
export async function missing(platform: Platform): Promise<string[]> {
  if (!platform.isSecureContext) return ["a secure connection: the address must begin with https"];
  const subtle = platform.crypto && platform.crypto.subtle;
  const checks: [string, boolean][] = [
    ["X25519 key agreement", await makesKeys(subtle, "X25519", ["deriveBits"])],
    ["Ed25519 signatures", await makesKeys(subtle, "Ed25519", ["sign", "verify"])],
    ["a database in the browser (IndexedDB)", Boolean(platform.indexedDB)],
    ["locks between tabs (Web Locks)", Boolean(platform.navigator.locks)],
    ["talk between tabs (BroadcastChannel)", Boolean(platform.BroadcastChannel)],
  ];
  return checks.filter((check) => !check[1]).map((check) => check[0]);
}

async function makesKeys(
  subtle: Pick<SubtleCrypto, "generateKey"> | undefined,
  name: string,
  usages: KeyUsage[],
): Promise<boolean> {
  try {
    if (!subtle) return false;
    await subtle.generateKey({ name }, false, usages);
    return true;
  } catch {
    return false;
  }
}
