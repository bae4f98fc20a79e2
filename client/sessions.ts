/** Which sessions there are with each peer device, and where their states lie in the store. */
import {
  chooseActive,
  pruneSessions,
  pruneSkipped,
  type SessionFacts,
} from "../crypto/session_choice.ts";
import type { SessionState } from "../crypto/session.ts";
import type { AccountId, DeviceId, SessionId } from "../protocol/ids.ts";
import type { Change } from "./change.ts";
import { keys, type PeerDevice } from "./records.ts";
import type { LocalStore } from "./store.ts";

/** What is known of a peer device; nothing yet gives an empty record. */
export async function peerDevice(
  change: Change,
  account: AccountId,
  device: DeviceId,
): Promise<PeerDevice> {
  return await change.get<PeerDevice>("sessions", keys.peer(account, device)) ??
    { account, device, sessions: [], openings: [], healing: NEVER_HEALED };
}

const NEVER_HEALED = { unknown: [], count: 0, healings: 0, at: 0 };

export function putPeer(change: Change, peer: PeerDevice): void {
  change.set("sessions", keys.peer(peer.account, peer.device), peer);
}

/** The session to send on; null when one must be opened first. */
export async function activeSession(
  change: Change,
  account: AccountId,
  device: DeviceId,
): Promise<SessionState | null> {
  const peer = await peerDevice(change, account, device);
  const active = chooseActive(peer.sessions);
  return active && await findSession(change, active.id) || null;
}

export function findSession(change: Change, id: SessionId): Promise<SessionState | undefined> {
  return change.get<SessionState>("sessions", keys.session(id));
}

/** A stepped session. Sending changes nothing that the choice among sessions looks at. */
export function putSent(change: Change, state: SessionState): void {
  change.set("sessions", keys.session(state.id), state);
}

/** A new or stepped session, with the peer's record brought up to date; surplus sessions go. */
export async function putSession(change: Change, state: SessionState, now: number): Promise<void> {
  const { account, device } = state.peer;
  const peer = await peerDevice(change, account, device);
  const others = peer.sessions.filter(({ id }) => id !== state.id);
  const { keep, drop } = pruneSessions([...others, factsOf(state)], now);
  for (const { id } of drop) change.remove("sessions", keys.session(id));
  putPeer(change, { ...peer, sessions: keep });
  if (keep.some(({ id }) => id === state.id)) putSent(change, state);
}

/** Forgets a device that is no longer listed. */
export async function removePeer(
  change: Change,
  account: AccountId,
  device: DeviceId,
): Promise<void> {
  const peer = await peerDevice(change, account, device);
  for (const { id } of peer.sessions) change.remove("sessions", keys.session(id));
  change.remove("sessions", keys.peer(account, device));
}

/** Keeps the skipped keys of the whole device within their limit and age; for once a day. */
export async function pruneDevice(change: Change, store: LocalStore, now: number): Promise<void> {
  const rows = await store.list<SessionState>("sessions", { prefix: "session/" });
  for (const state of pruneSkipped(rows.map(({ value }) => value), now)) putSent(change, state);
}

function factsOf(state: SessionState): SessionFacts {
  const { id, role, confirmed, supersedes, createdAt, receivedAt } = state;
  return { id, role, confirmed, supersedes, createdAt, receivedAt };
}
