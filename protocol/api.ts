/**
 * Every request and answer of the HTTP interface that is not a page: bodies of type
 * `application/cbor`, deterministic CBOR by these schemas, unknown fields refused.
 *
 * | method and path              | request               | answer            | login               |
 * | ---------------------------- | --------------------- | ----------------- | ------------------- |
 * | POST /sign-up                | form {@link SIGN_UP_FIELDS}  | signUpAnswer | none; opens a challenge |
 * | POST /sign-up/code           | form `code`           | codeAnswer        | challenge           |
 * | POST /sign-up/resend         | empty form            | signUpAnswer      | challenge           |
 * | POST /sign-up/password       | registrationRequest   | registrationAnswer | challenge, confirmed |
 * | POST /sign-up/account        | accountRequest        | accountAnswer     | challenge, confirmed |
 * | POST /sign-in                | signInRequest         | signInAnswer      | none                |
 * | POST /sign-in/finish         | finishRequest         | finishAnswer      | none; opens a partial login |
 * | POST /sign-in/second-factor  | secondFactorRequest   | finishAnswer, next: device | partial, where finish said second-factor |
 * | POST /sign-in/device         | deviceRequest         | deviceAnswer      | partial             |
 * | POST /api/login/challenge    | challengeRequest      | challengeAnswer   | none                |
 * | POST /api/login              | loginRequest          | loginAnswer       | none                |
 * | POST /sign-out               | empty                 | empty, 204        | any                 |
 * | GET /api/me                  |                       | meAnswer          | device              |
 * | GET /api/people/:username    |                       | personAnswer      | device              |
 * | GET /api/accounts/:account   | `?from=version` leaves out older list entries | personAnswer | device |
 * | POST /api/accounts/:account/bundles | bundlesRequest | bundlesAnswer     | device              |
 * | GET /api/prekeys             |                       | prekeyStockAnswer | device              |
 * | POST /settings/password/start | passwordStartRequest | passwordStartAnswer | full, of the last 30 days |
 * | POST /settings/password/prove | finishRequest        | passwordProvenAnswer | the same        |
 * | POST /settings/password/change | passwordChangeRequest | passwordChangeAnswer | the same      |
 * | POST /api/prekeys            | prekeyUploadSchema    | prekeyStockAnswer | device              |
 *
 * Errors: the status and {@link errorAnswer}. Forms answer CBOR instead of HTML when the request
 * says `Accept: application/cbor`.
 *
 * A browser keeps its challenge and its login in cookies that no script can read; `challenge` and
 * `login` are null in its answers. A terminal sends `Snug-Client: terminal` and no `Origin`; it
 * gets both in the body and sends them back as `Snug-Challenge` and `Authorization: Bearer`.
 */
import { MAX_DEPOSITS } from "./archive_api.ts";
import { fetchedBundleSchema, prekeyUploadSchema, signedSchema } from "./bundle.ts";
import {
  bytes,
  choice,
  encode,
  id,
  type Infer,
  list,
  nullable,
  record,
  type Schema,
  tagged,
  text,
  uint,
} from "./codec.ts";
import type { Bytes } from "./encoding.ts";
import type { AccountId, DeviceId } from "./ids.ts";
import { depositEntrySchema } from "./segment.ts";
import { MAX_DEVICES, MAX_LIST_ENTRIES, SIGNATURE_BYTES } from "./limits.ts";

/** The media type of every machine body. */
export const CBOR_TYPE = "application/cbor";
/** A terminal says `Snug-Client: terminal`. */
export const CLIENT_HEADER = "snug-client";
/** Carries a terminal's challenge, base64url of 32 bytes. */
export const CHALLENGE_HEADER = "snug-challenge";

/** The names of the fields of the sign-up form; `invite` is there only when a link brought it. */
export const SIGN_UP_FIELDS = ["username", "fullName", "contact", "invite"] as const;

/** 3 to 32 of these; a username is a public handle (security.md A12). */
export const USERNAME_PATTERN = /^[a-z0-9_]{3,32}$/;
/** A confirmation code as typed, white space removed. */
export const CODE_PATTERN = /^[0-9]{6}$/;

/** Bytes of a challenge and of a login. */
export const SECRET_BYTES = 32;
/** Longest sealed vault in bytes: 1,000 archive epochs and 10,000 contacts stay below it. */
export const MAX_VAULT_BYTES = 131_072;
/** Longest wrap of the vault key in bytes. */
export const MAX_WRAP_BYTES = 512;
/** At most password, recovery key and some passkeys. */
export const MAX_WRAPS = 8;

// Sizes of the OPAQUE messages (RFC 9807, ristretto255, SHA-512) in base64url characters.
const opaque = {
  registrationRequest: text({ max: 43 }),
  registrationResponse: text({ max: 86 }),
  registrationRecord: text({ max: 256 }),
  loginRequest: text({ max: 128 }),
  loginResponse: text({ max: 427 }),
  loginFinish: text({ max: 86 }),
};

