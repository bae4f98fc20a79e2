/**
 * Passkeys (WebAuthn level 3) over the same HTTP interface as api.ts.
 *
 * | method and path                       | request             | answer              | login              |
 * | ------------------------------------- | ------------------- | ------------------- | ------------------ |
 * | POST /sign-in/passkey/ask             | nothing             | passkeyQuestion     | none               |
 * | POST /sign-in/passkey                 | passkeyProof        | finishAnswer, next: device | none; opens a partial login |
 * | POST /sign-in/second-factor/ask       | nothing             | passkeyQuestion     | partial, where finish said second-factor |
 * | POST /sign-in/second-factor/passkey   | passkeyProof        | finishAnswer, next: device | the same   |
 * | POST /settings/passkeys/start         | passkeyStartRequest | signInAnswer        | full, of the last 30 days |
 * | POST /settings/passkeys/prove         | finishRequest       | vaultProvenAnswer   | the same           |
 * | POST /settings/passkeys/ask           | nothing             | passkeyQuestion     | the same           |
 * | POST /settings/passkeys/unlock        | passkeyProof        | vaultProvenAnswer   | the same           |
 * | POST /settings/passkeys/add           | addPasskeyRequest   | addPasskeyAnswer    | the same           |
 * | POST /settings/passkeys/remove/passkey | removePasskeyRequest | doneAnswer        | the same           |
 * | POST /settings/password/passkey       | passwordByPasskeyRequest | passwordByPasskeyAnswer | the same  |
 * | POST /settings/password/remove        | passwordRemoveRequest | doneAnswer        | the same           |
 *
 * What a passkey's PRF extension gives out has no field here: it opens the vault and never leaves
 * the browser.
 */
import {
  MAX_WRAP_BYTES,
  passwordProvenAnswer,
  passwordStartAnswer,
  passwordStartRequest,
  SECRET_BYTES,
  vaultSchema,
} from "./api.ts";
import { signedSchema } from "./bundle.ts";
import { bytes, id, type Infer, list, nullable, record, text, uint } from "./codec.ts";

/** Passkeys of one account. */
export const MAX_PASSKEYS = 10;
/** Longest credential id (WebAuthn level 3, section 4). */
export const MAX_CREDENTIAL_BYTES = 1_023;
/** What a person calls a passkey, in UTF-8 bytes. */
export const MAX_PASSKEY_NAME = 160;

const credential = bytes({ max: MAX_CREDENTIAL_BYTES });
const clientJson = bytes({ max: 4_096 });

/** An empty body. */
export const nothingSchema = record({});

/** What a passkey is to sign: good once, for five minutes. */
export const passkeyQuestion = record({
  challenge: bytes(SECRET_BYTES),
  /** Those that will do; none named: any of this server's. */
  credentials: list(credential, { max: MAX_PASSKEYS }),
});
export type PasskeyQuestion = Infer<typeof passkeyQuestion>;

/** An assertion (WebAuthn level 3, section 5.2.2), as the authenticator gave it. */
export const passkeyProof = record({
  credential,
  clientJson,
  authenticator: bytes({ max: 4_096 }),
  signature: bytes({ max: 1_024 }),
  /** The account id in 16 bytes; null where the authenticator leaves it out. */
  userHandle: nullable(bytes({ max: 64 })),
});
export type PasskeyProof = Infer<typeof passkeyProof>;

/** A new credential (WebAuthn level 3, section 5.2.1). */
export const passkeyMade = record({
  credential,
  clientJson,
  attestation: bytes({ max: 16_384 }),
  transports: list(text({ max: 16 }), { max: 8 }),
});
export type PasskeyMade = Infer<typeof passkeyMade>;

/** OPAQUE login with the current password, first half. */
export const passkeyStartRequest = record({ request: text({ max: 128 }) });

/**
 * It is the owner who asks: password or passkey was right. `proof` is good for one act within five
 * minutes: it is the challenge of the new passkey, or what a removal names.
 */
export const vaultProvenAnswer = record({
  proof: bytes(SECRET_BYTES),
  account: id<"account">(),
  aik: bytes(32),
  username: text({ max: 32 }),
  fullName: text({ max: 320 }),
  entries: passwordProvenAnswer.fields.entries,
  vault: vaultSchema,
  /** Authenticators that hold a passkey of this account already. */
  known: list(credential, { max: MAX_PASSKEYS }),
});
export type VaultProvenAnswer = Infer<typeof vaultProvenAnswer>;

export const addPasskeyRequest = record({
  name: text({ max: MAX_PASSKEY_NAME }),
  made: passkeyMade,
  /** The vault key sealed by the passkey's PRF output; null where the authenticator has no PRF. */
  wrap: nullable(bytes({ max: MAX_WRAP_BYTES })),
  /** The vault's edition that the wrap was made beside. */
  generation: uint(),
});
export type AddPasskeyRequest = Infer<typeof addPasskeyRequest>;
/** New recovery codes, shown once; none where the account has some. */
export const addPasskeyAnswer = record({ codes: list(text({ max: 32 }), { max: 10 }) });
export type AddPasskeyAnswer = Infer<typeof addPasskeyAnswer>;

/** Takes `passkey` (its id, as the settings list it) away; the proof is by any passkey of the account. */
export const removePasskeyRequest = record({ passkey: text({ max: 22 }), proof: passkeyProof });

/** A new password, where a passkey stands in for the old one; then `POST /settings/password/change`. */
export const passwordByPasskeyRequest = record({
  registration: passwordStartRequest.fields.registration,
  proof: passkeyProof,
});
export const passwordByPasskeyAnswer = record({
  registration: passwordStartAnswer.fields.registration,
  proven: passwordProvenAnswer,
});
export type PasswordByPasskeyAnswer = Infer<typeof passwordByPasskeyAnswer>;

/**
 * No password from now on. `list` is a `set` that names the next vault generation and changes nothing
 * else, `vault` is of that generation with no wrap: only who has opened the vault can make them.
 */
export const passwordRemoveRequest = record({
  proof: bytes(SECRET_BYTES),
  list: signedSchema,
  vault: vaultSchema,
});
export type PasswordRemoveRequest = Infer<typeof passwordRemoveRequest>;

export const doneAnswer = record({});
