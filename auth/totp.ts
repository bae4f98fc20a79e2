/**
 * Time-based codes (RFC 6238): SHA-1, 6 digits, 30 seconds, because that is what every
 * authenticator app knows. The seed is kept sealed under a key that is not in the database.
 */
import { Secret, TOTP } from "otpauth";
import { type Bytes, concat, utf8 } from "../protocol/encoding.ts";
import type { AccountId } from "../protocol/ids.ts";
import type { RandomSource, Secrets } from "./deps.ts";
import { macOf } from "./digest.ts";

/** As long as HMAC-SHA-1's output (RFC 4226 section 4). */
const SEED_BYTES = 20;
const STEP_SECONDS = 30;
/** Steps before and after the server's own that count (A7): clocks of phones are good to a second. */
const WINDOW = 1;
const IV_BYTES = 12;
const VERSION = Uint8Array.of(1);

/** A seed as an authenticator app takes it; to be shown once. */
export interface ShownSeed {
  /** otpauth:// address, for the QR code. */
  readonly uri: string;
  /** Base32, for typing, 32 characters. */
  readonly secret: string;
}

/** Seeds of one server. */
export interface Seeds {
  make(): Bytes;
  /** How an authenticator app is told: under the server's name and the person's. */
  show(seed: Bytes, username: string): ShownSeed;
  seal(seed: Bytes, account: AccountId): Promise<Bytes>;
  /** @throws {Error} when it is not a seed of this account, sealed by this server */
  open(sealed: Bytes, account: AccountId): Promise<Bytes>;
  /** The 30-second step (since 1970) whose code was typed, of this one and its neighbours; or null. */
  stepOf(seed: Bytes, code: string, now: number): number | null;
}

/** Seeds, sealed by AES-256-GCM under a key derived from the server's secrets. */
export function createSeeds(
  { codeKey }: Pick<Secrets, "codeKey">,
  { origin, random }: { readonly origin: string; readonly random: RandomSource },
): Seeds {
  const key = crypto.subtle.importKey("raw", macOf(codeKey, "key", "totp"), "AES-GCM", false, [
    "encrypt",
    "decrypt",
  ]);
  const algorithm = (iv: Bytes, account: AccountId) => ({
    name: "AES-GCM",
    iv,
    // A row moved to another account opens nothing.
    additionalData: utf8(`snug totp ${account}`),
  });
  const totp = (seed: Bytes, label = "") =>
    new TOTP({
      issuer: new URL(origin).host,
      label,
      secret: new Secret({ buffer: seed.buffer }),
      algorithm: "SHA1",
      digits: 6,
      period: STEP_SECONDS,
    });
  return {
    make: () => random(SEED_BYTES),
    show(seed, username) {
      const shown = totp(seed, username);
      return { uri: shown.toString(), secret: shown.secret.base32 };
    },
    async seal(seed, account) {
      const iv = random(IV_BYTES);
      const sealed = await crypto.subtle.encrypt(algorithm(iv, account), await key, seed);
      return concat(VERSION, iv, new Uint8Array(sealed));
    },
    async open(sealed, account) {
      const iv = sealed.slice(1, 1 + IV_BYTES);
      const body = sealed.slice(1 + IV_BYTES);
      return new Uint8Array(
        await crypto.subtle.decrypt(algorithm(iv, account), await key, body),
      );
    },
    stepOf(seed, code, now) {
      const delta = totp(seed).validate({ token: code, timestamp: now, window: WINDOW });
      return delta === null ? null : Math.floor(now / 1_000 / STEP_SECONDS) + delta;
    },
  };
}
