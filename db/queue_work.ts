/** What the queue is asked for and what it answers. */
import type { Destination, Refusal } from "../protocol/frame.ts";
import type { AccountId, DeviceId, RoomId, SubmitId } from "../protocol/ids.ts";
import type { RoomHead } from "../protocol/room_state.ts";

/** A waiting envelope with what the server knows about it. */
export interface Queued {
  readonly position: number;
  /** Account id and device id of the sender, 16 bytes each. */
  readonly sender: Uint8Array;
  /** Minutes since 1970. */
  readonly minute: number;
  readonly envelope: Uint8Array;
}

/** How much may wait. */
export interface QueueLimits {
  /** Envelopes of one device. */
  readonly envelopes: number;
  /** Bytes of envelopes of one device. */
  readonly bytes: number;
  /** Envelopes of one sending account for one device. The device's own account is exempt. */
  readonly perSender: number;
  /** A full queue takes no more, or loses its oldest. Either way the loss is counted. */
  readonly overflow: "refuse" | "drop-oldest";
}

/** A device's login to its queue. */
export interface HelloWork {
  readonly device: DeviceId;
  /** 16 bytes each; see protocol/frame.ts. */
  readonly previous: Uint8Array;
  readonly next: Uint8Array;
}

/** Envelopes of one message. */
export interface SubmissionWork {
  readonly account: AccountId;
  readonly device: DeviceId;
  /** The same two as 32 bytes. */
  readonly sender: Uint8Array;
  readonly submit: SubmitId;
  readonly destinations: readonly Destination[];
}

/** One ciphertext for everybody in a room. */
export interface RoomSubmissionWork extends Omit<SubmissionWork, "destinations"> {
  readonly room: RoomId;
  /** The sender's head of the room's log. */
  readonly head: RoomHead;
  readonly envelope: Uint8Array;
}

/** Everything up to `position` is safe with the device. */
export interface AckWork {
  readonly device: DeviceId;
  readonly position: number;
}

/** The device has done something on a connection that began with this incarnation. */
export interface ConfirmWork {
  readonly device: DeviceId;
  /** 16 bytes: the `next` of its hello. */
  readonly incarnation: Uint8Array;
}

/** The work of one turn. Acks come first, then hellos, confirmations and submissions in order. */
export interface QueueBatch {
  /** Minutes since 1970. */
  readonly minute: number;
  readonly hellos: readonly HelloWork[];
  readonly confirms: readonly ConfirmWork[];
  readonly submissions: readonly (SubmissionWork | RoomSubmissionWork)[];
  readonly acks: readonly AckWork[];
}

/** `gone`: the device is no more. */
export type HelloResult =
  | {
    readonly kind: "welcome";
    readonly restored: boolean;
    readonly queued: number;
    readonly gaps: number;
  }
  | { readonly kind: "gone" };

/** An envelope that got a place in a queue. */
export interface Placed {
  readonly device: DeviceId;
  readonly position: number;
  readonly envelope: Uint8Array;
}

/** `accepted` without places: it was taken before. `gone`: the sending device is no more. */
export type SubmissionResult =
  | { readonly kind: "accepted"; readonly placed: readonly Placed[] }
  | { readonly kind: "refused"; readonly refusal: Refusal }
  | { readonly kind: "gone" };

/** What became of a batch, item by item. */
export interface QueueResults {
  readonly hellos: readonly HelloResult[];
  readonly submissions: readonly SubmissionResult[];
  /** Devices that lost something, and their new totals. */
  readonly gaps: ReadonlyMap<DeviceId, number>;
}

/** How much {@link QueueStore.read} may return; always at least one envelope if one waits. */
export interface ReadLimits {
  readonly envelopes: number;
  readonly bytes: number;
}

/** What a sweep of old rows did; `next` is where it goes on, null when it is through. */
export interface Sweep<C> {
  readonly removed: number;
  /** Devices that lost something, and their new totals. */
  readonly gaps: ReadonlyMap<DeviceId, number>;
  readonly next: C | null;
}

/** Where in the table of submissions a sweep is. */
export interface SubmitCursor {
  readonly sender: number;
  readonly submit: Uint8Array;
}

/** What waits in all queues together. */
export interface QueueDepth {
  readonly waiting: number;
  /** Minutes since 1970; null when nothing waits. */
  readonly oldestMinute: number | null;
}

/** Queues of all devices. */
export interface QueueStore {
  /** One transaction, on disk when it resolves. When it rejects, nothing of the batch happened. */
  commit(batch: QueueBatch): Promise<QueueResults>;
  /** What waits after `position`, in order. */
  read(device: DeviceId, position: number, limits: ReadLimits): Promise<Queued[]>;
  /**
   * Looks at `rows` envelopes from `from` on (0, then what the last answer says) and gives up those of
   * before `minute`, as gaps.
   */
  expireEnvelopes(minute: number, rows: number, from: number): Promise<Sweep<number>>;
  /** Looks at `rows` submissions from `from` on and forgets those of before `day`. */
  expireSubmits(
    day: number,
    rows: number,
    from: SubmitCursor,
  ): Promise<Sweep<SubmitCursor>>;
  /** Writes the log back into the database and cuts it to nothing, unless somebody reads. */
  checkpoint(): Promise<void>;
  /** Moves what is recent to the tables that others read. */
  settle(): Promise<void>;
  /**
   * Moves what was recent already when this was last asked, so that no ciphertext stays for long after
   * its device has it; cuts the log to nothing when there was any. Writes nothing otherwise.
   */
  tidy(): Promise<void>;
  depth(): Promise<QueueDepth>;
}
