/**
 * The floors under the relay: the same listener and WebSocket stack, with next to nothing on top.
 *
 * `bare`: each frame goes to the other one of its pair. `group`: first into an append-only table, all
 * of one turn in one transaction with a sync, then a word to the sender; receipts delete. One
 * envelope a frame, no logins, no lists, no limits.
 */
import { DatabaseSync } from "node:sqlite";
import type { RawData, WebSocket } from "ws";
import { limitsWith } from "../limits.ts";
import { listen } from "../listener.ts";
import { silentLog } from "../log.ts";
import { MAX_FRAME_BYTES } from "../protocol/limits.ts";
import type { UpgradeDoor } from "../routes/socket.ts";

const NO_LIMIT = 2 ** 40;
const ACCEPTED = new Uint8Array([1]);

type Handle = (index: number, frame: Uint8Array) => void;

const sockets: (WebSocket | undefined)[] = [];

/** The index is where the login would be. */
const door: UpgradeDoor = ({ headers }) => {
  const index = Number((headers.get("authorization") ?? "").split(" ")[1]);
  return Promise.resolve({
    accept: (socket) => {
      sockets[index] = socket;
      socket.on("message", (frame: RawData) => handle(index, frame as Uint8Array));
    },
  });
};

const bare: Handle = (index, frame) => sockets[index ^ 1]?.send(frame);

function group(path: string): Handle {
  const db = new DatabaseSync(path);
  db.exec("pragma journal_mode = wal; pragma synchronous = full; pragma wal_autocheckpoint = 4000");
  db.exec("create table envelopes (no integer primary key, queue integer, body blob) strict");
  const insert = db.prepare("insert into envelopes (queue, body) values (?, ?)");
  const remove = db.prepare("delete from envelopes where no = ?");
  let turn: { index: number; frame: Uint8Array }[] = [];
  const waiting = new Map<number, number[]>();
  const commit = () => {
    const taken = turn;
    turn = [];
    const places: number[] = [];
    db.exec("begin immediate");
    for (const { index, frame } of taken) {
      if (frame.length > 1) places.push(Number(insert.run(index ^ 1, frame).lastInsertRowid));
      else for (const no of waiting.get(index)?.splice(0, 1) ?? []) remove.run(no);
    }
    db.exec("commit");
    for (const { index, frame } of taken) {
      if (frame.length === 1) continue;
      const queue = waiting.get(index ^ 1) ?? [];
      waiting.set(index ^ 1, queue);
      queue.push(places.shift()!);
      sockets[index]?.send(ACCEPTED);
      sockets[index ^ 1]?.send(frame);
    }
  };
  return (index, frame) => {
    if (turn.push({ index, frame }) === 1) setImmediate(commit);
  };
}

const [kind, port, folder] = Deno.args;
const handle = kind === "group" ? group(`${folder}/floor.db`) : bare;

await listen({
  ...{ hostname: "127.0.0.1", port: Number(port), certificate: undefined },
  ...{ hosts: [`localhost:${port}`], isTrustedProxy: () => false, maxFrameBytes: MAX_FRAME_BYTES },
  limits: limitsWith({ connections: NO_LIMIT, connectionsPerIp: NO_LIMIT }),
  fetch: () => new Response("floor"),
  doors: new Map([["/socket", door]]),
  headers: {},
  log: silentLog,
});
