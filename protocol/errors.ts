/** The same symbol in every copy of this file. */
const KIND = Symbol.for("snug/error");

/**
 * An error of ours, told by its kind. The page's scripts come in several bundles, each with copies of its own of what
 * it imports; an error that one copy threw is still known by `instanceof` of another copy's class.
 */
export abstract class SnugError extends Error {
  /** What the class is called, in all copies. Its own name does not survive the build. */
  static readonly kind: string;

  constructor(message?: string, options?: ErrorOptions) {
    super(message, options);
    const { kind } = new.target;
    this.name = kind;
    Object.defineProperty(this, KIND, { value: kind });
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    if (!(value instanceof Error)) return false;
    return this.kind === undefined ? KIND in value : Reflect.get(value, KIND) === this.kind;
  }
}

/** Bytes that are not what the specification says. The only error a decoder throws, whatever it is fed. */
export class FormatError extends SnugError {
  static override readonly kind = "FormatError";
}

/**
 * Why something that is well formed is not believed.
 *
 * | code                  | what was seen |
 * | --------------------- | ------------- |
 * | `bad-signature`       | a signature that does not verify under the key the structure calls for |
 * | `wrong-account`       | a structure that names another account |
 * | `wrong-device`        | a structure that names another device |
 * | `key-changed`         | another account key than the one known before |
 * | `rollback`            | an older device list than the one known before |
 * | `fork`                | another entry than the known one at the same place in the chain |
 * | `gap`                 | an entry whose predecessor is missing |
 * | `foreign-device`      | a device that never agreed to be in this list |
 * | `device-changed`      | new keys, kind or day under a device id that is already listed |
 * | `duplicate`           | one id or one key used twice |
 * | `too-many-devices`    | a ninth device |
 * | `not-listed`          | a device that the device list does not have |
 * | `vault-rollback`      | a lower vault generation than before |
 * | `newer-list`          | a bundle made under a newer device list than the one at hand |
 * | `dormant`             | a bundle made more than 30 days ago |
 * | `future`              | a bundle made more than 2 days from now |
 * | `no-kem`              | a bundle without the post-quantum key that it promises |
 * | `wrong-room`          | an entry of another room |
 * | `wrong-code`          | a join that the current code did not sign, or a code that is not the room's |
 * | `not-member`          | an entry by or about somebody who is not in the room |
 * | `already-member`      | somebody let in twice |
 * | `not-allowed`         | an entry that its author has not the role for |
 * | `closed`              | a join to a room that takes no newcomers |
 * | `banned`              | a banned account |
 * | `full`                | a 257th member |
 * | `ended`               | an entry after the end of a room |
 */
export type VerifyCode =
  | "bad-signature"
  | "wrong-account"
  | "wrong-device"
  | "key-changed"
  | "rollback"
  | "fork"
  | "gap"
  | "foreign-device"
  | "device-changed"
  | "duplicate"
  | "too-many-devices"
  | "not-listed"
  | "vault-rollback"
  | "newer-list"
  | "dormant"
  | "future"
  | "no-kem"
  | "wrong-room"
  | "wrong-code"
  | "not-member"
  | "already-member"
  | "not-allowed"
  | "closed"
  | "banned"
  | "full"
  | "ended";

/** Well-formed bytes that are not to be believed: an attack, a fault, or a device that slept too long. */
export class VerifyError extends SnugError {
  static override readonly kind = "VerifyError";

  constructor(readonly code: VerifyCode) {
    super(code);
  }
}
