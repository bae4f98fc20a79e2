/** What the engine keeps in each table: one type a table, and where its rows are. */
import type { DeviceList } from "../protocol/bundle.ts";
import type { Bytes } from "../protocol/encoding.ts";
import type { Destination } from "../protocol/frame.ts";
import type { AccountId, DeviceId, MessageId, RoomId } from "../protocol/ids.ts";
import type { SessionId, SubmitId } from "../protocol/ids.ts";
import type { SenderKeyId } from "../protocol/room_envelope.ts";
import type { ContentBody } from "./content.ts";
import type { SessionFacts } from "../crypto/session_choice.ts";
import type { ConversationId, LastMessage, Me, Message } from "./types.ts";

/**
 * "meta": single values by name.
 *
 * - `me`: MeRecord
 * - `before`: Before, while a device is being put in the place of another
 * - `incarnation`: Incarnation
 * - `order`: number, the last order key given out
 * - `gaps`: number, the server's running count of envelopes this device never got
 * - `login`: string, a terminal's bearer login
 * - `set-aside`: number, envelopes put into quarantine since the beginning
 * - `receipt/STATE/CONVERSATION`: the order key of the receipt that more ids can be added to
 *
 * "device": `keys`: DeviceKeys; `counters`: PrekeyCounters; `upload`: PrekeyUpload not yet confirmed;
 * `named`: NamedHead, the list that the newest bundle names.
 * "prekeys": StoredPrekey by kind and id.
 */
export const META = {
  me: "me",
  before: "before",
  incarnation: "incarnation",
  gaps: "gaps",
  login: "login",
  setAside: "set-aside",
} as const;

export interface MeRecord extends Me {
  readonly kind: "browser" | "terminal";
  /** "pending": the server has not confirmed this device yet. "restored", "wiped": never to be used again. */
  readonly state: "pending" | "active" | "restored" | "wiped";
}

/** Who the store was before a device that the server may not have taken, and the own list as it was then. */
export interface Before {
  readonly me: MeRecord;
  readonly own: Contact | null;
}

/** protocol.md: swapped with the server at each connect; `next` is on disk before it is sent. */
export interface Incarnation {
  readonly previous: Bytes;
  readonly next: Bytes | null;
}

/** "accounts": by account id, one's own too. */
export interface Contact {
  readonly account: AccountId;
  readonly username: string;
  readonly fullName: string;
  /** The verified list that messages are encrypted for. */
  readonly list: DeviceList;
  /** The highest version that this account's own devices have named: an older one is a rollback. */
  readonly required: number;
  /** The device that named `required`. Once it is off the list, what it named counts no more. */
  readonly requiredBy?: DeviceId;
  /** The person has compared the safety number of `list.aik`. */
  readonly verified: boolean;
  /** Nothing of theirs is shown and nothing is sent to them. */
  readonly blocked?: boolean;
  /** When the person last decided about either, on whichever device. Milliseconds since 1970. */
  readonly decided?: number;
  /** A list under another account key, seen but not accepted: nothing is sent meanwhile. */
  readonly changed: DeviceList | null;
  /** What the last rollback or fork warning was about, so that it is said once. */
  readonly warned: string | null;
}

/** "conversations": by conversation id. */
export interface ConversationRecord {
  readonly id: ConversationId;
  readonly accepted: boolean;
  readonly unread: number;
  readonly last: LastMessage | null;
  readonly order: string;
  /** Messages whose receipt waits until the conversation is accepted; the newest 200. */
  readonly owed: readonly MessageId[];
  /** Messages not yet read here, whose senders will hear of it; the newest 200. */
  readonly unseen: readonly MessageId[];
  /** Unread messages of a room that name this account. Absent in records from before there were any. */
  readonly mentions?: number;
  readonly muted?: boolean;
}

/** "messages": by `conversation/order`. */
export type MessageRecord = Message;

