/**
 * The engine's outside: what the page, the terminal and tests see of a device. Everything here is
 * plain structured-cloneable values, so that a second tab can ask over a BroadcastChannel.
 */
import type { AccountId, DeviceId, MessageId, RoomId } from "../protocol/ids.ts";

/** A conversation's id: for people, the other person's account id; for rooms, the room's id. */
export type ConversationId = AccountId;

/** Why something was not done. Stable words for programs; `words` beside it is for people. */
export type Refusal =
  | "bad-code"
  | "bad-input"
  | "changed-key"
  | "code-expired"
  | "internal"
  | "name-taken"
  | "no-such-room"
  | "not-allowed"
  | "not-available"
  | "offline"
  | "rate-limited"
  | "signed-out"
  | "too-long"
  | "unknown-conversation"
  | "unknown-message"
  | "unknown-person"
  | "untrusted-server"
  | "weak-password"
  | "wrong-password"
  | "yourself";

/** An expected outcome is a value; `retryAfter` is in seconds. */
export type Outcome<T> =
  | { readonly ok: true; readonly value: T }
  | {
    readonly ok: false;
    readonly code: Refusal;
    readonly words: string;
    readonly retryAfter?: number;
  };

export type Verification = "unverified" | "verified" | "changed";
export type MessageState = "sending" | "sent" | "delivered" | "read" | "not sent";
export type ConnectionState = "connecting" | "online" | "offline" | "signed-out" | "restored";

/**
 * What a system line in a conversation is about; `text` beside it already says it in words.
 * "missing" is a counted gap.
 */
export type LineKind = "new-device" | "device-removed" | "key-changed" | "key-accepted" | "missing";

/** One row of a timeline. */
export interface Message {
  /** 16 random bytes; unique together with `device`. A system line has one too. */
  readonly id: MessageId;
  readonly conversation: ConversationId;
  /** "line" is a system line ("Ben has a new device"): no sender, no state. */
  readonly kind: "text" | "line";
  readonly line?: LineKind;
  readonly from: AccountId;
  readonly device: DeviceId;
  readonly mine: boolean;
  readonly text: string;
  /** Milliseconds since 1970, by the sender's clock. */
  readonly time: number;
  /** Own messages only. */
  readonly state?: MessageState;
  /** Why it was not sent, or what it waits for, in words. */
  readonly reason?: string;
  /** The sender's key was verified when this arrived. */
  readonly verified: boolean;
  /** Sorts a timeline (code-unit order); give it to `messages({ before })` to page back. */
  readonly order: string;
}

export interface Conversation {
  readonly id: ConversationId;
  readonly kind: "person";
  readonly title: string;
  readonly username: string;
  readonly account: AccountId;
  readonly last?: { readonly text: string; readonly time: number; readonly mine: boolean };
  readonly unread: number;
  readonly verification: Verification;
  /** We started it or have answered: receipts are sent. A stranger's first words are not accepted. */
  readonly accepted: boolean;
  /** Sorts the list, newest last (code-unit order). */
  readonly order: string;
}

/** A room as it is known here. */
export interface Room {
  readonly id: RoomId;
  /** Empty until a member has told this device the room's code. */
  readonly name: string;
  /** `XXXX-XXXX-XXXX-XXXX`; null until a member has told it. */
  readonly code: string | null;
  readonly members: readonly {
    readonly account: AccountId;
    readonly role: "waiting" | "member" | "moderator" | "owner";
    /** Null for somebody who was not looked up yet. */
    readonly username: string | null;
  }[];
  /** One's own. */
  readonly role: "waiting" | "member" | "moderator" | "owner" | null;
  /** Why nothing is sent here any more. */
  readonly stopped: "fork" | "left" | "ended" | null;
}

/** One device of one's own account. */
export interface OwnDevice {
  readonly device: DeviceId;
  readonly kind: "browser" | "terminal";
  /** Days since 1970. */
  readonly made: number;
  readonly current: boolean;
}

