/**
 * Every number that both ends of the wire, or two devices, must agree on. The numbers come from the
 * design; changing one is a change of the protocol. What only the server decides (rates, quotas)
 * is a setting and lives in the server's own limits.ts.
 */

const KIB = 1024;
const MIB = 1024 * KIB;
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/** Milliseconds of a day: days on the wire are whole days since 1970-01-01 UTC. */
export const DAY_MS = 24 * HOUR_MS;
/** The last day that a date can be of (ECMA-262, Time Values): what claims a later one could be shown nowhere. */
export const MAX_DAY = 100_000_000;

// Sizes of keys and their products, in bytes.

/** X25519 public or private key (RFC 7748), Ed25519 public key or seed (RFC 8032). */
export const KEY_BYTES = 32;
/** Ed25519 signature (RFC 8032). */
export const SIGNATURE_BYTES = 64;
/** SHA-256. */
export const HASH_BYTES = 32;
/** AES-256-GCM: 96 bits, the only size that all runtimes agree on. */
export const IV_BYTES = 12;
/** AES-256-GCM tag. */
export const TAG_BYTES = 16;
/** ML-KEM-768 encapsulation key (FIPS 203, table 3). */
export const KEM_PUBLIC_BYTES = 1184;
/** ML-KEM-768 private seed d || z (FIPS 203, algorithm 16). */
export const KEM_SEED_BYTES = 64;
/** ML-KEM-768 ciphertext (FIPS 203, table 3). */
export const KEM_CIPHERTEXT_BYTES = 1088;

// Encoding.

/** Nested arrays and maps in one structure. The deepest of ours has five. */
export const MAX_CBOR_DEPTH = 8;
/** Numbers, texts, byte strings, arrays and maps in one structure, keys included. */
export const MAX_CBOR_ITEMS = 65_536;
/** Bytes of one CBOR structure unless its decoder says otherwise: beyond every body of the HTTP interface. */
export const MAX_CBOR_BYTES = 4 * MIB;

// Device list.

/** Devices of one account. Every message is encrypted once for each of them. */
export const MAX_DEVICES = 8;
/** Bytes of one encoded device list entry, without its signature. Eight devices and a deposit key are under 3 KiB. */
export const MAX_LIST_ENTRY_BYTES = 4 * KIB;
/** Entries of one device list in one answer. Longer lists come in parts, oldest first. */
export const MAX_LIST_ENTRIES = 1_024;
/** Highest device list version and vault generation: a bitwise operation on it never turns negative. */
export const MAX_VERSION = 2 ** 31 - 1;
/** Hashes of the newest versions that a verified device list remembers, to check what bundles and messages name. */
export const MAX_REMEMBERED_HASHES = 256;

// Prekeys.

/** Days after which the signed prekey and the last-resort KEM prekey are replaced. */
export const PREKEY_ROTATION_DAYS = 7;
/** Days that a replaced private half is kept, so that a message which waited 30 days still opens. */
export const PREKEY_RETENTION_DAYS = 35;
/** Rotations that a replaced private half outlives besides, against a clock that jumps ahead. */
export const PREKEY_RETENTION_ROTATIONS = 5;
/** One-time X25519 prekeys of one upload: what a device keeps on the server. */
export const ONE_TIME_PREKEYS = 100;
/** One-time ML-KEM prekeys of one upload. Ten times the size, so fewer. */
export const ONE_TIME_KEM_PREKEYS = 20;
/** One-time prekeys left on the server below which the device uploads more. */
export const ONE_TIME_PREKEYS_LOW = 25;
/** One-time KEM prekeys left below which the device uploads more: the same quarter. */
export const ONE_TIME_KEM_PREKEYS_LOW = 5;
/** One-time keys of a kind that a device makes in one day: what an honest server hands out (60 an hour), and one upload. */
export const MAX_ONE_TIME_A_DAY = 60 * 24 + ONE_TIME_PREKEYS;
/** Rotations that a device begins in one day because the server says it has none of today. */
export const MAX_ROTATIONS_A_DAY = 3;
/** Prekey ids are u32 and counted up from 1 per device and kind; none is used twice. */
export const MAX_PREKEY_ID = 2 ** 32 - 1;
/** Age in days from which a bundle is refused: the device is dormant. */
export const MAX_BUNDLE_AGE_DAYS = 30;
/** Days that a bundle may lie in the future: two clocks, each one day wrong. */
export const MAX_BUNDLE_AHEAD_DAYS = 2;

// Double Ratchet.