/** "sessions", `session/ID`: SessionState; `peer/ACCOUNT/DEVICE`: which sessions there are with a device, and how they fare. */
export interface PeerDevice {
  readonly account: AccountId;
  readonly device: DeviceId;
  readonly sessions: readonly SessionFacts[];
  /** When openings of this device were taken in the last hour. */
  readonly openings: readonly number[];
  readonly healing: Healing;
}

/** protocol.md "Healing": counts unknown session ids, never failed tags. */
export interface Healing {
  /** Unknown session ids seen since the last healing; the newest 5. */
  readonly unknown: readonly SessionId[];
  /** Envelopes under such ids since the last healing. */
  readonly count: number;
  /** Healings so far and the time of the last: the next waits 1 h, 4 h, then 24 h. */
  readonly healings: number;
  readonly at: number;
}

/**
 * "outbox": `wait/ORDER` in the order of sending, removed once the server has committed it;
 * `parked/ID` when it was set aside with words until the person tries again.
 */
export interface OutboxRecord {
  readonly order: string;
  readonly id: MessageId;
  readonly conversation: ConversationId;
  readonly body: ContentBody;
  readonly time: number;
  /** Also for one's own other devices. */
  readonly copy: boolean;
  /** For these devices of the account only; the others are skipped. */
  readonly only?: readonly DeviceId[];
  /** A room's message: one envelope for all of it. */
  readonly room?: RoomId;
  /** Null until encrypted. The same bytes are sent again and again, never encrypted again. */
  readonly sealed: Sealed | null;
}

export interface Sealed {
  readonly submit: SubmitId;
  readonly destinations: readonly Destination[];
  /** A room's message, in place of destinations. */
  readonly envelope?: Bytes;
  /** The sender key as it stood before, until the server has answered. */
  readonly before?: { readonly id: SenderKeyId; readonly next: number; readonly chainKey: Bytes };
}

/** "seen", `set-aside/ORDER`: an envelope that could not be used, and why. */
export interface SetAside {
  readonly reason: string;
  /** Who sent it, says the server. */
  readonly account: AccountId;
  readonly device: DeviceId;
  readonly at: number;
  readonly bytes: number;
}

/** "seen", `message/ACCOUNT/ID`: where a message is; "seen", `opening/SESSION`: a handshake that was taken. */
export interface SeenMessage {
  readonly conversation: ConversationId;
  readonly order: string;
}

export interface SeenOpening {
  /** The signed prekey it used; forgotten together with that key's private half. */
  readonly signed: number;
}

/** "seen", `missing/ACCOUNT/DEVICE`: lines about missing messages of a device that may still come; newest last. */
export interface MissingLine {
  readonly conversation: ConversationId;
  /** Where the line is. */
  readonly order: string;
  readonly count: number;
  /** Those that have not come since; at least 1. */
  readonly left: number;
}

/** Where rows are. Ids have no slash in them, so keys cannot collide. */
export const keys = {
  message: (conversation: ConversationId, order: string) => `${conversation}/${order}`,
  messagesOf: (conversation: ConversationId) => `${conversation}/`,
  session: (session: SessionId) => `session/${session}`,
  peer: (account: AccountId, device: DeviceId) => `peer/${account}/${device}`,
  peersOf: (account: AccountId) => `peer/${account}/`,
  waiting: (order: string) => `wait/${order}`,
  parked: (id: MessageId) => `parked/${id}`,
  receipt: (state: string, conversation: ConversationId) => `receipt/${state}/${conversation}`,
  prekey: (kind: string, id: number) => `${kind}/${String(id).padStart(10, "0")}`,
  seenMessage: (sender: AccountId, id: MessageId) => `message/${sender}/${id}`,
  seenOpening: (session: SessionId) => `opening/${session}`,
  seenEnvelope: (week: number, salt: string) => `envelope/${String(week).padStart(6, "0")}/${salt}`,
  missing: (account: AccountId, device: DeviceId) => `missing/${account}/${device}`,
  setAside: (order: string) => `set-aside/${order}`,
} as const;
