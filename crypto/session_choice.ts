/** Which of several sessions with one peer device is used, and which are let go. Pure rules, no keys. */
import type { Envelope } from "../protocol/envelope.ts";
import { idBytes, type SessionId } from "../protocol/ids.ts";
import {
  MAX_SESSIONS_PER_DEVICE,
  MAX_SKIPPED_PER_DEVICE,
  OLD_SESSION_LIFETIME_MS,
} from "../protocol/limits.ts";
import { countSkipped, limitSkipped } from "./ratchet/state.ts";
import type { SessionState } from "./session.ts";

/** What the rules look at. */
export type SessionFacts = Pick<
  SessionState,
  "id" | "role" | "confirmed" | "supersedes" | "createdAt" | "receivedAt"
>;

/**
 * Where an envelope from a peer device goes. Decided before any key is touched.
 *
 * - `session`: its session exists and judges it, duplicates of the opening included
 * - `accept`: an opening of a new session
 * - `drop`: the opening of a session that is gone; its T is remembered, so this is a replay
 * - `unknown`: an ordinary message of no known session; three of these call for a fresh opening
 */
export function routeEnvelope(
  envelope: Pick<Envelope, "kind">,
  known: { readonly session: boolean; readonly remembered: boolean },
): "session" | "accept" | "drop" | "unknown" {
  if (known.session) return "session";
  if (envelope.kind === "ordinary") return "unknown";
  return known.remembered ? "drop" : "accept";
}

/**
 * The session to send on, of those with one peer device; null when there is none.
 *
 * A superseded session only receives. When both sides opened at once, neither names the other: the
 * smaller id sends as soon as it is confirmed, until then the confirmed one does. Both sides come to
 * the same choice whatever the order of arrival. Of several openings from one side that do not name
 * each other (that side lost the earlier ones), the newest counts. An opening from a side that has
 * used our session before and does not name it says the same: that side has lost it.
 */
export function chooseActive<S extends SessionFacts>(sessions: readonly S[]): S | null {
  const named = new Set<SessionId>(sessions.flatMap(({ supersedes }) => supersedes));
  const standing = sessions.filter(({ id }) => !named.has(id));
  const candidates = (standing.length ? standing : sessions)
    .filter((session, _, all) => !all.some((other) => isForgottenFor(other, session)));
  const roles = (["initiator", "responder"] as const)
    .map((role) => newest(candidates.filter((session) => session.role === role)))
    .filter((session) => session !== null);
  return roles.sort(bySending)[0] ?? null;
}

/**
 * The active session and at most four older ones that something came on in the last 30 days.
 * @param now ms since 1970
 */
export function pruneSessions<S extends SessionFacts>(
  sessions: readonly S[],
  now: number,
): { readonly keep: S[]; readonly drop: S[] } {
  const active = chooseActive(sessions);
  const older = sessions.filter((session) => session !== active)
    .filter((session) => now - lastUse(session) <= OLD_SESSION_LIFETIME_MS)
    .sort((a, b) => lastUse(b) - lastUse(a) || compareIds(a.id, b.id))
    .slice(0, MAX_SESSIONS_PER_DEVICE - 1);
  const keep = active ? [active, ...older] : [];
  return { keep, drop: sessions.filter((session) => !keep.includes(session)) };
}

/**
 * The sessions of a whole device that hold more skipped keys than it may (20,000; none over 30 days),
 * without the surplus. Those that were quiet longest lose theirs first.
 * @returns only the changed states
 */
export function pruneSkipped(sessions: readonly SessionState[], now: number): SessionState[] {
  let left = MAX_SKIPPED_PER_DEVICE;
  const byUse = sessions.toSorted((a, b) => lastUse(b) - lastUse(a));
  return byUse.flatMap((session) => {
    const ratchet = limitSkipped(session.ratchet, left, now);
    left -= countSkipped(ratchet);
    return countSkipped(ratchet) < countSkipped(session.ratchet) ? [{ ...session, ratchet }] : [];
  });
}

/** Order of session ids: as the 16 bytes they are. */
export function compareIds(a: SessionId, b: SessionId): number {
  const [left, right] = [idBytes(a), idBytes(b)];
  const at = left.findIndex((byte, index) => byte !== right[index]);
  return at < 0 ? 0 : left[at]! - right[at]!;
}

/**
 * Whether the peer, having used `ours`, opened `theirs` without naming it and never used `ours` again.
 * In a simultaneous opening `ours` was not used yet, or is used again, in the same millisecond at the earliest: then
 * the ids decide.
 */
function isForgottenFor(theirs: SessionFacts, ours: SessionFacts): boolean {
  if (theirs.role !== "responder" || ours.role !== "initiator" || !ours.confirmed) return false;
  return ours.receivedAt < theirs.createdAt && ours.createdAt <= theirs.createdAt;
}

function newest<S extends SessionFacts>(sessions: readonly S[]): S | null {
  const ordered = sessions.toSorted((a, b) => b.createdAt - a.createdAt || compareIds(a.id, b.id));
  return ordered[0] ?? null;
}

function bySending(a: SessionFacts, b: SessionFacts): number {
  return Number(b.confirmed) - Number(a.confirmed) || compareIds(a.id, b.id);
}

function lastUse({ createdAt, receivedAt }: SessionFacts): number {
  return Math.max(createdAt, receivedAt);
}
