/** What entries of a room's log say, in words for the timeline. */
import { equalBytes } from "../protocol/encoding.ts";
import type { RoomDetails } from "../crypto/room_code.ts";
import type { AccountId } from "../protocol/ids.ts";
import { findMember, type RoomBody, type RoomBodyOf, type RoomState } from "../protocol/room.ts";

/** What a line needs to know beside the entry. */
export interface LineParts {
  readonly me: AccountId;
  /** What people call somebody. */
  readonly nameOf: (account: AccountId) => string;
  /** The room before the entry (null at its beginning) and with it. */
  readonly before: RoomState | null;
  readonly after: RoomState;
  /** Name, topic and picture before and after; null where nobody here can read them. */
  readonly details: readonly [RoomDetails | null, RoomDetails | null];
}

type Line<K extends RoomBody["kind"]> = (
  body: RoomBodyOf<K>,
  parts: LineParts,
) => readonly string[];

/** The lines of an entry, its consequences last; none for what nobody needs to read. */
export function linesOf(body: RoomBody, parts: LineParts): readonly string[] {
  const line = LINES[body.kind] as Line<typeof body.kind>;
  return [...line(body as never, parts), ...heirs(parts)];
}

const LINES: { readonly [K in RoomBody["kind"]]: Line<K> } = {
  create: ({ account }, parts) => [`${subject(account, parts)} made this room.`],
  join: joined,
  add: (
    { account, member },
    parts,
  ) => [`${subject(account, parts)} added ${object(member, parts)}.`],
  leave: ({ account }, parts) => {
    if (wasWaiting(account, parts)) return [`${subject(account, parts)} asks to come in no more.`];
    return [`${subject(account, parts)} left.`];
  },
  remove: removed,
  ban: (body, parts) => [...removed(body, parts), ...banned(body, parts)],
  role: ({ member, role }, parts) => {
    const is = member === parts.me ? "You are" : `${parts.nameOf(member)} is`;
    return [`${is} now ${ROLES[role]}.`];
  },
  rename: detailed,
  rotate: ({ account }, parts) => [`${subject(account, parts)} changed the room code.`],
  devices: deviceLines,
  close: ({ account, newcomers }, parts) => [`${subject(account, parts)} ${NEWCOMERS[newcomers]}`],
  approve: ({ account, member }, parts) => [
    `${subject(account, parts)} let ${object(member, parts)} in.`,
  ],
  end: ({ account }, parts) => [`${subject(account, parts)} deleted the room.`],
};

const ROLES = {
  member: "a member like the others",
  moderator: "a moderator",
  owner: "an owner of the room",
} as const;

const NEWCOMERS = {
  open: "opened the room: whoever has the code comes in.",
  approve: "opened the room to those whom a moderator approves.",
  closed: "closed the room to newcomers.",
} as const;

function joined({ account }: RoomBodyOf<"join">, parts: LineParts): readonly string[] {
  const reset = parts.before && findMember(parts.before, account);
  const again = reset
    ? [`${subject(account, parts)} came back under a new key. Compare the safety number again.`]
    : [];
  if (findMember(parts.after, account)?.role !== "waiting") {
    return [...again, `${subject(account, parts)} joined with the room code.`];
  }
  const asks = account === parts.me
    ? "You asked to come in. Once a moderator agrees, you can read and write here."
    : `${parts.nameOf(account)} would like to come in.`;
  return [...again, asks];
}

function removed(
  { account, member }: RoomBodyOf<"remove"> | RoomBodyOf<"ban">,
  parts: LineParts,
): readonly string[] {
  if (parts.before && !findMember(parts.before, member)) return [];
  const by = subject(account, parts);
  if (wasWaiting(member, parts)) return [`${by} declined ${object(member, parts)}.`];
  if (member !== parts.me) return [`${by} removed ${parts.nameOf(member)}.`];
  return [`${by} removed you from this room. What you have read here stays on this device.`];
}

function banned({ account, member }: RoomBodyOf<"ban">, parts: LineParts): readonly string[] {
  const whom = object(member, parts);
  return [`${subject(account, parts)} banned ${whom}: the room code opens nothing for them.`]
    .map((words) => member === parts.me ? words.replace("for them", "for you") : words);
}

function detailed({ account }: RoomBodyOf<"rename">, parts: LineParts): readonly string[] {
  const by = subject(account, parts);
  const [old, now] = parts.details;
  if (!old || !now) return [`${by} changed the room's name, topic or picture.`];
  const lines: string[] = [];
  if (old.name !== now.name) lines.push(`${by} renamed the room to “${now.name}”.`);
  if (old.topic !== now.topic) {
    lines.push(now.topic === "" ? `${by} removed the topic.` : `${by} set the topic: ${now.topic}`);
  }
  if (!isSamePicture(old, now)) {
    lines.push(`${by} ${now.picture ? "changed" : "removed"} the picture.`);
  }
  return lines;
}

/** Whoever is in the room sees when a device more reads along. */
function deviceLines({ member }: RoomBodyOf<"devices">, parts: LineParts): readonly string[] {
  const [old, now] = [parts.before!, parts.after].map((room) => findMember(room, member)!.pin);
  const had = new Set(old!.devices.map(({ device }) => device));
  const has = new Set(now!.devices.map(({ device }) => device));
  const added = [...has].some((device) => !had.has(device));
  const gone = [...had].some((device) => !has.has(device));
  const you = member === parts.me;
  const name = parts.nameOf(member);
  return [
    ...added
      ? [you ? "A new device of yours reads here." : `A new device of ${name} reads here.`]
      : [],
    ...gone ? [you ? "A device of yours is out." : `A device of ${name} is out.`] : [],
  ];
}

/** A room whose last owner goes passes to somebody. */
function heirs({ before, after, me, nameOf }: LineParts): readonly string[] {
  if (!before || after.ended || before.members.length <= after.members.length) return [];
  const owner = (room: RoomState) => (account: AccountId) =>
    findMember(room, account)?.role === "owner";
  return after.members.map(({ account }) => account)
    .filter((account) => owner(after)(account) && !owner(before)(account))
    .map((account) =>
      account === me ? "The room is yours now." : `${nameOf(account)} owns the room now.`
    );
}

function wasWaiting(account: AccountId, { before }: LineParts): boolean {
  return before !== null && findMember(before, account)?.role === "waiting";
}

function isSamePicture({ picture: a }: RoomDetails, { picture: b }: RoomDetails): boolean {
  return a === null || b === null ? a === b : equalBytes(a, b);
}

function subject(account: AccountId, { me, nameOf }: LineParts): string {
  return account === me ? "You" : nameOf(account);
}

function object(account: AccountId, { me, nameOf }: LineParts): string {
  return account === me ? "you" : nameOf(account);
}
