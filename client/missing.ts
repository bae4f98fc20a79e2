/**
 * Lines that say how many messages of a device are missing. Some only come late: overtaken by a retry,
 * or reordered by a server. Then the line is set right, so that it never goes on saying what is not so.
 */
import type { AccountId, DeviceId } from "../protocol/ids.ts";
import type { Change } from "./change.ts";
import { messages } from "./healing.ts";
import { keys, type MissingLine } from "./records.ts";
import { addLine } from "./timeline.ts";
import type { ConversationId, Message } from "./types.ts";

/** Lines of one device that are still waited with; the newest. Messages older than that stay missing. */
const MOST_LINES = 16;

/** Whose messages are missing, and what to call them. */
export interface Missing {
  readonly conversation: ConversationId;
  readonly account: AccountId;
  readonly device: DeviceId;
  readonly name: string;
}

/**
 * Adds a line: so many messages did not arrive. `time` in ms since 1970. False where there is no conversation for it
 * to stand in: what came after them was not for people to read.
 */
export async function tellMissing(
  change: Change,
  { conversation, account, device, name }: Missing,
  count: number,
  time: number,
): Promise<boolean> {
  const words = { conversation, text: missingWords(count, name), time };
  const row = await addLine(change, "missing", words, { account, device });
  if (row === null) return false;
  const open = await openLines(change, account, device);
  const line: MissingLine = { conversation, order: row.order, count, left: count };
  change.set("seen", keys.missing(account, device), [...open, line].slice(-MOST_LINES));
  return true;
}

/**
 * A message that was counted as missing has come: the newest line that waits for one says so. False when none does.
 */
export async function cameLate(
  change: Change,
  { account, device, name }: Omit<Missing, "conversation">,
): Promise<boolean> {
  const open = await openLines(change, account, device);
  const line = open.at(-1);
  if (line === undefined) return false;
  const left = line.left - 1;
  const rest = left === 0 ? [] : [{ ...line, left }];
  change.set("seen", keys.missing(account, device), [...open.slice(0, -1), ...rest]);
  const key = keys.message(line.conversation, line.order);
  const row = await change.get<Message>("messages", key);
  if (row === undefined) return true;
  const text = left === 0 ? lateWords(line.count, name) : missingWords(left, name);
  change.set("messages", key, { ...row, text });
  change.tell({ kind: "message", message: { ...row, text } });
  return true;
}

async function openLines(
  change: Change,
  account: AccountId,
  device: DeviceId,
): Promise<readonly MissingLine[]> {
  return await change.get<MissingLine[]>("seen", keys.missing(account, device)) ?? [];
}

function missingWords(count: number, name: string): string {
  return `${messages(count)} from ${name} did not arrive here.`;
}

function lateWords(count: number, name: string): string {
  return `${messages(count)} from ${name} arrived late.`;
}