/** Messages that may be missing in one chain before the next is refused: each costs two HMACs. */
export const MAX_CHAIN_JUMP = 25_000;
/** Skipped message keys kept per session; older ones become a counted gap. */
export const MAX_SKIPPED_PER_SESSION = 2_000;
/** Skipped message keys kept per device, over all sessions. */
export const MAX_SKIPPED_PER_DEVICE = 20_000;
/** How long a skipped message key is kept: as long as an envelope may wait in a queue. */
export const SKIPPED_KEY_LIFETIME_MS = 30 * DAY_MS;
/** Receiver chains kept: headers are tried under the current, the next and these older keys. */
export const MAX_RECEIVER_CHAINS = 5;
/** Header keys tried for one envelope: current, next, {@link MAX_RECEIVER_CHAINS} older. */
export const MAX_HEADER_TRIALS = 2 + MAX_RECEIVER_CHAINS;
/** Sessions kept with one peer device: one active and four older. */
export const MAX_SESSIONS_PER_DEVICE = 5;
/** How long an older session is kept. */
export const OLD_SESSION_LIFETIME_MS = 30 * DAY_MS;
/** Envelopes with unknown session ids from one device before a fresh opening is sent. */
export const HEALING_THRESHOLD = 3;
/** Waits between a first healing opening and the following ones. */
export const HEALING_WAITS_MS: readonly number[] = [HOUR_MS, 4 * HOUR_MS, 24 * HOUR_MS];
/** Openings taken from one peer device in an hour. */
export const MAX_OPENINGS_PER_HOUR = 6;

// Content, envelope, frames.

/** Padded sizes of small contents; above the last one Padmé decides. */
export const PADDING_BUCKETS: readonly number[] = [256, 512, 1024, 2048, 4096];
/** The smallest padded content. */
export const SMALLEST_BUCKET_BYTES = 256;
/** UTF-8 bytes of a text message; longer text travels as an attachment. */
export const MAX_TEXT_BYTES = 4_000;
/** One envelope, opening header included. */
export const MAX_ENVELOPE_BYTES = 64 * KIB;
/** One WebSocket message in either direction. */
export const MAX_FRAME_BYTES = 128 * KIB;
/** Clear bytes of one chunk of an attachment. */
export const ATTACHMENT_CHUNK_BYTES = MIB;

// Rooms.

/** Members of one room, those who wait for approval among them. */
export const MAX_ROOM_MEMBERS = 256;
/** Banned accounts that one room remembers. */
export const MAX_ROOM_BANNED = 1_024;
/** Random bytes of a room code: 16 characters of base 32. */
export const ROOM_CODE_BYTES = 10;
/** PBKDF2 rounds over a room code: makes guessing 80 bits against a stored lookup id dearer still. */
export const ROOM_CODE_ROUNDS = 600_000;
/** Bytes of a server id, salt of the room code's derivation. */
export const SERVER_ID_BYTES = 16;
/** UTF-8 bytes of a room's name. */
export const MAX_ROOM_NAME_BYTES = 128;
/** UTF-8 bytes of a room's topic. */
export const MAX_ROOM_TOPIC_BYTES = 512;
/** Bytes of a room's picture: a thumbnail, since every change of the code carries it again. */
export const MAX_ROOM_PICTURE_BYTES = 3_072;
/** Sealed name, topic and picture: salt, the 4,096-byte bucket, tag. */
export const MAX_SEALED_DETAILS_BYTES = 16 + 4_096 + TAG_BYTES;
/** One encoded room log entry, without its signatures. The largest carry sealed details and are under 4.5 KiB. */
export const MAX_ROOM_ENTRY_BYTES = 8 * KIB;
/** Device list entries that prove one pin: the newest `set` and a `revoke` for each device in it. */
export const MAX_LIST_PROOF = MAX_DEVICES + 1;
/** Entries of one room log in one answer, oldest first. */
export const MAX_ROOM_ENTRIES = 256;
/** Messages under one sender key; also the highest jump within it. */
export const MAX_SENDER_KEY_MESSAGES = 1_000;
/** Age at which a sender key is replaced. */
export const SENDER_KEY_LIFETIME_MS = 7 * DAY_MS;
/** Sender keys kept of one sending device in one room. */
export const MAX_KEYS_PER_SENDER = 5;
/** How long a sender key that a newer one has replaced is kept: as long as an envelope may wait. */
export const OLD_SENDER_KEY_LIFETIME_MS = 30 * DAY_MS;
/** Wait for a removal to show in the log before the person is warned that the server withholds it. */
export const REMOVAL_WARNING_MS = MINUTE_MS;

// Passwords and codes.

/** Characters of a password, at least and at most; longer ones are refused, never cut. */
export const MIN_PASSWORD_CHARACTERS = 12;
export const MAX_PASSWORD_CHARACTERS = 256;
/** Digits of a code sent by mail. */
export const CODE_DIGITS = 6;
/** Argon2id of the password, compiled in so that no server can lower it (RFC 9106): memory in KiB. */
export const ARGON2_MEMORY_KIB = 64 * KIB;
/** Argon2id passes. */
export const ARGON2_ITERATIONS = 3;
/** Argon2id lanes. */
export const ARGON2_PARALLELISM = 4;

// Verification.

/** SHA-256 rounds of one half of a safety number: makes a partial match dearer to search for. */
export const SAFETY_NUMBER_ROUNDS = 5_200;
