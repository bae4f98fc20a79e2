/** Who may do what in a room, and who owns it when its owner goes. */
import { VerifyError } from "./errors.ts";
import type { AccountId } from "./ids.ts";
import { MAX_ROOM_BANNED, MAX_ROOM_MEMBERS } from "./limits.ts";
import type { LaterBody, RoomBodyOf } from "./room_entry.ts";
import { findMember, type Role, type RoomMember, type RoomState } from "./room_state.ts";

/** The parts of a room that entries change. */
export type RoomParts = Pick<RoomState, "members" | "banned" | "newcomers" | "code" | "ended">;

const RANKS: Readonly<Record<Role, number>> = { waiting: 0, member: 1, moderator: 2, owner: 3 };

/** The least role for each kind of entry by a member; {@link demandAllowed} has the finer rules. */
const LEAST: Readonly<Record<Exclude<LaterBody["kind"], "join">, Role>> = {
  leave: "waiting",
  devices: "waiting",
  add: "member",
  remove: "moderator",
  ban: "moderator",
  rename: "moderator",
  rotate: "moderator",
  close: "moderator",
  approve: "moderator",
  role: "owner",
  end: "owner",
};

/**
 * Whether this member may make this entry.
 * @throws {VerifyError} `not-allowed`
 */
export function demandAllowed(
  room: RoomState,
  by: RoomMember,
  body: Exclude<LaterBody, { kind: "join" }>,
): void {
  const allowed = RANKS[by.role] >= RANKS[LEAST[body.kind]] && isFine(room, by, body);
  if (!allowed) throw new VerifyError("not-allowed");
}

function isFine(room: RoomState, by: RoomMember, body: Exclude<LaterBody, { kind: "join" }>) {
  switch (body.kind) {
    case "devices":
      return by.role !== "waiting" || body.member === by.account;
    case "add":
      // Whoever has the code can pass it on; where that is not enough, adding is not enough either.
      return room.newcomers === "open" || isModerator(by);
    case "remove":
    case "ban": {
      const whom = findMember(room, body.member);
      return whom === null || RANKS[whom.role] < RANKS[by.role];
    }
    default:
      return true;
  }
}

/**
 * The room after somebody came in with the code. An account that is in under another account key has been
 * reset: it comes in anew and has lost its role.
 * @throws {VerifyError} `closed` `banned` `already-member` `full`
 */
export function afterJoin(
  room: RoomState,
  newcomer: Omit<RoomMember, "role">,
  sameKey: boolean,
): RoomParts {
  if (room.newcomers === "closed") throw new VerifyError("closed");
  if (room.banned.includes(newcomer.account)) throw new VerifyError("banned");
  if (sameKey) throw new VerifyError("already-member");
  const role = room.newcomers === "approve" ? "waiting" : "member";
  const others = without(room, newcomer.account);
  return settled({ ...room, members: withMember(others, { ...newcomer, role }) });
}

/**
 * The room after a member let somebody in. A moderator's `add` lifts a ban.
 * @throws {VerifyError} `banned` `already-member` `full`
 */
export function afterAdd(
  room: RoomState,
  by: RoomMember,
  added: Omit<RoomMember, "role">,
): RoomParts {
  const { account } = added;
  if (findMember(room, account)) throw new VerifyError("already-member");
  if (room.banned.includes(account) && !isModerator(by)) throw new VerifyError("banned");
  const members = withMember(room.members, { ...added, role: "member" });
  return { ...room, members, banned: room.banned.filter((one) => one !== account) };
}

/** The room after somebody went or was sent away. */
export function afterLeaving(room: RoomState, account: AccountId): RoomParts {
  return settled({ ...room, members: without(room, account) });
}

/**
 * The room after a ban, also of somebody who is not in it.
 * @throws {VerifyError} `banned` when it says nothing new; `full` when the list of bans is
 */
export function afterBan(room: RoomState, account: AccountId): RoomParts {
  if (room.banned.includes(account)) throw new VerifyError("banned");
  if (room.banned.length >= MAX_ROOM_BANNED) throw new VerifyError("full");
  return { ...afterLeaving(room, account), banned: [...room.banned, account] };
}

/** @throws {VerifyError} `not-member` `not-allowed`: the last owner stays one, whoever waits has no role */
export function afterRole(room: RoomState, { member, role }: RoomBodyOf<"role">): RoomParts {
  const whom = demandMember(room, member);
  const members = room.members.map((one) => one === whom ? { ...one, role } : one);
  const owned = members.some((one) => one.role === "owner");
  if (whom.role === "waiting" || !owned) throw new VerifyError("not-allowed");
  return { ...room, members };
}

/** @throws {VerifyError} `not-member` `already-member` */
export function afterApproval(room: RoomState, account: AccountId): RoomParts {
  const whom = demandMember(room, account);
  if (whom.role !== "waiting") throw new VerifyError("already-member");
  const approved = { ...whom, role: "member" } as const;
  return { ...room, members: room.members.map((one) => one === whom ? approved : one) };
}

/** @throws {VerifyError} `not-member` */
export function demandMember(room: RoomState, account: AccountId): RoomMember {
  const member = findMember(room, account);
  if (member === null) throw new VerifyError("not-member");
  return member;
}

function isModerator({ role }: RoomMember): boolean {
  return RANKS[role] >= RANKS.moderator;
}

function without({ members }: RoomState, account: AccountId): readonly RoomMember[] {
  return members.filter((one) => one.account !== account);
}

function withMember(members: readonly RoomMember[], one: RoomMember): RoomMember[] {
  if (members.length >= MAX_ROOM_MEMBERS) throw new VerifyError("full");
  return [...members, one];
}

/**
 * A room without an owner goes to the moderator who has been in it longest, else to the member who has. One
 * without members has ended: nobody could let in those who wait.
 */
function settled(parts: RoomParts): RoomParts {
  const { members } = parts;
  if (members.some(({ role }) => role === "owner")) return parts;
  const heir = members.find(({ role }) => role === "moderator") ??
    members.find(({ role }) => role === "member");
  if (heir === undefined) return { ...parts, ended: true };
  const owner = { ...heir, role: "owner" } as const;
  return { ...parts, members: members.map((one) => one === heir ? owner : one) };
}
