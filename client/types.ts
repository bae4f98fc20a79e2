/**
 * The engine's outside: what the page, the terminal and tests see of a device. Everything here is
 * plain structured-cloneable values, so that a second tab can ask over a BroadcastChannel.
 */
import { SnugError } from "../protocol/errors.ts";
import type { AccountId, DeviceId, MessageId, RoomId } from "../protocol/ids.ts";
import type { Outcome } from "./outcome.ts";

export * from "./outcome.ts";

/**
 * A conversation's id: for people, the other person's account id; for rooms, the room's id, which is drawn from the
 * same 16 random bytes.
 */
export type ConversationId = AccountId;

export type Verification = "unverified" | "verified" | "changed";
export type MessageState = "sending" | "sent" | "delivered" | "read" | "not sent";
export type ConnectionState =
  | "connecting"
  | "online"
  | "offline"
  | "signed-out"
  | "restored"
  /** Another device of the account has removed this one: everything in its store is erased. */
  | "removed";

/**
 * What a system line in a conversation is about; `text` beside it already says it in words.
 * "missing" is a counted gap.
 */
export type LineKind =
  | "new-device"
  | "device-removed"
  | "key-changed"
  | "key-accepted"
  | "missing"
  /** Somebody goes by another full name. */
  | "name-changed"
  /** Something that the room's log says: who came, went, was sent away, what changed. */
  | "room"
  /** Something about the room that people should look at: two versions of it, a removal that did not arrive. */
  | "room-warning";

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
  /**
   * In a room: what people call the sender, of whom nobody else here may know. Absent for somebody who was never
   * looked up.
   */
  readonly sender?: string;
  readonly mine: boolean;
  /** In a room, of somebody else: has "@username" of this account in it. */
  readonly mention?: true;
  /** In a room: of somebody whom this account has blocked. Shown only when it is asked for. */
  readonly blocked?: true;
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

/** What a conversation's row in the list shows of its newest message. */
export interface LastMessage {
  readonly text: string;
  readonly time: number;
  readonly mine: boolean;
  /** In a room: what people call the sender, if anybody knows. */
  readonly sender?: string;
}

interface AnyConversation {
  readonly id: ConversationId;
  readonly title: string;
  readonly last?: LastMessage;
  readonly unread: number;
  /** Counted, but nothing rings or shows outside the list; in a room not even a mention. */
  readonly muted: boolean;
  /** Sorts the list, newest last (code-unit order). */
  readonly order: string;
}

export interface PersonConversation extends AnyConversation {
  readonly kind: "person";
  readonly username: string;
  readonly account: AccountId;
  readonly verification: Verification;
  /**
   * We started it, took it or have answered: receipts are sent. A stranger's first words are not accepted: they are a
   * request, and the stranger sees no more than "sent".
   */
  readonly accepted: boolean;
  /** Nothing of theirs is shown and nothing is sent to them. */
  readonly blocked: boolean;
}

export interface RoomConversation extends AnyConversation {
  readonly kind: "room";
  /** The same 22 characters as `id`. `title` is the room's name, empty until this device has its code. */
  readonly room: RoomId;
  readonly topic: string;
  readonly picture: Uint8Array | null;
  /** How many are in it, those who wait for approval not counted. */
  readonly members: number;
  /** Those who wait for approval; 0 for whoever may not approve. */
  readonly waiting: number;
  /** Unread messages with "@username" of this account in them. */
  readonly mentions: number;
  /** One's own; null once out of it. */
  readonly role: Role | null;
  /** Why nothing is sent here any more. */
  readonly stopped: RoomStop | null;
  /**
   * Somebody with whom this account has no conversation has added it, and nobody here has said yes: nothing is sent,
   * no key and no answer, until somebody does, by {@link RoomsEngine.acceptRoom} or by writing. Or leaves.
   */
  readonly accepted: boolean;
}

export type Conversation = PersonConversation | RoomConversation;

