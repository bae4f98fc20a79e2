/** `/api/rooms`: rooms' logs. Messages go over the socket. */
import type { Context } from "hono";
import type { Auth } from "../auth/mod.ts";
import type { Outcome } from "../auth/outcome.ts";
import { parseId, type RoomId } from "../protocol/ids.ts";
import { MAX_VERSION } from "../protocol/limits.ts";
import { appendAnswer, logAnswer, lookupRequest } from "../protocol/room_api.ts";
import { peopleAnswer, roomsAnswer } from "../protocol/room_api.ts";
import type { AppendAnswer, LogAnswer } from "../protocol/room_api.ts";
import { roomEntrySchema } from "../protocol/room_entry.ts";
import { answer, refuse } from "./answers.ts";
import { readCbor } from "./bodies.ts";
import type { App, AppEnv } from "./env.ts";
import { withDevice } from "./people.ts";

/** Adds the URLs of rooms. */
export function roomRoutes(app: App, { auth }: { auth: Auth }): void {
  const { rooms } = auth;

  app.get(
    "/api/rooms",
    withDevice(auth, async (c, login) => {
      const text = c.req.query("after");
      const after = text === undefined ? null : parseId<"room">(text);
      if (text !== undefined && after === null) return refuse(c, { code: "bad-input" });
      return answer(c, roomsAnswer, await rooms.list(login, after));
    }),
  );

  app.post(
    "/api/rooms",
    withDevice(auth, async (c, login) => {
      const entry = await readCbor(c, roomEntrySchema);
      if (!entry.ok) return refuse(c, entry.refusal);
      return answerAppend(c, await rooms.append(login, c.env.address, null, entry.value));
    }),
  );

  app.post(
    "/api/rooms/lookup",
    withDevice(auth, async (c, login) => {
      const wanted = await readCbor(c, lookupRequest);
      if (!wanted.ok) return refuse(c, wanted.refusal);
      return answerLog(c, await rooms.lookup(login, c.env.address, wanted.value));
    }),
  );

  app.get(
    "/api/rooms/:room/log",
    withDevice(auth, async (c, login) => {
      const since = readSince(c.req.query("since"));
      if (since === null) return refuse(c, { code: "bad-input" });
      const room = roomOf(c);
      if (room === null) return refuse(c, { code: "no-such-room" });
      return answerLog(c, await rooms.log(login, room, since));
    }),
  );

  app.get(
    "/api/rooms/:room/people",
    withDevice(auth, async (c, login) => {
      const text = c.req.query("after");
      const after = text === undefined ? null : parseId<"account">(text);
      if (text !== undefined && after === null) return refuse(c, { code: "bad-input" });
      const room = roomOf(c);
      if (room === null) return refuse(c, { code: "no-such-room" });
      const people = await rooms.people(login, room, after);
      return people.ok ? answer(c, peopleAnswer, people.value) : refuse(c, people.refusal);
    }),
  );

  app.post(
    "/api/rooms/:room/log",
    withDevice(auth, async (c, login) => {
      const entry = await readCbor(c, roomEntrySchema);
      if (!entry.ok) return refuse(c, entry.refusal);
      const room = roomOf(c);
      if (room === null) return refuse(c, { code: "no-such-room" });
      return answerAppend(c, await rooms.append(login, c.env.address, room, entry.value));
    }),
  );
}

function answerLog(c: Context<AppEnv>, log: Outcome<LogAnswer>): Response {
  return log.ok ? answer(c, logAnswer, log.value) : refuse(c, log.refusal);
}

function answerAppend(c: Context<AppEnv>, appended: Outcome<AppendAnswer>): Response {
  return appended.ok ? answer(c, appendAnswer, appended.value) : refuse(c, appended.refusal);
}

function roomOf(c: Context<AppEnv>): RoomId | null {
  return parseId<"room">(c.req.param("room") ?? "");
}

/** The seq after which entries are wanted; all of them when none is named. */
function readSince(text: string | undefined): number | null {
  if (text === undefined) return 0;
  const since = /^\d{1,10}$/.test(text) ? Number(text) : Infinity;
  return since <= MAX_VERSION ? since : null;
}