const accountId: Schema<AccountId> = id<"account">();
const deviceId: Schema<DeviceId> = id<"device">();
const username = text({ max: 32 });
/** A bearer login: base64url of 32 bytes. Null for browsers, which get a cookie. */
const login = nullable(text({ max: 43 }));
const challenge = nullable(text({ max: 43 }));
const entries = list(signedSchema, { max: MAX_LIST_ENTRIES });

/** The status is the kind of error, `code` the exact one (stable), `message` a sentence for people. */
export const errorAnswer = record({
  code: text({ max: 64 }),
  message: text({ max: 512 }),
  /** Seconds until it makes sense to try again, as in Retry-After. */
  retryAfter: nullable(uint()),
});
export type ErrorAnswer = Infer<typeof errorAnswer>;

/** A code is on its way, whether or not the contact already has an account. */
export const signUpAnswer = tagged("next", { code: record({ challenge }) });
export type SignUpAnswer = Infer<typeof signUpAnswer>;

/** The contact is confirmed; `account` is the new account's id, to make keys with. */
export const codeAnswer = tagged("next", { keys: record({ account: accountId }) });
export type CodeAnswer = Infer<typeof codeAnswer>;

/** OPAQUE registration, first half. The credential identifier is the account id. */
export const registrationRequest = record({ request: opaque.registrationRequest });
export type RegistrationRequest = Infer<typeof registrationRequest>;
export const registrationAnswer = record({ response: opaque.registrationResponse });
export type RegistrationAnswer = Infer<typeof registrationAnswer>;

/** One sealed copy of the vault key, and by what it was sealed. */
export const wrapSchema = record({
  kind: choice("password", "recovery", "passkey"),
  sealed: bytes({ max: MAX_WRAP_BYTES }),
});
export type Wrap = Infer<typeof wrapSchema>;

/** The vault as the server keeps it: sealed, with the sealed copies of its key. */
export const vaultSchema = record({
  sealed: bytes({ max: MAX_VAULT_BYTES }),
  generation: uint(),
  wraps: list(wrapSchema, { max: MAX_WRAPS }),
});
export type Vault = Infer<typeof vaultSchema>;

/** Everything an account begins with; all of it is stored in one transaction, or nothing. */
export const accountRequest = record({
  record: opaque.registrationRecord,
  aik: bytes(32),
  list: signedSchema,
  device: deviceId,
  prekeys: prekeyUploadSchema,
  vault: vaultSchema,
});
export type AccountRequest = Infer<typeof accountRequest>;
export const accountAnswer = record({ account: accountId, device: deviceId, username, login });
export type AccountAnswer = Infer<typeof accountAnswer>;

/** OPAQUE login, first half. An unknown username gets an answer of the same size. */
export const signInRequest = record({ username, request: opaque.loginRequest });
export type SignInRequest = Infer<typeof signInRequest>;
/** `attempt` names the server's half of this try; it is good for one finish within a minute. */
export const signInAnswer = record({
  response: opaque.loginResponse,
  attempt: text({ max: 43 }),
});
export type SignInAnswer = Infer<typeof signInAnswer>;

export const finishRequest = record({ attempt: text({ max: 43 }), finish: opaque.loginFinish });
export type FinishRequest = Infer<typeof finishRequest>;
/**
 * The password was right. The login given here is partial and reaches the next step only.
 * `device`: what is missing is a device; `challenge` is what it signs there ({@link loginProof}).
 * `second-factor`: a code or a passkey comes first, and nothing that opens the vault is given before.
 */
export const finishAnswer = tagged("next", {
  device: record({
    account: accountId,
    aik: bytes(32),
    username,
    entries,
    /** Archive keys that were sealed for the vault while it was shut. */
    deposits: list(depositEntrySchema, { max: MAX_DEPOSITS }),
    vault: vaultSchema,
    challenge: bytes(SECRET_BYTES),
    login,
  }),
  "second-factor": record({
    /** What this account can show; any one of them will do. */
    ways: list(choice("app", "passkey", "recovery-code"), { max: 3 }),
    login,
  }),
});
export type FinishAnswer = Infer<typeof finishAnswer>;
/** A way to show the second factor. */
export type FactorWay = Extract<FinishAnswer, { next: "second-factor" }>["ways"][number];
/** What opens the vault and lists a device. */
export type DeviceStep = Extract<FinishAnswer, { next: "device" }>;

/** Six digits of an authenticator app, or a recovery code; as typed. */
export const secondFactorRequest = record({ code: text({ max: 60 }) });
export type SecondFactorRequest = Infer<typeof secondFactorRequest>;

