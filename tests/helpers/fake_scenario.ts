/** What a fake engine has to show when the page opens. */
import type { ConnectionState, Found, Me, Message } from "../../client/types.ts";
import type { RoomConversation, Verification } from "../../client/types.ts";
import type { HistoryScenario } from "./fake_history.ts";
import type { FakeRoom } from "./fake_rooms.ts";

/** What there is when the page opens. Plain JSON, so that a test can hand it over. */
export interface Scenario {
  readonly me?: Partial<Me>;
  readonly connection?: ConnectionState;
  readonly people?: readonly Person[];
  /** Rooms that one is or was in, with what the list says of them. */
  readonly rooms?: readonly (FakeRoom & RoomRow)[];
  /** Rooms that a code opens. */
  readonly elsewhere?: readonly FakeRoom[];
  /** That many more people without anything special about them. */
  readonly crowd?: number;
  /** Calls of these methods are never answered. */
  readonly silent?: readonly string[];
  /** People who let themselves be found. */
  readonly listed?: readonly Found[];
  readonly archive?: HistoryScenario;
  /** Words with which every `send` is refused. */
  readonly refuseSend?: string;
}

/** What the list says of a room. */
export interface RoomRow {
  readonly row?: Partial<Pick<RoomConversation, "unread" | "mentions" | "muted" | "accepted">>;
  readonly messages?: readonly Line[];
}

export interface Person {
  readonly username: string;
  readonly name: string;
  readonly verification?: Verification;
  readonly unread?: number;
  readonly accepted?: boolean;
  readonly blocked?: boolean;
  readonly messages?: readonly Line[];
  /** That many older messages before `messages`. */
  readonly history?: number;
}

export type Line = Partial<Omit<Message, "time">> & {
  readonly text: string;
  /** Minutes before now. */
  readonly ago?: number;
};

export function crowdPerson(i: number): Person {
  const number = String(i).padStart(5, "0");
  return { username: `person_${number}`, name: `Person ${number}`, messages: [{ text: "Hello" }] };
}

export function historyLine(i: number, all: number): Line {
  const text = `History ${String(i).padStart(5, "0")}`;
  return { text, mine: i % 5 < 2, ago: (all - i) * 7 + 60, state: "read" };
}

/** The same words give the same id, here and in a test. */
export function fakeId<T extends string>(words: string): T {
  const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  let state = 2166136261;
  for (const letter of words) state = Math.imul(state ^ letter.charCodeAt(0), 16777619) >>> 0;
  let text = "";
  for (let i = 0; i < 21; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    text += letters[state >>> 26];
  }
  return `${text}A` as T;
}
