/** One simulated device: the real frames, opaque envelopes, and as little work of its own as can be. */
import { encodeClientFrames, ITEM_HEAD_BYTES } from "../protocol/frame.ts";
import { risingId } from "../protocol/ids.ts";
import { MAX_FRAME_BYTES } from "../protocol/limits.ts";
import type { LoadPerson } from "./load_people.ts";
import { type LoadPlace, type LoadSocket, openLoadSocket } from "./load_socket.ts";
import type { LoadClient, Told } from "./load_target.ts";

/** Type bytes of docs/protocol.md "Frames", read here without making objects of them. */
const DELIVER = 2;
const ACCEPTED = 3;
const REFUSED = 4;
const WELCOME = 1;
/** Where a submission has its ref and its id. */
const REF_AT = ITEM_HEAD_BYTES;
const ID_AT = REF_AT + 4;

/** What a device is made of. */
export interface DeviceParts {
  readonly me: LoadPerson;
  readonly peer: LoadPerson;
  readonly place: Omit<LoadPlace, "authorization" | "path">;
  readonly envelopeBytes: number;
  /** Says everything it got back to the server; false lets its queue stay. */
  readonly acks: boolean;
  /** The incarnations of before and from now on: one device that connects again, not a copy of it. */
  readonly previous: Uint8Array<ArrayBuffer>;
  readonly next: Uint8Array<ArrayBuffer>;
}

/** Connects, says hello, and resolves when it is welcome. */
export async function openDevice(parts: DeviceParts, told: Told): Promise<LoadClient> {
  const welcome = Promise.withResolvers<void>();
  // A connection that ends before anybody waits for its welcome has been told about already.
  welcome.promise.catch(() => {});
  let socket: LoadSocket | null = null;
  const place = { ...parts.place, path: "/socket", authorization: parts.me.login };
  socket = await openLoadSocket(place, {
    message: (frame) => {
      const last = read(frame, told, welcome.resolve);
      if (last !== null && parts.acks) socket?.send(ack(last));
    },
    closed: () => {
      welcome.reject(new Error("closed before the welcome"));
      told.closed?.();
    },
  });
  socket.send(hello(parts));
  await welcome.promise;
  const submissions = template(parts);
  return {
    send: (count) => {
      for (const frame of submissions(count)) socket.send(frame);
    },
    close: () => socket.close(),
  };
}

function hello({ previous, next }: DeviceParts): Uint8Array {
  return encodeClientFrames([{ type: "hello", previous, next, windowSize: 2_048 }])[0]!;
}

/** Tells what a frame holds; the last position delivered in it, as its eight bytes. */
function read(frame: Uint8Array, told: Told, welcome: () => void): Uint8Array | null {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  let [accepted, delivered] = [0, 0];
  let last: Uint8Array | null = null;
  for (let at = 0; at < frame.length;) {
    const type = frame[at];
    const body = at + ITEM_HEAD_BYTES;
    if (type === DELIVER) {
      delivered++;
      last = frame.subarray(body, body + 8);
    } else if (type === ACCEPTED) accepted++;
    else if (type === REFUSED) told.refused?.();
    else if (type === WELCOME && frame[body] === 0) welcome();
    at = body + view.getUint32(at + 1);
  }
  if (accepted > 0) told.accepted(accepted);
  if (delivered > 0) told.delivered(delivered);
  return last;
}

function ack(position: Uint8Array): Uint8Array {
  const out = new Uint8Array(ITEM_HEAD_BYTES + 8);
  out[0] = 3;
  out[4] = 8;
  out.set(position, ITEM_HEAD_BYTES);
  return out;
}

/** Frames of so many submissions, each a copy of one whose ref and id count up. */
function template({ peer, envelopeBytes }: DeviceParts): (count: number) => Uint8Array[] {
  const envelope = crypto.getRandomValues(new Uint8Array(envelopeBytes));
  const destinations = [{
    account: peer.account,
    listVersion: 1,
    envelopes: [{ device: peer.device, envelope }],
  }];
  const submit = risingId<"submit">(Date.now());
  const [item] = encodeClientFrames([{ type: "submit", ref: 0, submit, destinations }]);
  const perFrame = Math.floor(MAX_FRAME_BYTES / item!.length);
  let number = 0;
  const frameOf = (count: number) => {
    const frame = new Uint8Array(count * item!.length);
    const view = new DataView(frame.buffer);
    for (let at = 0; at < frame.length; at += item!.length) {
      frame.set(item!, at);
      view.setUint32(at + REF_AT, ++number);
      // Ids rise on every connection, as those of our clients do.
      view.setUint32(at + ID_AT + 12, number);
    }
    return frame;
  };
  return (count) => {
    const frames: Uint8Array[] = [];
    for (let left = count; left > 0; left -= perFrame) {
      frames.push(frameOf(Math.min(left, perFrame)));
    }
    return frames;
  };
}
