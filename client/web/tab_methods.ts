/** What tabs may ask of the one that runs the engine. */
import type { HistoryEngine } from "../history_engine.ts";
import type { Engine, PeopleEngine, RoomsEngine } from "../types.ts";

/** What tabs may ask of the leader. */
export const METHODS = [
  "startConversation",
  "conversations",
  "messages",
  "send",
  "retry",
  "markRead",
  "mute",
  "safetyNumber",
  "setVerified",
  "acceptChange",
  "devices",
  "alarms",
  "acceptDevice",
  "revokeDevice",
] as const;

export const ROOM_METHODS = [
  "createRoom",
  "previewRoom",
  "joinRoom",
  "room",
  "rooms",
  "addMember",
  "leaveRoom",
  "removeMember",
  "banMember",
  "setRole",
  "renameRoom",
  "setTopic",
  "setPicture",
  "rotateCode",
  "setNewcomers",
  "approve",
  "decline",
  "endRoom",
  "acceptRoom",
] as const satisfies readonly (keyof RoomsEngine)[];

export const PEOPLE_METHODS = [
  "accept",
  "block",
  "unblock",
  "blocked",
  "find",
] as const satisfies readonly (keyof PeopleEngine)[];

/** What the page asks of the history archive. */
export const HISTORY_METHODS = [
  "status",
  "setOn",
  "erase",
  "check",
  "whole",
  "collect",
  "take",
] as const satisfies readonly (keyof HistoryEngine)[];

type HistoryMethod = typeof HISTORY_METHODS[number];
type PeopleMethod = typeof PEOPLE_METHODS[number];
type RoomMethod = typeof ROOM_METHODS[number];
export type EngineMethod = typeof METHODS[number];
/** What hangs on an engine as a part of its own. */
export type Part = "rooms" | "people" | "history";
export type Method =
  | EngineMethod
  | `rooms.${RoomMethod}`
  | `people.${PeopleMethod}`
  | `history.${HistoryMethod}`;

export const ASKED: ReadonlySet<Method> = new Set<Method>([
  ...METHODS,
  ...ROOM_METHODS.map((method) => `rooms.${method}` as const),
  ...PEOPLE_METHODS.map((method) => `people.${method}` as const),
  ...HISTORY_METHODS.map((method) => `history.${method}` as const),
]);
/** Asked twice, these would be done twice: when the leader goes meanwhile, nobody knows what came of them. */
export const ONCE: ReadonlySet<Method> = new Set<Method>(["rooms.createRoom", "rooms.rotateCode"]);

/** An engine with its history. */
export interface PageEngine extends Engine {
  readonly history: Pick<HistoryEngine, HistoryMethod>;
}
