/** Whether removals that the log has not got still count. */
import { VerifyError } from "../protocol/errors.ts";
import { demandRemoval, findMember, type RoomEntry, type RoomState } from "../protocol/room.ts";
import type { Removal, RoomRecord } from "./room_records.ts";

/** The removals that still count in a room as it is now: who signed them may do so, and the member is in it. */
export async function standing(
  state: RoomState,
  { removed, removals = [] }: RoomRecord,
): Promise<Pick<RoomRecord, "removed" | "removals">> {
  const left: Removal[] = [];
  for (const one of removals) if (await isRemoval(state, one.entry)) left.push(one);
  const lapsed = removals.filter((one) => !left.includes(one)).map(({ member }) => member);
  const still = removed.filter((account) => findMember(state, account));
  return { removed: still.filter((account) => !lapsed.includes(account)), removals: left };
}

/** Whether the room as it is now lets this entry's author send this member away. */
export async function isRemoval(state: RoomState, entry: RoomEntry): Promise<boolean> {
  try {
    await demandRemoval(state, entry);
    return true;
  } catch (error) {
    if (error instanceof VerifyError) return false;
    throw error;
  }
}
