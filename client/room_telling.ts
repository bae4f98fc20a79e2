/** Puts what a room's log says into its timeline, in words. */
import { DecryptError } from "../crypto/errors.ts";
import { openDetails, type RoomDetails } from "../crypto/room_code.ts";
import type { Bytes } from "../protocol/encoding.ts";
import type { AccountId } from "../protocol/ids.ts";
import type { RoomBody, RoomState } from "../protocol/room.ts";
import type { Change } from "./change.ts";
import { linesOf } from "./room_lines.ts";
import { conversationOf, type RoomRecord } from "./room_records.ts";
import { addLine, getContact, nameOf } from "./timeline.ts";

/** One entry that was taken. */
export interface Step {
  readonly body: RoomBody;
  readonly before: RoomState | null;
  readonly after: RoomState;
}

export interface TellingParts {
  readonly me: AccountId;
  readonly now: () => number;
}

const MINUTE_MS = 60_000;
const SOMEBODY = "Somebody";

/** Tells entries in their order. `before` is the room as it was, `after` as all of them make it. */
export async function tellSteps(
  change: Change,
  parts: TellingParts,
  steps: readonly Step[],
  { before, after }: { readonly before: RoomRecord | null; readonly after: RoomRecord },
): Promise<void> {
  let details = before?.details ?? null;
  for (const step of steps) {
    const now = await detailsAt(step.after, [before, after]) ?? details;
    await tellStep(change, parts, step, [details, now]);
    details = now;
  }
}

async function tellStep(
  change: Change,
  { me, now }: TellingParts,
  { body, before, after }: Step,
  details: readonly [RoomDetails | null, RoomDetails | null],
): Promise<void> {
  const names = await namesIn(change, body, after);
  const nameOf = (account: AccountId) => names.get(account) ?? SOMEBODY;
  const conversation = conversationOf(after.id);
  const { account, device, minute } = body;
  // An author whose clock runs ahead makes no lines from the future.
  const time = Math.min(minute * MINUTE_MS, now());
  for (const text of linesOf(body, { me, nameOf, before, after, details })) {
    await addLine(change, "room", { conversation, text, time }, { account, device });
  }
}

/** Everybody whom a line about this entry may name: author, whom it is about, who inherits. */
async function namesIn(
  change: Change,
  body: RoomBody,
  { members }: RoomState,
): Promise<Map<AccountId, string>> {
  const named = [...members.filter(({ role }) => role === "owner").map(({ account }) => account)];
  const names = new Map<AccountId, string>();
  for (const account of [...named, ...accountsIn(body)]) {
    const contact = await getContact(change, account);
    if (contact) names.set(account, nameOf(contact));
  }
  return names;
}

/** Whom an entry is by and about. */
export function accountsIn(body: RoomBody): AccountId[] {
  return "member" in body ? [body.account, body.member] : [body.account];
}

/** Name, topic and picture as of a state, under whichever code at hand is its own. */
async function detailsAt(
  { code: { epoch, details } }: RoomState,
  records: readonly (RoomRecord | null)[],
): Promise<RoomDetails | null> {
  const own = records.find((one) => one?.metadata && one.state.code.epoch === epoch);
  return own?.metadata ? await readSealed(own.metadata, details, epoch) : null;
}

/** Null for what does not open: whoever may rename may seal anything. */
export async function readSealed(
  metadata: Bytes,
  sealed: Bytes,
  epoch: number,
): Promise<RoomDetails | null> {
  try {
    return await openDetails(metadata, sealed, epoch);
  } catch (error) {
    if (error instanceof DecryptError) return null;
    throw error;
  }
}
