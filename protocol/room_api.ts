/**
 * Requests and answers of the HTTP interface that concern rooms: as in api.ts, of which errors and logins
 * hold here too. Messages go over the socket (frame_items.ts `SubmitToRoom`).
 *
 * | method and path         | request             | answer          |
 * | ----------------------- | ------------------- | --------------- |
 * | GET /api/rooms          |                     | roomsAnswer     |
 * | POST /api/rooms         | roomEntrySchema, a `create` | appendAnswer |
 * | POST /api/rooms/lookup  | lookupRequest       | logAnswer, or 404 `no-such-room` |
 * | GET /api/rooms/:room/log | `?since=seq`       | logAnswer       |
 * | GET /api/rooms/:room/people | `?after=account` | peopleAnswer |
 * | POST /api/rooms/:room/log | roomEntrySchema   | appendAnswer    |
 *
 * An entry names the seq and hash that it follows, so appending is compare-and-swap without further words.
 * The log goes to members, also to former ones up to the entry that they left by (else 404 `no-such-room`), and by
 * `lookup` to whoever has the code: a wrong one, a dead one and a closed room answer alike.
 * The people of a room, with their device lists, go to those who are in it: one question instead of 255.
 */
import { bytes, id, type Infer, list, nullable, record, tagged, uint } from "./codec.ts";
import { personAnswer } from "./api.ts";
import { MAX_ROOM_ENTRIES, MAX_ROOM_MEMBERS, MAX_VERSION, SERVER_ID_BYTES } from "./limits.ts";
import { roomEntrySchema } from "./room_entry.ts";

/** Rooms of one account in one answer. */
export const MAX_ROOMS = 1_024;
/** Bytes of entries in one answer; the rest is asked for. At least one entry always goes. */
export const MAX_LOG_BYTES = 1024 * 1024;

export const roomsAnswer = record({
  /** The server's id, salt of room codes. Remembered by devices: a changed one is shown. */
  server: bytes(SERVER_ID_BYTES),
  rooms: list(
    record({
      room: id<"room">(),
      /** Head of the log, says the server. */
      seq: uint(MAX_VERSION),
    }),
    { max: MAX_ROOMS },
  ),
  /** Ask again with `?after=` this id; null at the end. */
  next: nullable(id<"room">()),
});
export type RoomsAnswer = Infer<typeof roomsAnswer>;

/** Limited per account and address. */
export const lookupRequest = record({ lookup: id<"lookup">(), since: uint(MAX_VERSION) });
export type LookupRequest = Infer<typeof lookupRequest>;

export const logAnswer = record({
  room: id<"room">(),
  /** Entries after `since`, oldest first: at most 256 or 1 MiB, whichever is less. */
  entries: list(roomEntrySchema, { max: MAX_ROOM_ENTRIES }),
  /** Head of the log. Above the last of `entries`: ask for the rest. */
  seq: uint(MAX_VERSION),
});
export type LogAnswer = Infer<typeof logAnswer>;

export const peopleAnswer = record({
  /** Members and who waits, by account id: at most 1 MiB, but one if there is one. */
  people: list(personAnswer, { max: MAX_ROOM_MEMBERS }),
  /** Ask again with `?after=` this id; null at the end. */
  next: nullable(id<"account">()),
});
export type PeopleAnswer = Infer<typeof peopleAnswer>;

export const appendAnswer = tagged("outcome", {
  accepted: record({ room: id<"room">(), seq: uint(MAX_VERSION) }),
  /** The log has gone on: verify these, sign again on top or give up. Entries as in {@link logAnswer}. */
  conflict: logAnswer,
});
export type AppendAnswer = Infer<typeof appendAnswer>;