/** `list` and `prekeys` add a new device; both are null for a device that is already listed. */
export const deviceRequest = record({
  list: nullable(signedSchema),
  device: deviceId,
  prekeys: nullable(prekeyUploadSchema),
  /** Ed25519 by the device key, label "login", over {@link loginProof}. */
  signature: bytes(SIGNATURE_BYTES),
});
export type DeviceRequest = Infer<typeof deviceRequest>;
export const deviceAnswer = record({ account: accountId, device: deviceId, username, login });
export type DeviceAnswer = Infer<typeof deviceAnswer>;

export const challengeRequest = record({ device: deviceId });
export type ChallengeRequest = Infer<typeof challengeRequest>;
/** Single use, five minutes. An unknown device gets one too. */
export const challengeAnswer = record({ challenge: bytes(SECRET_BYTES) });
export type ChallengeAnswer = Infer<typeof challengeAnswer>;

/** A device takes a new login by its key, without a password. */
export const loginRequest = record({
  account: accountId,
  device: deviceId,
  challenge: bytes(SECRET_BYTES),
  /** Ed25519 by the device key, label "login", over {@link loginProof}. */
  signature: bytes(SIGNATURE_BYTES),
});
export type LoginRequest = Infer<typeof loginRequest>;
export const loginAnswer = record({ account: accountId, device: deviceId, login });
export type LoginAnswer = Infer<typeof loginAnswer>;

/**
 * What a device signs to sign in. The origin keeps a server in the middle from passing on another
 * server's challenge; account and device keep the signature from standing for anybody else.
 */
export const loginProof = record({
  account: accountId,
  device: deviceId,
  /** Scheme, host and port as browsers write them: "https://chat.example.org". */
  origin: text({ max: 300 }),
  challenge: bytes(SECRET_BYTES),
});
export type LoginProof = Infer<typeof loginProof>;

/** The bytes that go under the label "login". */
export function loginProofBytes(proof: LoginProof): Bytes {
  return encode(loginProof, proof);
}

/** Another password, first step: OPAQUE login with the current one and registration of the new one. */
export const passwordStartRequest = record({
  request: opaque.loginRequest,
  registration: opaque.registrationRequest,
});
export type PasswordStartRequest = Infer<typeof passwordStartRequest>;
/** `attempt` is good for one proof within a minute. */
export const passwordStartAnswer = record({
  attempt: text({ max: 43 }),
  response: opaque.loginResponse,
  registration: opaque.registrationResponse,
});
export type PasswordStartAnswer = Infer<typeof passwordStartAnswer>;

/** The current password was right: what is to be wrapped again. `proof` is good for one change within a minute. */
export const passwordProvenAnswer = record({
  proof: text({ max: 43 }),
  account: accountId,
  aik: bytes(32),
  entries,
  vault: vaultSchema,
});
export type PasswordProvenAnswer = Infer<typeof passwordProvenAnswer>;

/**
 * The new record; a `set` that names the next vault generation and changes nothing else; the vault
 * of that generation with exactly one wrap, by the new password. All of it is stored in one
 * transaction, or nothing.
 */
export const passwordChangeRequest = record({
  proof: text({ max: 43 }),
  record: opaque.registrationRecord,
  list: signedSchema,
  vault: vaultSchema,
});
export type PasswordChangeRequest = Infer<typeof passwordChangeRequest>;
/** Every login of the account has ended; this one goes on. */
export const passwordChangeAnswer = record({ login });
export type PasswordChangeAnswer = Infer<typeof passwordChangeAnswer>;

export const meAnswer = record({
  account: accountId,
  device: deviceId,
  username,
  fullName: text({ max: 320 }),
  listVersion: uint(),
});
export type MeAnswer = Infer<typeof meAnswer>;

/** A person as others find them; `entries` is the whole device list, oldest first. */
export const personAnswer = record({
  account: accountId,
  username,
  fullName: text({ max: 320 }),
  entries,
});
export type PersonAnswer = Infer<typeof personAnswer>;

export const bundlesRequest = record({ devices: list(deviceId, { max: MAX_DEVICES }) });
export type BundlesRequest = Infer<typeof bundlesRequest>;
/** One-time keys in `bundles` are handed out to this answer and to no other, ever. */
export const bundlesAnswer = record({
  bundles: list(fetchedBundleSchema, { max: MAX_DEVICES }),
  /** Devices that are not on the list or have uploaded nothing. */
  missing: list(deviceId, { max: MAX_DEVICES }),
});
export type BundlesAnswer = Infer<typeof bundlesAnswer>;

/** What the server still has of this device's prekeys. */
export const prekeyStockAnswer = record({
  oneTime: uint(),
  kemOnce: uint(),
  /** Unix day on which the bundle was made. */
  day: uint(),
});
export type PrekeyStockAnswer = Infer<typeof prekeyStockAnswer>;

export { prekeyUploadSchema };
