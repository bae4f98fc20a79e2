/** A timeline as rows: messages grouped by speaker, days set apart, the first unread one marked. Pure. */
import type { Message } from "../types.ts";
import type { Calendar } from "./words.ts";

export type Row =
  | { readonly kind: "beginning"; readonly key: string }
  | { readonly kind: "day"; readonly key: string; readonly words: string; readonly time: number }
  | { readonly kind: "fresh"; readonly key: string; readonly count: number }
  | { readonly kind: "line"; readonly key: string; readonly message: Message }
  /** What somebody wrote in a room whom this account has blocked; one row however much it is. */
  | { readonly kind: "hidden"; readonly key: string; readonly messages: readonly Message[] }
  | {
    readonly kind: "message";
    readonly key: string;
    readonly message: Message;
    /** First of one person's messages in a row. */
    readonly first: boolean;
  };

/** Messages of one person further apart than this begin a new group. */
const GROUP_GAP = 5 * 60_000;

export interface RowsOptions {
  readonly calendar: Calendar;
  readonly now: number;
  /** No older message exists: the conversation's beginning is shown. */
  readonly complete: boolean;
  /** Where the messages begin that had not been read when the conversation was opened. */
  readonly fresh: { readonly key: string; readonly count: number } | null;
}

/** Unique in a timeline: a message id is unique together with the device that chose it. */
export function keyOf(message: Pick<Message, "device" | "id">): string {
  return `${message.device}/${message.id}`;
}

/**
 * What was read, and after it what is shown that came meanwhile: events run ahead of an answer. What is not on disk
 * yet sorts last, unless it has got there.
 */
export function withNewer(read: readonly Message[], shown: readonly Message[]): Message[] {
  const newest = read.at(-1)?.order ?? "";
  const keys = new Set(read.map(keyOf));
  return [...read, ...shown.filter((each) => each.order > newest && !keys.has(keyOf(each)))];
}

/** `messages` oldest first. */
export function toRows(messages: readonly Message[], options: RowsOptions): Row[] {
  const { calendar, now, complete, fresh } = options;
  const rows: Row[] = complete ? [{ kind: "beginning", key: "beginning" }] : [];
  let before: Message | undefined;
  for (const message of messages) {
    const key = keyOf(message);
    const day = calendar.dayKey(message.time);
    const newDay = before === undefined || calendar.dayKey(before.time) !== day;
    if (newDay) {
      const words = calendar.day(message.time, now);
      rows.push({ kind: "day", key: `day ${day} ${key}`, words, time: message.time });
    }
    const isFresh = fresh?.key === key;
    if (isFresh) rows.push({ kind: "fresh", key: "fresh", count: fresh.count });
    if (message.blocked) hide(rows, key, message);
    else if (message.kind === "line") rows.push({ kind: "line", key, message });
    else {
      const first = newDay || isFresh || !follows(before, message);
      rows.push({ kind: "message", key, message, first });
    }
    before = message;
  }
  return rows;
}

function hide(rows: Row[], key: string, message: Message): void {
  const last = rows.at(-1);
  const goesOn = last?.kind === "hidden" && last.messages[0]!.from === message.from;
  if (goesOn) rows[rows.length - 1] = { ...last, messages: [...last.messages, message] };
  else rows.push({ kind: "hidden", key, messages: [message] });
}

function follows(before: Message | undefined, message: Message): boolean {
  return before?.kind === "text" && before.from === message.from &&
    Math.abs(message.time - before.time) < GROUP_GAP;
}

/** The first of the newest `unread` messages of others, to put the mark before; null when there is none. */
export function freshMark(
  messages: readonly Message[],
  unread: number,
): { readonly key: string; readonly count: number } | null {
  let left = unread;
  let mark: Message | undefined;
  for (let i = messages.length - 1; i >= 0 && left > 0; i--) {
    const message = messages[i]!;
    if (message.kind !== "text" || message.mine || message.blocked) continue;
    mark = message;
    left--;
  }
  return mark === undefined ? null : { key: keyOf(mark), count: unread };
}
