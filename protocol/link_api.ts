/**
 * Linking a new device through one that is signed in, over the same HTTP interface as api.ts. The server carries
 * sealed bytes from one browser to the other and learns neither the code nor what is in them.
 *
 * | method and path              | request           | answer           | login                     |
 * | ---------------------------- | ----------------- | ---------------- | ------------------------- |
 * | POST /sign-in/link/open      | linkOpenRequest   | linkOpened       | none                      |
 * | POST /sign-in/link/wait      | linkWaitRequest   | linkWaitAnswer   | none; handed: opens a partial login |
 * | POST /sign-in/link/answer    | linkAnswerRequest | linkDone         | none                      |
 * | POST /settings/link/look     | linkNamed         | linkLookAnswer   | full, of the last 30 days |
 * | POST /settings/link/offer    | linkOfferRequest  | linkOfferAnswer  | the same                  |
 * | POST /settings/link/hand     | linkHandRequest   | linkDone         | the same, password or passkey proven |
 * | POST /settings/link/drop     | linkNamed         | linkDone         | the same                  |
 *
 * After `handed` the new device goes on as after a password: `POST /sign-in/device`.
 */
import { SECRET_BYTES } from "./api.ts";
import { MAX_DEPOSITS } from "./archive_api.ts";
import { bytes, id, type Infer, list, nullable, record, tagged, text, uint } from "./codec.ts";
import { type DeviceEntry, deviceEntrySchema, type Signed, signedSchema } from "./device_list.ts";
import { HASH_BYTES, KEM_CIPHERTEXT_BYTES, KEM_PUBLIC_BYTES } from "./limits.ts";
import { KEY_BYTES, MAX_LIST_ENTRIES, MAX_VERSION } from "./limits.ts";
import { depositEntrySchema } from "./segment.ts";

/** What the code derives, and what the request is known by. */
export const LINK_ID_BYTES = 16;
/** From the request to its end. Milliseconds. */
export const LINK_MS = 10 * 60_000;
/** An account may have had that many epochs of its archive, 80 bytes each. */
export const MAX_HANDED_BYTES = 48 * 1024;

const request = bytes(LINK_ID_BYTES);
/** Known to the new device alone: nobody else hears what came for it. */
const waiter = bytes(SECRET_BYTES);

/** The public keys of the new device: two that stay, and two for this link alone. */
export const linkKeysSchema = record({
  /** Ed25519 and X25519, as they will stand in the device list. */
  sign: bytes(KEY_BYTES),
  agree: bytes(KEY_BYTES),
  /** X25519 and ML-KEM-768: what is meant for this device is sealed to them. */
  ephemeral: bytes(KEY_BYTES),
  kem: bytes(KEM_PUBLIC_BYTES),
});
export type LinkKeys = Infer<typeof linkKeysSchema>;

/** The keys under a MAC that only those who know the code can make. */
export const linkBoundSchema = record({ keys: linkKeysSchema, mac: bytes(HASH_BYTES) });
export type LinkBound = Infer<typeof linkBoundSchema>;

export const linkOpenRequest = record({ request, waiter, bound: linkBoundSchema });
export type LinkOpenRequest = Infer<typeof linkOpenRequest>;
export const linkOpened = record({});

export const linkNamed = record({ request });
export const linkWaitRequest = record({ request, waiter });

/** What opens the channel between the two: an X25519 key and an ML-KEM ciphertext for this link alone. */
export const linkOpeningSchema = record({
  ephemeral: bytes(KEY_BYTES),
  kem: bytes(KEM_CIPHERTEXT_BYTES),
});
export type LinkOpening = Infer<typeof linkOpeningSchema>;

const offer = record({ opening: linkOpeningSchema, sealed: bytes({ max: 2_048 }) });
export type LinkOffer = Infer<typeof offer>;

export const linkWaitAnswer = tagged("state", {
  waiting: record({}),
  offered: record({ offer }),
  handed: record({
    sealed: bytes({ max: MAX_HANDED_BYTES }),
    entries: list(signedSchema, { max: MAX_LIST_ENTRIES }),
    challenge: bytes(SECRET_BYTES),
    login: nullable(text({ max: 43 })),
  }),
});
export type LinkWaitAnswer = Infer<typeof linkWaitAnswer>;
export type LinkHanded = Extract<LinkWaitAnswer, { state: "handed" }>;

const answer = bytes({ max: 2_048 });
export const linkAnswerRequest = record({ request, waiter, sealed: answer });

export const linkLookAnswer = record({ bound: linkBoundSchema, answer: nullable(answer) });
export type LinkLookAnswer = Infer<typeof linkLookAnswer>;

export const linkOfferRequest = record({ request, offer });
/** Archive keys that were sealed for the vault while it was shut. */
export const linkOfferAnswer = record({
  deposits: list(depositEntrySchema, { max: MAX_DEPOSITS }),
});
export type LinkOfferAnswer = Infer<typeof linkOfferAnswer>;

/** `proof` is what password or passkey brought (passkey_api.ts). */
export const linkHandRequest = record({
  request,
  proof: bytes(SECRET_BYTES),
  sealed: bytes({ max: MAX_HANDED_BYTES }),
});
export const linkDone = record({});

/** Inside `offer.sealed`: whose device it is about to be. */
export const linkOfferContent = record({
  account: id<"account">(),
  aik: bytes(KEY_BYTES),
  username: text({ max: 32 }),
  fullName: text({ max: 320 }),
});
export type LinkOfferContent = Infer<typeof linkOfferContent>;

/** Inside `answer`: the new device agrees to be of that account. */
export const linkAnswerContent = record({ device: deviceEntrySchema });
export type LinkAnswerContent = { readonly device: DeviceEntry };

/** Inside `handed.sealed`: the entry that lists the device, and the archive's keys. */
export const linkHandedContent = record({
  list: signedSchema,
  keys: list(
    record({
      epoch: uint(MAX_VERSION),
      /** Hash of the list's version; null for a key that was in the vault itself. */
      list: nullable(bytes(HASH_BYTES)),
      key: bytes(KEY_BYTES),
    }),
    { max: MAX_DEPOSITS * 2 },
  ),
});
export type LinkHandedContent = Infer<typeof linkHandedContent> & { readonly list: Signed };
