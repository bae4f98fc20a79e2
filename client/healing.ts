/**
 * When a peer device uses sessions we do not have, it or we lost something, and a fresh opening sets
 * it right. Only unknown session ids count, never failed tags: whoever can damage envelopes must not
 * be able to make us open sessions (protocol.md "Healing").
 */
import { findDevice } from "../protocol/bundle.ts";
import { type AccountId, type DeviceId, randomId, type SessionId } from "../protocol/ids.ts";
import {
  HEALING_THRESHOLD,
  HEALING_WAITS_MS,
  MAX_OPENINGS_PER_HOUR,
  MAX_SESSIONS_PER_DEVICE,
} from "../protocol/limits.ts";
import type { Change } from "./change.ts";
import type { Outbox } from "./outbox.ts";
import type { Healing, PeerDevice } from "./records.ts";
import { peerDevice, putPeer } from "./sessions.ts";
import type { Supplies, Supply } from "./supplies.ts";
import { addLine, getContact, nameOf } from "./timeline.ts";

const HOUR_MS = 3_600_000;
/** After this long without another healing the waits begin anew. */
const CALM_MS = 7 * 24 * HOUR_MS;

/** Counts an envelope under an unknown session id; true when a fresh opening is due. */
export async function countUnknown(
  change: Change,
  from: { readonly account: AccountId; readonly device: DeviceId },
  session: SessionId,
  now: number,
): Promise<boolean> {
  const contact = await getContact(change, from.account);
  // Who sent it is the server's word. A device that nobody vouches for gets no session from us.
  if (!contact || contact.changed || !findDevice(contact.list, from.device)) return false;
  const peer = await peerDevice(change, from.account, from.device);
  const others = peer.healing.unknown.filter((id) => id !== session);
  const unknown = [...others, session].slice(-MAX_SESSIONS_PER_DEVICE);
  const healing = { ...peer.healing, unknown, count: peer.healing.count + 1 };
  putPeer(change, { ...peer, healing });
  return healing.count >= HEALING_THRESHOLD && now >= healing.at + waitOf(healing);
}

function waitOf({ healings }: Healing): number {
  if (healings === 0) return 0;
  return HEALING_WAITS_MS[Math.min(healings, HEALING_WAITS_MS.length) - 1]!;
}

/** Opens a fresh session with a device and tells it, and the person, how many messages were lost. */
export async function heal(
  parts: { readonly supplies: Supplies; readonly outbox: Outbox; readonly now: () => number },
  account: AccountId,
  device: DeviceId,
): Promise<Supply> {
  const { supplies, outbox, now } = parts;
  return await supplies.bundles(account, [device], async (change) => {
    const peer = await peerDevice(change, account, device);
    const lost = peer.healing.count;
    if (lost === 0) return;
    const calm = now() - peer.healing.at > CALM_MS;
    const healings = (calm ? 0 : peer.healing.healings) + 1;
    putPeer(change, { ...peer, healing: { unknown: [], count: 0, healings, at: now() } });
    const body = { kind: "healing", lost } as const;
    await outbox.stage(change, {
      id: randomId(),
      conversation: account,
      body,
      time: now(),
      copy: false,
    });
    await tellLost(change, account, device, lost, now());
  });
}

async function tellLost(
  change: Change,
  account: AccountId,
  device: DeviceId,
  lost: number,
  time: number,
): Promise<void> {
  const contact = await getContact(change, account);
  const name = contact ? nameOf(contact) : "this person";
  const text = `${messages(lost)} from ${name} could not be read. New ones can be.`;
  await addLine(change, "missing", { conversation: account, text, time }, { account, device });
  change.tell({ kind: "gap", conversation: account, count: lost });
}

/** "1 message", "5 messages". */
export function messages(count: number): string {
  return count === 1 ? "1 message" : `${count} messages`;
}

/** Counts an opening that a device made; null when it has made too many this hour. */
export function countOpening(peer: PeerDevice, now: number): PeerDevice | null {
  const recent = peer.openings.filter((at) => now - at < HOUR_MS && at <= now);
  if (recent.length >= MAX_OPENINGS_PER_HOUR) return null;
  return { ...peer, openings: [...recent, now] };
}