export type WarningKind =
  | "key-changed"
  | "new-device"
  | "own-new-device"
  | "unknown-device"
  | "list-fork"
  | "list-rollback"
  | "bad-list"
  | "bad-bundle"
  | "dormant-device"
  | "unreadable"
  | "peer-lost-messages"
  | "misdirected"
  | "not-member"
  | "room-fork"
  | "room-log"
  | "server-id-changed";

export type EngineEvent =
  | { readonly kind: "message"; readonly message: Message }
  | {
    readonly kind: "state";
    readonly conversation: ConversationId;
    readonly id: MessageId;
    readonly state: MessageState;
    readonly reason?: string;
    /** Whose device said "delivered" or "read". */
    readonly by?: AccountId;
  }
  | { readonly kind: "conversation"; readonly conversation: Conversation }
  | { readonly kind: "room"; readonly room: Room }
  | { readonly kind: "connection"; readonly state: ConnectionState }
  | {
    readonly kind: "warning";
    readonly what: WarningKind;
    readonly words: string;
    readonly conversation?: ConversationId;
    readonly account?: AccountId;
    readonly device?: DeviceId;
  }
  /** Messages that can never be shown. No conversation: the server dropped them from our queue. */
  | { readonly kind: "gap"; readonly conversation?: ConversationId; readonly count: number };

export interface Me {
  readonly account: AccountId;
  readonly device: DeviceId;
  readonly username: string;
  readonly fullName: string;
}

export interface MessagesOptions {
  /** A message's `order`; only older ones are listed. */
  readonly before?: string;
  /** Default 50, at most 500. */
  readonly limit?: number;
}

/** A device without a face. Every call may be made at any time; changes pass one queue inside. */
export interface Engine {
  readonly me: Me;
  readonly connection: ConnectionState;
  /** Connects and stays connected until `close`. */
  connect(): void;
  /** Returns the way to stop listening. Listeners are called after the change is on disk. */
  on(listener: (event: EngineEvent) => void): () => void;
  startConversation(username: string): Promise<Outcome<Conversation>>;
  /** Newest first. */
  conversations(): Promise<Conversation[]>;
  /** The newest `limit` messages before `before`, oldest first. */
  messages(conversation: ConversationId, options?: MessagesOptions): Promise<Message[]>;
  /**
   * Resolves when the message is on this device's disk; "sent" comes as a state event.
   * `id`: chosen by the caller, so that asking again after a lost answer sends nothing twice.
   */
  send(conversation: ConversationId, text: string, id?: MessageId): Promise<Outcome<Message>>;
  /** Sends a "not sent" message again. */
  retry(conversation: ConversationId, message: MessageId): Promise<Outcome<Message>>;
  markRead(conversation: ConversationId): Promise<void>;
  safetyNumber(
    account: AccountId,
  ): Promise<Outcome<{ readonly number: string; readonly state: Verification }>>;
  setVerified(account: AccountId, verified: boolean): Promise<Outcome<Conversation>>;
  /** Takes a changed key as this person's new one; it is then unverified. */
  acceptChange(account: AccountId): Promise<Outcome<Conversation>>;
  devices(): Promise<OwnDevice[]>;
  close(): Promise<void>;
}

/** The store holds no device keys: sign up or sign in first. */
export class NoDevice extends Error {
  override readonly name = "NoDevice";
  constructor(readonly reason: "none" | "restored" = "none") {
    super(
      reason === "none" ? "this store has no device" : "this store was restored from an old copy",
    );
  }
}

/** Makes a refusal. */
export function refused(
  code: Refusal,
  words: string,
  retryAfter?: number,
): Outcome<never> {
  return retryAfter === undefined
    ? { ok: false, code, words }
    : { ok: false, code, words, retryAfter };
}

/** Makes a success. */
export function done<T>(value: T): Outcome<T> {
  return { ok: true, value };
}
