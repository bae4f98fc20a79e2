/** Times, counts and states in words. Formats follow the browser's language; the words are English. */
import type {
  ConnectionState,
  Conversation,
  MessageState,
  Role,
  RoomConversation,
  Verification,
} from "../types.ts";
import { plainName } from "./names.ts";

const DAY = 86_400_000;

/** How moments are written. `zone` and `locale` are set in tests only. */
export interface Calendar {
  /** "14:07" */
  clock(time: number): string;
  /** "Today", "Yesterday", "Saturday, 21 November", with the year when it is another one. */
  day(time: number, now: number): string;
  /** As short as it goes: "14:07" today, "Fri" this week, "3 Nov", "03/11/2025". */
  brief(time: number, now: number): string;
  /** Equal for two moments of one day. */
  dayKey(time: number): string;
}

export function makeCalendar(locale?: string, timeZone?: string): Calendar {
  const format = (options: Intl.DateTimeFormatOptions) => {
    const made = new Intl.DateTimeFormat(locale, timeZone ? { ...options, timeZone } : options);
    return (time: number) => Math.abs(time) <= 8.64e15 ? made.format(time) : "";
  };
  const clock = format({ hour: "2-digit", minute: "2-digit" });
  const keyOf = format({ year: "numeric", month: "2-digit", day: "2-digit" });
  const year = format({ year: "numeric" });
  const longDay = format({ weekday: "long", day: "numeric", month: "long" });
  const longDate = format({ weekday: "long", day: "numeric", month: "long", year: "numeric" });
  const weekday = format({ weekday: "short" });
  const monthDay = format({ day: "numeric", month: "short" });
  const date = format({ day: "2-digit", month: "2-digit", year: "numeric" });
  return {
    clock,
    dayKey: keyOf,
    day(time, now) {
      if (keyOf(time) === keyOf(now)) return "Today";
      if (keyOf(time) === keyOf(now - DAY)) return "Yesterday";
      return year(time) === year(now) ? longDay(time) : longDate(time);
    },
    brief(time, now) {
      if (keyOf(time) === keyOf(now)) return clock(time);
      if (time < now && now - time < 6 * DAY) return weekday(time);
      return year(time) === year(now) ? monthDay(time) : date(time);
    },
  };
}

/** "1 message", "12 messages" */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count.toLocaleString()} ${count === 1 ? one : many}`;
}

/** What a badge shows: above 99 the exact number helps nobody. */
export function badge(count: number): string {
  return count > 99 ? "99+" : String(count);
}

/** Under the list: how it stands with the server. */
export function connectionWords(state: ConnectionState, host: string): string {
  switch (state) {
    case "online":
      return `Connected · ${host}`;
    case "connecting":
      return "Connecting…";
    case "offline":
      return "Offline. What you write waits here.";
    case "signed-out":
      return "Signed out";
    case "restored":
      return "This browser was restored from a copy";
    case "removed":
      return "Removed from your account";
  }
}

/** Over the conversation, when something stands between here and the server; null when nothing does. */
export function standingWords(state: ConnectionState): string | null {
  switch (state) {
    case "online":
      return null;
    case "connecting":
      return "Connecting… What you write is sent when the server answers.";
    case "offline":
      return "You’re offline. What you write is kept here and sent when you’re back.";
    case "signed-out":
      return "You’re signed out here. Sign in to send and receive.";
    case "removed":
      return "Another of your devices removed this browser from your account. What it kept is erased.";
    case "restored":
      return "This browser’s data is an old copy, so it can’t be used to talk. Sign in to make it a new device.";
  }
}

export const VERIFICATION: Readonly<
  Record<Verification, { readonly icon: string; readonly words: string }>
> = {
  verified: { icon: "shield-check", words: "Verified" },
  unverified: { icon: "shield", words: "Not verified" },
  changed: { icon: "shield-alert", words: "Key changed" },
};

/** The last line of a conversation in the list. */
export function lastWords(conversation: Conversation): string {
  const { kind, last } = conversation;
  if (!last) return kind === "room" ? "Nothing said yet" : "No messages yet";
  if (last.mine) return `You: ${last.text}`;
  return last.sender === undefined
    ? last.text
    : `${plainName(last.sender, "Somebody")}: ${last.text}`;
}

/** What stands behind the time of an own message. */
export function stateWords(state: MessageState | undefined): string {
  return state ?? "";
}

/** What the list says of a conversation in one go, to those who hear it. */
export function unreadWords(unread: number, mentions = 0): string {
  if (unread === 0) return "";
  const words = counted(unread, "unread message");
  return mentions === 0 ? words : `${words}, ${counted(mentions, "mention")} of you`;
}

/** "1 person would like to come in" */
export function waitingWords(waiting: number): string {
  return `${counted(waiting, "person", "people")} would like to come in`;
}

/** "1 message request" */
export function requestWords(count: number): string {
  return counted(count, "message request");
}

export const ROLES: Readonly<Record<Role, string>> = {
  waiting: "Waiting to come in",
  member: "Member",
  moderator: "Moderator",
  owner: "Owner",
};

/** Why nothing can be written in a room, and what is left; null while everything is open. */
export function closedWords({ role, stopped }: RoomConversation): string | null {
  switch (stopped) {
    case "left":
      return "You’re no longer in this room. What was said while you were in it stays here.";
    case "ended":
      return "This room has ended. What was said stays here.";
    case "fork":
      return "This room exists in two versions, so nothing is sent. Ask the others what they see.";
    case null:
      return role === "waiting"
        ? "You’ve asked to come in. A moderator of the room decides."
        : null;
  }
}
