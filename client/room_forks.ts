/** Passes on that a room's log exists in two versions: what one member has found is shown to all. */
import { randomBytes } from "../crypto/random.ts";
import { type AccountId, randomId } from "../protocol/ids.ts";
import { KEY_BYTES } from "../protocol/limits.ts";
import { hashAt, type RoomHead } from "../protocol/room.ts";
import type { Change } from "./change.ts";
import { isAccepted, type RoomRecord } from "./room_records.ts";
import { byAccount, type RoomSending } from "./room_sending.ts";

/** Where a member stands who is on another log. */
export type OtherHead = RoomHead & { readonly account: AccountId };

/** Accounts that a device tells all of. */
const MOST_TOLD = 17;

/**
 * Queues both heads, as sender keys that nobody will use: whoever stands on one sees the other. Belongs into the
 * change that stops the room, and so comes once.
 */
export async function tellFork(
  change: Change,
  record: RoomRecord,
  other: OtherHead,
  { me, sending }: { readonly me: AccountId; readonly sending: RoomSending },
): Promise<void> {
  const { id: room, state } = record;
  if (!await isAccepted(change, room)) return;
  const devices = byAccount(await sending.recipients(change, record));
  const { account: source, seq } = other;
  for (const account of toldBy(me, source, [...devices.keys()])) {
    for (const hash of [other.hash, hashAt(state, seq)!]) {
      const unused = randomBytes(KEY_BYTES);
      await sending.tell(change, account, devices.get(account)!, {
        kind: "sender-key",
        room,
        seq,
        hash,
        key: randomId<"sender-key">(),
        verify: unused,
        chainKey: unused,
        number: 0,
      });
    }
  }
}

/**
 * Whom `me` tells, of all the accounts that it could tell: who has the other head is always among them. In a big room
 * those who follow in the ring of all ids, at distances that double: as each does so, everybody is reached soon.
 */
export function toldBy(
  me: AccountId,
  source: AccountId,
  all: readonly AccountId[],
): readonly AccountId[] {
  if (all.length <= MOST_TOLD) return all;
  const sorted = all.toSorted();
  const from = sorted.findIndex((one) => one >= me);
  const ring = [...sorted.slice(from), ...sorted.slice(0, from)];
  return ring.filter((one, at) => one === source || (at & (at - 1)) === 0);
}
