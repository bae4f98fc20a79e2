/** The layouts of the items that the server sends. */
import { FormatError } from "./errors.ts";
import { between, type FrameReader, type FrameWriter } from "./frame_bytes.ts";
import {
  type Deliver,
  MAX_DESTINATIONS,
  type News,
  type Refusal,
  type ServerItem,
  type SignedEntry,
  type StaleList,
  type StoredDeliver,
} from "./frame_items.ts";
import { ID_BYTES } from "./ids.ts";
import { SIGNATURE_BYTES } from "./limits.ts";

/** Type bytes, device-bound. */
export const SERVER_TYPES = {
  welcome: 1,
  deliver: 2,
  stored: 2,
  accepted: 3,
  refused: 4,
  notice: 5,
  pong: 6,
} as const;
const REFUSALS = {
  "stale": 1,
  "full": 2,
  "rate": 3,
  "unknown-recipient": 4,
  "too-large": 5,
  "unavailable": 6,
  "stale-room": 7,
  "unknown-room": 8,
} as const;
const NEWS = {
  "list-changed": 1,
  "prekeys-low": 2,
  "gap": 3,
  "signed-out": 4,
  "room-changed": 5,
} as const;

/** Writes the body of an item. */
export function writeServer(out: FrameWriter, item: ServerItem | StoredDeliver): void {
  switch (item.type) {
    case "stored":
      out.u64(item.position);
      out.bytes(item.sender, 2 * ID_BYTES);
      out.u32(item.minute);
      return out.bytes(item.envelope, item.envelope.length);
    case "welcome":
      out.u8(item.restored ? 1 : 0);
      out.u32(item.queued);
      return out.u32(item.gaps);
    case "deliver":
      out.u64(item.position);
      out.id(item.account);
      out.id(item.device);
      out.u32(item.minute);
      return out.bytes(item.envelope, item.envelope.length);
    case "accepted":
      return out.u32(item.ref);
    case "refused":
      out.u32(item.ref);
      return writeRefusal(out, item.refusal);
    case "notice":
      return writeNews(out, item.news);
    case "pong":
      return;
  }
}

function writeRefusal(out: FrameWriter, refusal: Refusal): void {
  out.u8(REFUSALS[refusal.code]);
  switch (refusal.code) {
    case "stale":
      out.u8(refusal.lists.length);
      return refusal.lists.forEach((list) => writeStaleList(out, list));
    case "rate":
    case "unavailable":
      return out.u32(refusal.retryAfter);
    case "unknown-recipient":
      return out.id(refusal.account);
    case "stale-room":
      out.id(refusal.room);
      return out.u32(refusal.seq);
    case "unknown-room":
      return out.id(refusal.room);
    default:
      return;
  }
}

function writeStaleList(out: FrameWriter, { account, version, entries }: StaleList): void {
  out.id(account);
  out.u32(version);
  out.u16(entries.length);
  for (const { body, signature } of entries) {
    out.block(body);
    out.bytes(signature, SIGNATURE_BYTES);
  }
}

function writeNews(out: FrameWriter, news: News): void {
  out.u8(NEWS[news.kind]);
  switch (news.kind) {
    case "list-changed":
      out.id(news.account);
      return out.u32(news.version);
    case "prekeys-low":
      out.u32(news.oneTime);
      return out.u32(news.kem);
    case "gap":
      return out.u32(news.gaps);
    case "room-changed":
      out.id(news.room);
      return out.u32(news.seq);
    case "signed-out":
      return;
  }
}

/** Reads the body of an item of this type. */
export function readServer(type: number, body: FrameReader): ServerItem {
  switch (type) {
    case SERVER_TYPES.welcome: {
      const restored = between(body.u8(), 0, 1, "restored") === 1;
      return { type: "welcome", restored, queued: body.u32(), gaps: body.u32() };
    }
    case SERVER_TYPES.deliver:
      return readDeliver(body);
    case SERVER_TYPES.accepted:
      return { type: "accepted", ref: body.u32() };
    case SERVER_TYPES.refused:
      return { type: "refused", ref: body.u32(), refusal: readRefusal(body) };
    case SERVER_TYPES.notice:
      return { type: "notice", news: readNews(body) };
    case SERVER_TYPES.pong:
      return { type: "pong" };
    default:
      throw new FormatError("unknown item");
  }
}

function readDeliver(body: FrameReader): Deliver {
  const position = body.u64();
  const [account, device] = [body.id<"account">(), body.id<"device">()];
  return { type: "deliver", position, account, device, minute: body.u32(), envelope: body.rest() };
}

function readRefusal(body: FrameReader): Refusal {
  const code = body.u8();
  switch (code) {
    case REFUSALS.stale: {
      const count = between(body.u8(), 1, MAX_DESTINATIONS, "stale lists");
      return { code: "stale", lists: Array.from({ length: count }, () => readStaleList(body)) };
    }
    case REFUSALS.full:
      return { code: "full" };
    case REFUSALS.rate:
      return { code: "rate", retryAfter: body.u32() };
    case REFUSALS["unknown-recipient"]:
      return { code: "unknown-recipient", account: body.id() };
    case REFUSALS["too-large"]:
      return { code: "too-large" };
    case REFUSALS.unavailable:
      return { code: "unavailable", retryAfter: body.u32() };
    case REFUSALS["stale-room"]:
      return { code: "stale-room", room: body.id(), seq: body.u32() };
    case REFUSALS["unknown-room"]:
      return { code: "unknown-room", room: body.id() };
    default:
      throw new FormatError("unknown refusal");
  }
}

function readStaleList(body: FrameReader): StaleList {
  const [account, version, count] = [body.id<"account">(), body.u32(), body.u16()];
  const entries: SignedEntry[] = [];
  // Not by Array.from: a hostile count must fail at the first missing byte, not after 65,535 slots.
  while (entries.length < count) {
    entries.push({ body: new Uint8Array(body.block()), signature: body.bytes(SIGNATURE_BYTES) });
  }
  return { account, version, entries };
}

function readNews(body: FrameReader): News {
  const kind = body.u8();
  switch (kind) {
    case NEWS["list-changed"]:
      return { kind: "list-changed", account: body.id(), version: body.u32() };
    case NEWS["prekeys-low"]:
      return { kind: "prekeys-low", oneTime: body.u32(), kem: body.u32() };
    case NEWS.gap:
      return { kind: "gap", gaps: body.u32() };
    case NEWS["room-changed"]:
      return { kind: "room-changed", room: body.id(), seq: body.u32() };
    case NEWS["signed-out"]:
      return { kind: "signed-out" };
    default:
      throw new FormatError("unknown news");
  }
}
