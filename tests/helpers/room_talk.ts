/** Devices that talk in a test room: sender keys given out and messages passed by hand. */
import { encryptForRoom, openRoomMessage, type RoomOpened } from "../../crypto/room_cipher.ts";
import { acceptSenderKey, giveSenderKey, makeSenderKey } from "../../crypto/sender_key.ts";
import {
  missingRecipients,
  type OwnSenderKey,
  type PeerSenderKey,
} from "../../crypto/sender_key.ts";
import { renewReason, type SenderKeyMessage } from "../../crypto/sender_key.ts";
import { type Bytes, fromUtf8, utf8 } from "../../protocol/encoding.ts";
import type { DeviceId } from "../../protocol/ids.ts";
import { type RoomDevice, roomRecipients, type RoomState } from "../../protocol/room.ts";
import { decodeRoomEnvelope } from "../../protocol/room_envelope.ts";
import type { Owner } from "./owners.ts";
import { idOf, NOW } from "./room_world.ts";

/** A key on its way to some devices. */
export interface Given {
  readonly message: SenderKeyMessage;
  readonly to: readonly DeviceId[];
}

/** One device in one room. */
export class Speaker {
  own: OwnSenderKey | null = null;
  /** Sender keys of others, by device. */
  readonly keys = new Map<DeviceId, readonly PeerSenderKey[]>();
  /** Why the last message needed a fresh key, or null. */
  renewed: ReturnType<typeof renewReason> = null;
  readonly name: { account: ReturnType<typeof idOf>; device: DeviceId };

  constructor(person: Owner, public room: RoomState, device = 0) {
    this.name = { account: idOf(person), device: person.devices[device]!.device };
  }

  /** Encrypts for everybody in the room: the envelope, and the key for those who lack it. */
  async send(text: string, now = NOW): Promise<{ envelope: Bytes; given: Given }> {
    const recipients = roomRecipients(this.room, this.name.device);
    this.renewed = renewReason(this.own, recipients, now);
    if (this.renewed) this.own = await makeSenderKey(this.room.id, "portable", now);
    const given = this.give(missingRecipients(this.own!, recipients));
    const sent = await encryptForRoom(this.own!, this.room, this.name, utf8(text));
    this.own = sent.own;
    return { envelope: sent.envelope, given };
  }

  /** The key as it stands, for these devices. */
  give(devices: readonly RoomDevice[]): Given {
    const { own, message } = giveSenderKey(this.own!, this.room, devices);
    this.own = own;
    return { message, to: devices.map(({ device }) => device) };
  }

  /** Takes a key as from the pairwise session with `from`; says what became of it. */
  learn(from: Speaker, message: SenderKeyMessage, now = NOW): string {
    const { device } = from.name;
    const before = this.keys.get(device) ?? [];
    const outcome = acceptSenderKey(this.room, before, from.name, message, now);
    if (outcome.kind === "accepted") this.keys.set(device, outcome.keys);
    return outcome.kind;
  }

  /** Opens a message; the text, or what came of it in place of one. */
  async hear(envelope: Bytes, now = NOW): Promise<string> {
    const opened = await this.open(envelope, now);
    return opened.kind === "content" ? fromUtf8(opened.content) : `(${opened.kind})`;
  }

  async open(envelope: Bytes, now = NOW): Promise<RoomOpened> {
    const parsed = decodeRoomEnvelope(envelope);
    const keys = this.keys.get(parsed.device) ?? [];
    const opened = await openRoomMessage(this.room, keys, parsed, now);
    if (opened.kind === "content") {
      this.keys.set(parsed.device, keys.map((one) => one.id === opened.key.id ? opened.key : one));
    }
    return opened;
  }
}

/** Sends `text` and hands key and envelope to everybody; what each of them made of it. */
export async function tell(
  from: Speaker,
  text: string,
  everybody: readonly Speaker[],
  now = NOW,
): Promise<{ envelope: Bytes; heard: string[] }> {
  const { envelope, given } = await from.send(text, now);
  const heard: string[] = [];
  for (const one of everybody) {
    if (given.to.includes(one.name.device)) one.learn(from, given.message, now);
    heard.push(await one.hear(envelope, now));
  }
  return { envelope, heard };
}
