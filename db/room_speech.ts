/** Who may speak in a room, and who hears it: what the queue asks of rooms, within its transactions. */
import type { DatabaseSync } from "node:sqlite";
import type { AccountId, DeviceId, RoomId } from "../protocol/ids.ts";
import {
  compareHeads,
  findSpeaker,
  type RoomDevice,
  roomRecipients,
  type RoomState,
} from "../protocol/room_state.ts";
import type { RoomSubmissionWork } from "./queue_work.ts";
import { roomRows } from "./rooms.ts";

/** `stale`: the log is at `seq`, or the sender has another one. */
export type RoomVerdict =
  | { readonly kind: "ok"; readonly recipients: readonly RoomDevice[] }
  | { readonly kind: "stale"; readonly seq: number }
  | { readonly kind: "unknown" };

/** Rooms remembered: a full one is about 100 KiB. */
const MAX_REMEMBERED = 256;

/** See the head of this file. */
export class RoomSpeech {
  readonly #rows;
  readonly #states = new Map<RoomId, RoomState>();

  constructor(db: DatabaseSync) {
    this.#rows = roomRows(db);
  }

  /** Judges one message by the room as it stands in this transaction. */
  judge({ account, device, room, head }: RoomSubmissionWork): RoomVerdict {
    const state = this.#state(room);
    if (state === null || !maySpeak(state, account, device)) return { kind: "unknown" };
    if (compareHeads(state, head) !== "same") return { kind: "stale", seq: state.seq };
    return { kind: "ok", recipients: roomRecipients(state, device) };
  }

  /** A log only grows, so a state is right as long as its seq is. */
  #state(room: RoomId): RoomState | null {
    const seq = this.#rows.seq(room);
    const known = this.#states.get(room);
    if (known?.seq === seq) return known ?? null;
    const state = seq === null ? null : this.#rows.state(room);
    if (this.#states.size >= MAX_REMEMBERED) this.#states.clear();
    if (state !== null) this.#states.set(room, state);
    return state;
  }
}

function maySpeak(room: RoomState, account: AccountId, device: DeviceId): boolean {
  return !room.ended && findSpeaker(room, account, device) !== null;
}
