/** A server that lies about rooms: stands between a device and the real server, and changes what either hears. */
import type { SocketHandlers } from "../../client/link.ts";
import type { HttpSend } from "../../client/transport.ts";
import { decode, encode } from "../../protocol/codec.ts";
import type { Bytes } from "../../protocol/encoding.ts";
import { decodeClientFrame, decodeServerFrame, encodeServerFrames } from "../../protocol/frame.ts";
import type { RoomId } from "../../protocol/ids.ts";
import { type AppendAnswer, appendAnswer, type LogAnswer } from "../../protocol/room_api.ts";
import { logAnswer, roomsAnswer } from "../../protocol/room_api.ts";
import {
  readRoomBody,
  type RoomBody,
  type RoomEntry,
  roomEntrySchema,
} from "../../protocol/room.ts";
import { envelopeKind } from "../../protocol/envelope.ts";
import type { Wrapping } from "./people_world.ts";

type Request = Parameters<HttpSend>[0];
type Response = Awaited<ReturnType<HttpSend>>;

/** What the server says about rooms. Each may be left as it is. */
export interface Lies {
  /** The log of a room, asked for by id (`since`) or by lookup id (null). */
  log?: (log: LogAnswer, since: number | null) => LogAnswer;
  /** The head of each room in the list of one's own. */
  head?: (room: RoomId, seq: number) => number;
  /** An entry that was to be appended: an answer in place of the server's, or null to pass it on. */
  append?: (entry: RoomEntry, body: RoomBody) => AppendAnswer | null;
  /** A request that gets no answer. */
  silent?: (request: Request) => boolean;
  /** A room message on its way to this device: what arrives in its place. */
  deliver?: (envelope: Bytes) => Bytes;
}

/** What a device sends, in clear as the server sees it. */
export interface Sent {
  /** Envelopes to rooms. */
  readonly toRooms: Bytes[];
  /** Accounts that pairwise envelopes were addressed to, in order. */
  readonly toAccounts: string[];
}

export function nothingSent(): Sent {
  return { toRooms: [], toAccounts: [] };
}

/** Puts the lies in the place of the truth, and writes down what is sent. */
export function lying(lies: Lies, sent: Sent = nothingSent()): Wrapping {
  return {
    send: (send) => async (request) => {
      if (lies.silent?.(request)) throw new TypeError("no answer");
      const invented = inventedFor(lies, request);
      if (invented) return invented;
      return changed(lies, request, await send(request));
    },
    socket: (connect) => (login, handlers) => {
      const socket = connect(login, lies.deliver ? delivering(lies.deliver, handlers) : handlers);
      const send = (frame: Bytes) => {
        for (const item of decodeClientFrame(frame)) {
          if (item.type === "submit-to-room") sent.toRooms.push(item.envelope.slice());
          if (item.type === "submit") {
            sent.toAccounts.push(...item.destinations.map(({ account }) => account));
          }
        }
        socket.send(frame);
      };
      return { send, close: () => socket.close() };
    },
  };
}

function inventedFor({ append }: Lies, { method, path, body }: Request): Response | null {
  const entryPath = method === "POST" && /^\/api\/rooms\/[^/]+\/log$/.test(path);
  if (!entryPath || !append || !(body instanceof Uint8Array)) return null;
  const entry = decode(roomEntrySchema, body, body.length);
  const answer = append(entry, readRoomBody(entry));
  return answer && responseOf(encode(appendAnswer, answer));
}

function changed(lies: Lies, { method, path }: Request, answer: Response): Response {
  if (answer.status !== 200) return answer;
  const since = /^\/api\/rooms\/[^/]+\/log\?since=(\d+)$/.exec(path)?.[1];
  if (lies.log && (since !== undefined || path === "/api/rooms/lookup")) {
    const log = decode(logAnswer, answer.body, answer.body.length);
    const told = lies.log(log, since === undefined ? null : Number(since));
    return { ...answer, body: encode(logAnswer, told) };
  }
  if (lies.head && method === "GET" && path === "/api/rooms") {
    const list = decode(roomsAnswer, answer.body, answer.body.length);
    const rooms = list.rooms.map(({ room, seq }) => ({ room, seq: lies.head!(room, seq) }));
    return { ...answer, body: encode(roomsAnswer, { ...list, rooms }) };
  }
  return answer;
}

function responseOf(body: Bytes): Response {
  return { status: 200, headers: new Headers({ "content-type": "application/cbor" }), body };
}

function delivering(change: (envelope: Bytes) => Bytes, handlers: SocketHandlers): SocketHandlers {
  return {
    opened: () => handlers.opened(),
    closed: (code) => handlers.closed(code),
    received(frame) {
      let isChanged = false;
      const items = decodeServerFrame(frame).map((item) => {
        if (item.type !== "deliver" || envelopeKind(item.envelope) !== "room") return item;
        isChanged = true;
        return { ...item, envelope: change(new Uint8Array(item.envelope)) };
      });
      if (!isChanged) return handlers.received(frame);
      for (const whole of encodeServerFrames(items)) handlers.received(whole);
    },
  };
}
