import { SnugError } from "../protocol/errors.ts";

/**
 * Something sealed could not be opened. One text for every cause and no `cause` attached, so that neither a log
 * nor a screen tells an attacker whether it was the key, the tag, the padding or the associated data.
 */
export class DecryptError extends SnugError {
  static override readonly kind = "DecryptError";
  constructor() {
    super("This could not be decrypted.");
  }
}

export type KeyFault = "length" | "low-order" | "non-canonical" | "modulus" | "not-extractable";

/** A key or KEM ciphertext that no honest device makes. Carries the kind of fault, never the bytes. */
export class KeyError extends SnugError {
  static override readonly kind = "KeyError";
  constructor(readonly fault: KeyFault) {
    super(`refused key: ${fault}`);
  }
}