/** `waiting`: has the code and waits for approval. Each role may do what those before it may. */
export type Role = "waiting" | "member" | "moderator" | "owner";
/**
 * `fork`: its log exists in two versions. `left`: this account is out of it. `ended`: it was deleted, or everybody
 * left.
 */
export type RoomStop = "fork" | "left" | "ended";
/** Who may come in with the code: anybody, whom a moderator approves, nobody. */
export type Newcomers = "open" | "approve" | "closed";

/** Somebody in a room. */
export interface Member {
  readonly account: AccountId;
  /** Null for somebody who was not looked up yet. */
  readonly username: string | null;
  readonly fullName: string | null;
  readonly role: Role;
  /** One's own row says "verified". */
  readonly verification: Verification;
  /** What they say in rooms is folded away. */
  readonly blocked?: true;
  readonly you: boolean;
}

/** A room as it is known here. */
export interface Room {
  readonly id: RoomId;
  /** For `send`, `messages`, `markRead`, `retry`, `mute`. */
  readonly conversation: ConversationId;
  /** Empty until a member has told this device the room's code; topic and picture likewise. */
  readonly name: string;
  readonly topic: string;
  /** PNG, JPEG or WebP, at most 3,072 bytes. Another member chose it: hostile like any content. */
  readonly picture: Uint8Array | null;
  /** `XXXX-XXXX-XXXX-XXXX`; null until a member has told it. */
  readonly code: string | null;
  readonly newcomers: Newcomers;
  /** In the order in which they came, without those who wait. */
  readonly members: readonly Member[];
  readonly waiting: readonly Member[];
  /** One's own; null once out of it. */
  readonly role: Role | null;
  /** Why nothing is sent here any more. */
  readonly stopped: RoomStop | null;
}

/** What a code opens, before joining. Nobody hears of the look. */
export interface RoomPreview {
  readonly name: string;
  readonly topic: string;
  readonly picture: Uint8Array | null;
  /** How many are in it. */
  readonly members: number;
  /** Those of them who are known on this device already. */
  readonly known: readonly { readonly username: string; readonly fullName: string }[];
  readonly newcomers: Newcomers;
  /** The room, when this account is in it (or waits for approval). */
  readonly alreadyIn: RoomId | null;
}

/**
 * Rooms. What changes the log answers with the room as it is then; an entry that came second is signed again on
 * top of the other, or refused with words when it makes no sense any more.
 */
export interface RoomsEngine {
  createRoom(name: string): Promise<Outcome<Room>>;
  /** Reads a room by its code or link, without a trace in it. */
  previewRoom(code: string): Promise<Outcome<RoomPreview>>;
  joinRoom(code: string): Promise<Outcome<Room>>;
  /** The room as it is known here; members not met yet are looked up first. */
  room(room: RoomId): Promise<Outcome<Room>>;
  rooms(): Promise<Room[]>;
  /** Lets a contact in, who is told the code; they are in at once and may leave. */
  addMember(room: RoomId, username: string): Promise<Outcome<Room>>;
  leaveRoom(room: RoomId): Promise<Outcome<Room>>;
  /** Out, with a new code for those who stay. May come back with that code. */
  removeMember(room: RoomId, username: string): Promise<Outcome<Room>>;
  /** As `removeMember`, for good: also somebody who has left already, by username. */
  banMember(room: RoomId, username: string): Promise<Outcome<Room>>;
  setRole(room: RoomId, username: string, role: Exclude<Role, "waiting">): Promise<Outcome<Room>>;
  renameRoom(room: RoomId, name: string): Promise<Outcome<Room>>;
  setTopic(room: RoomId, topic: string): Promise<Outcome<Room>>;
  /** PNG, JPEG or WebP of at most 3,072 bytes; null for none. */
  setPicture(room: RoomId, picture: Uint8Array | null): Promise<Outcome<Room>>;
  rotateCode(room: RoomId): Promise<Outcome<Room>>;
  setNewcomers(room: RoomId, newcomers: Newcomers): Promise<Outcome<Room>>;
  approve(room: RoomId, username: string): Promise<Outcome<Room>>;
  decline(room: RoomId, username: string): Promise<Outcome<Room>>;
  /** Deletes the room: nobody writes there any more. Owners only. */
  endRoom(room: RoomId): Promise<Outcome<Room>>;
  /** Says yes to a room that a stranger has added this account to. */
  acceptRoom(room: RoomId): Promise<Outcome<Room>>;
}

