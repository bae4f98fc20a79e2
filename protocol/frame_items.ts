/** What frames carry: the items that a device sends and those that the server sends. */
import type { Bytes } from "./encoding.ts";
import type { AccountId, DeviceId, RoomId, SubmitId } from "./ids.ts";

/** The first item of every connection; the server answers with {@link Welcome} or closes. */
export interface Hello {
  readonly type: "hello";
  /** 16 bytes: the incarnation the store held before this connection; zeros for a device's first. */
  readonly previous: Bytes;
  /** 16 fresh random bytes, committed locally before they are sent. */
  readonly next: Bytes;
  /** Deliveries the device takes before it acknowledges one, 1 to 65,535. */
  readonly windowSize: number;
}

/** One ciphertext for one device. */
export interface Addressed {
  readonly device: DeviceId;
  /** {@link Envelope} bytes; none for a device that the sender cannot encrypt for. Decoded ones are a VIEW of the frame: copy them to keep them. */
  readonly envelope: Uint8Array;
}

/** All devices of one account under one version of its device list. */
export interface Destination {
  readonly account: AccountId;
  readonly listVersion: number;
  /** One for each listed device, without the sending one. At most 8. */
  readonly envelopes: readonly Addressed[];
}

/** Please queue this. Answered by {@link Accepted} or {@link Refused} with the same `ref`. */
export interface Submit {
  readonly type: "submit";
  /** u32, chosen by the device; names the answer on this connection. */
  readonly ref: number;
  /** Names the submission for 31 days: the same one again is accepted and not queued again. */
  readonly submit: SubmitId;
  /** The recipient and, in the same step, the sender's own other devices: 1 or 2 accounts. */
  readonly destinations: readonly Destination[];
}

/**
 * Please queue this one ciphertext for every other device that the room's log pins at its head. Answered as
 * {@link Submit}. Room, head and sender are read off the envelope; the sender must be the device of this login.
 */
export interface SubmitToRoom {
  readonly type: "submit-to-room";
  /** Both as in {@link Submit}, out of the same numbers. */
  readonly ref: number;
  readonly submit: SubmitId;
  /** RoomEnvelope bytes. A VIEW of the frame when decoded. */
  readonly envelope: Uint8Array;
}

/** Everything up to `position` is committed in the device's store: the queue may forget it. */
export interface Ack {
  readonly type: "ack";
  readonly position: number;
}

/** Are you there? For devices that cannot send WebSocket pings. Answered by {@link Pong}. */
export interface Ping {
  readonly type: "ping";
}

export type ClientItem = Hello | Submit | SubmitToRoom | Ack | Ping;

/** Answer to {@link Hello}. */
export interface Welcome {
  readonly type: "welcome";
  /** True: the server has another incarnation, so this store is a restored copy. Nothing follows. */
  readonly restored: boolean;
  /** Envelopes waiting. */
  readonly queued: number;
  /**
   * Envelopes this device never got since it exists (full queue, 30 days over). It only grows:
   * what is missing now is this minus the total the device saw last.
   */
  readonly gaps: number;
}

/** One queued envelope. Comes again on the next connection unless acknowledged. */
export interface Deliver {
  readonly type: "deliver";
  /** Counts up per device, never reused, may skip; the same envelope keeps its position. */
  readonly position: number;
  /** Who sent it, says the server: a hint until the envelope is decrypted. */
  readonly account: AccountId;
  readonly device: DeviceId;
  /** When the server took it, minutes since 1970. */
  readonly minute: number;
  /** A VIEW of the frame when decoded. */
  readonly envelope: Uint8Array;
}

/** {@link Deliver} as the server has it, the sender as 32 bytes; encodes to the same bytes. */
export interface StoredDeliver {
  readonly type: "stored";
  readonly position: number;
  /** Account id and device id. */
  readonly sender: Uint8Array;
  readonly minute: number;
  readonly envelope: Uint8Array;
}

/** The submission is committed to disk. */
export interface Accepted {
  readonly type: "accepted";
  readonly ref: number;
}

/** One signed device list entry, as in bundle.ts `Signed`. */
export interface SignedEntry {
  readonly body: Bytes;
  /** 64 bytes. */
  readonly signature: Bytes;
}

/** A destination whose device set or list version was not the current one. */
export interface StaleList {
  readonly account: AccountId;
  /** The current version. May be the submitted one: then the set of devices was wrong. */
  readonly version: number;
  /** Entries newer than the submitted version, oldest first; cut off at 32 KiB: ask for the rest. */
  readonly entries: readonly SignedEntry[];
}

/** Why a submission was not queued, wholly: none of its envelopes was. */
export type Refusal =
  /** Verify the entries, encrypt for the right devices, submit again under a new id. */
  | { readonly code: "stale"; readonly lists: readonly StaleList[] }
  /** No device of the recipient has room. */
  | { readonly code: "full" }
  /** Too much at once: again after `retryAfter` seconds. */
  | { readonly code: "rate"; readonly retryAfter: number }
  | { readonly code: "unknown-recipient"; readonly account: AccountId }
  /** An envelope over 64 KiB. */
  | { readonly code: "too-large" }
  /** The room's log has gone on, or has another entry at that seq: fetch it, verify, encrypt anew. */
  | { readonly code: "stale-room"; readonly room: RoomId; readonly seq: number }
  /** No such room, or the sending device does not speak in it. */
  | { readonly code: "unknown-room"; readonly room: RoomId }
  /** The server could not write: again after `retryAfter` seconds, same id. */
  | { readonly code: "unavailable"; readonly retryAfter: number };

/** The submission was not queued. */
export interface Refused {
  readonly type: "refused";
  readonly ref: number;
  readonly refusal: Refusal;
}

/** Something to know. */
export type News =
  /** A device list that concerns this device has a new version. */
  | { readonly kind: "list-changed"; readonly account: AccountId; readonly version: number }
  /** One-time prekeys left on the server: upload more. */
  | { readonly kind: "prekeys-low"; readonly oneTime: number; readonly kem: number }
  /** {@link Welcome.gaps} has grown to this. */
  | { readonly kind: "gap"; readonly gaps: number }
  /** The log of a room has a new entry. A hint: the log itself is fetched and verified. */
  | { readonly kind: "room-changed"; readonly room: RoomId; readonly seq: number }
  /** The login was ended; the server closes right after. */
  | { readonly kind: "signed-out" };

export interface Notice {
  readonly type: "notice";
  readonly news: News;
}

/** Answer to {@link Ping}. */
export interface Pong {
  readonly type: "pong";
}

export type ServerItem = Welcome | Deliver | Accepted | Refused | Notice | Pong;

/** Close codes of the server, beside 1001 (stopping), 1009 (frame too large) and 1011 (bug). */
export const CLOSE = {
  /** Not a frame of this protocol. */
  format: 1007,
  /** A frame that breaks a rule, or too many of them. */
  policy: 1008,
  /** The login or the device is no more. */
  signedOut: 4001,
  /** Another incarnation is known: this store is a restored copy. */
  restored: 4002,
  /** The same device connected again: one connection a device. */
  replaced: 4003,
  /** Did not read what was sent to it. */
  slow: 4008,
} as const;

/** Bytes of an incarnation. */
export const INCARNATION_BYTES = 16;
/** Accounts of one submission: the recipient's and the sender's own. */
export const MAX_DESTINATIONS = 2;
/** Type and length before each item's body. */
export const ITEM_HEAD_BYTES = 5;
/** Bytes of signed entries in one refusal; the rest is fetched. */
export const MAX_STALE_BYTES = 32 * 1024;
