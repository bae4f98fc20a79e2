/** The layouts of the items that a device sends. */
import { FormatError } from "./errors.ts";
import { between, type FrameReader, type FrameWriter } from "./frame_bytes.ts";
import {
  type Addressed,
  type ClientItem,
  type Destination,
  type Hello,
  INCARNATION_BYTES,
  MAX_DESTINATIONS,
  type Submit,
} from "./frame_items.ts";
import { ID_BYTES, idFrom } from "./ids.ts";
import { MAX_DEVICES } from "./limits.ts";

/** Type bytes, server-bound. */
export const CLIENT_TYPES = {
  "hello": 1,
  "submit": 2,
  "ack": 3,
  "ping": 4,
  "submit-to-room": 5,
} as const;
const FRAME_VERSION = 1;

/** Writes the body of an item. */
export function writeClient(out: FrameWriter, item: ClientItem): void {
  switch (item.type) {
    case "hello":
      out.u8(FRAME_VERSION);
      out.bytes(item.previous, INCARNATION_BYTES);
      out.bytes(item.next, INCARNATION_BYTES);
      return out.u16(item.windowSize);
    case "submit":
      return writeSubmit(out, item);
    case "submit-to-room":
      out.u32(item.ref);
      out.id(item.submit);
      return out.bytes(item.envelope, item.envelope.length);
    case "ack":
      return out.u64(item.position);
    case "ping":
      return;
  }
}

function writeSubmit(out: FrameWriter, item: Submit): void {
  out.u32(item.ref);
  out.id(item.submit);
  out.u8(item.destinations.length);
  for (const { account, listVersion, envelopes } of item.destinations) {
    out.id(account);
    out.u32(listVersion);
    out.u8(envelopes.length);
    for (const { device, envelope } of envelopes) {
      out.id(device);
      out.block(envelope);
    }
  }
}

/** Makes the id of 16 bytes: `idFrom`, or one who remembers those that come again. */
export type IdOf = typeof idFrom;

/** Reads the body of an item of this type. */
export function readClient(type: number, body: FrameReader, idOf: IdOf): ClientItem {
  switch (type) {
    case CLIENT_TYPES.hello:
      return readHello(body);
    case CLIENT_TYPES.submit:
      return readSubmit(body, idOf);
    case CLIENT_TYPES["submit-to-room"]: {
      const [ref, submit] = [body.u32(), body.id<"submit">()];
      return { type: "submit-to-room", ref, submit, envelope: body.rest() };
    }
    case CLIENT_TYPES.ack:
      return { type: "ack", position: body.u64() };
    case CLIENT_TYPES.ping:
      return { type: "ping" };
    default:
      throw new FormatError("unknown item");
  }
}

function readHello(body: FrameReader): Hello {
  if (body.u8() !== FRAME_VERSION) throw new FormatError("unknown version");
  const [previous, next] = [body.bytes(INCARNATION_BYTES), body.bytes(INCARNATION_BYTES)];
  const windowSize = body.u16();
  if (windowSize === 0) throw new FormatError("window of nothing");
  return { type: "hello", previous, next, windowSize };
}

function readSubmit(body: FrameReader, idOf: IdOf): Submit {
  const [ref, submit] = [body.u32(), body.id<"submit">()];
  const count = between(body.u8(), 1, MAX_DESTINATIONS, "destinations");
  const destinations: Destination[] = [];
  while (destinations.length < count) destinations.push(readDestination(body, idOf));
  if (count === 2 && destinations[0]!.account === destinations[1]!.account) {
    throw new FormatError("one account twice");
  }
  return { type: "submit", ref, submit, destinations };
}

function readDestination(body: FrameReader, idOf: IdOf): Destination {
  const [account, listVersion] = [idOf<"account">(body.view(ID_BYTES)), body.u32()];
  const count = between(body.u8(), 0, MAX_DEVICES, "envelopes");
  const envelopes: Addressed[] = [];
  while (envelopes.length < count) {
    envelopes.push({ device: idOf<"device">(body.view(ID_BYTES)), envelope: body.block() });
  }
  return { account, listVersion, envelopes };
}