/** Somebody whom this account has blocked. */
export interface Blocked {
  readonly account: AccountId;
  readonly username: string;
  readonly fullName: string;
}

/** Somebody who wants to be found by name, says the server. */
export type Found = Omit<Blocked, "account">;

/** Strangers who write, people one wants to hear nothing of, and people who want to be found. */
export interface PeopleEngine {
  /** Takes a stranger's request: from now on they see what arrived and what was read. */
  accept(account: AccountId): Promise<Outcome<PersonConversation>>;
  /** Also a room's member with whom there is no conversation. Nobody tells them. */
  block(account: AccountId): Promise<Outcome<null>>;
  /** What they wrote meanwhile is gone, but for rooms. */
  unblock(account: AccountId): Promise<Outcome<null>>;
  blocked(): Promise<Blocked[]>;
  /** People who let themselves be found, by the beginnings of their names; at most 20. */
  find(words: string): Promise<Outcome<Found[]>>;
}

/** One device of one's own account. */
export interface OwnDevice {
  readonly device: DeviceId;
  readonly kind: "browser" | "terminal";
  /** Days since 1970. */
  readonly made: number;
  /** As its owner called it; empty for none. What the server says, like `seen`. */
  readonly name: string;
  /** The day it was last here, since 1970; null when that is not known. */
  readonly seen: number | null;
  readonly current: boolean;
}

export type WarningKind =
  | "key-changed"
  | "new-device"
  | "own-new-device"
  | "own-device-gone"
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
  | "room-removal"
  | "server-id-changed"
  | "history-conflict"
  | "history-incomplete";

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

/** A device of one's own that nobody here has spoken about, and what to ask. */
export interface OwnAlarm {
  readonly device: DeviceId;
  readonly words: string;
  /** It is in the list no more. */
  readonly gone: boolean;
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
  readonly rooms: RoomsEngine;
  readonly people: PeopleEngine;
  startConversation(username: string): Promise<Outcome<PersonConversation>>;
  /** People and rooms, newest first. */
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
  /** On this device only. */
  mute(conversation: ConversationId, muted: boolean): Promise<Outcome<Conversation>>;
  safetyNumber(
    account: AccountId,
  ): Promise<Outcome<{ readonly number: string; readonly state: Verification }>>;
  setVerified(account: AccountId, verified: boolean): Promise<Outcome<PersonConversation>>;
  /**
   * Takes a changed key as this person's new one; it is then unverified. `number` is the safety number that the person
   * has seen: another key, come meanwhile, is not taken.
   */
  acceptChange(account: AccountId, number: string): Promise<Outcome<PersonConversation>>;
  devices(): Promise<OwnDevice[]>;
  /** Devices that were added to the account and that nobody here has spoken about: by `acceptDevice` or `revokeDevice`. */
  alarms(): Promise<OwnAlarm[]>;
  /** The person says that they added it. */
  acceptDevice(device: DeviceId): Promise<void>;
  renameDevice(device: DeviceId, name: string): Promise<Outcome<OwnDevice[]>>;
  /**
   * Removes a device of one's own for good: it gets nothing any more and erases what it has. Removing the
   * device itself erases this store; the connection is then "removed".
   */
  revokeDevice(device: DeviceId): Promise<Outcome<OwnDevice[]>>;
  close(): Promise<void>;
}

const NO_DEVICE = {
  none: "this store has no device",
  restored: "this store was restored from an old copy",
  wiped: "a part of this store is gone",
} as const;

/** The store holds no device keys: sign up or sign in first. */
export class NoDevice extends SnugError {
  static override readonly kind = "NoDevice";
  constructor(readonly reason: "none" | "restored" | "wiped" = "none") {
    super(NO_DEVICE[reason]);
  }
}
