/**
 * Is anything missing from the history archive? Walks every device's chain by its signed heads alone, and holds it
 * against what the devices say of its end: to each other, and in their prekey bundles to a device that is new.
 */
import { type DeviceList, verifyFetched } from "../protocol/bundle.ts";
import { type Bytes, equalBytes } from "../protocol/encoding.ts";
import { FormatError, VerifyError } from "../protocol/errors.ts";
import type { DeviceId } from "../protocol/ids.ts";
import { MAX_HEADS } from "../protocol/archive_api.ts";
import {
  readSegment,
  type SegmentBody,
  segmentHash,
  type SegmentHead,
  type SegmentTag,
  verifySegment,
} from "../protocol/segment.ts";
import type { ArchiveApi } from "./archive_api.ts";
import type { ArchiveKeys } from "./archive_keys.ts";
import type { Head } from "./archive_records.ts";
import type { DeviceApi } from "./device_login.ts";

/**
 * - `missing`: segments that a chain must have and the server did not give, or gave changed
 * - `unknown`: devices whose sign key this one never saw
 */
export interface Checked {
  readonly missing: number;
  readonly unknown: number;
}

/** What the chains say that there is: of each conversation, the numbers by device. */
export type Heads = ReadonlyMap<SegmentTag, ReadonlyMap<DeviceId, readonly number[]>>;
type GrowingHeads = Map<SegmentTag, Map<DeviceId, number[]>>;

/** What is known of the end of a chain, from outside the archive. */
interface Ends {
  readonly head: Head | undefined;
  /** By the prekey bundle: a hash that the chain has somewhere. */
  readonly hash: Bytes | null;
}

interface Walk {
  readonly seq: number;
  readonly missing: number;
  /** Hash by seq, where another device named one. */
  readonly differs: boolean;
  /** The hash of the bundle was there. */
  readonly met: boolean;
}

/** How the own devices' bundles name the ends of their chains; `unknown` for those without one that can be believed. */
export interface NamedEnds {
  readonly hashes: ReadonlyMap<DeviceId, Bytes | null>;
  readonly unknown: number;
}

/**
 * What one's own other devices say in their bundles. Who slept for 30 days says nothing any more; any other that is
 * listed must. Null when the server did not answer.
 * @param today day since 1970-01-01 UTC
 */
export async function namedEnds(
  api: Pick<DeviceApi, "bundles">,
  list: DeviceList,
  self: DeviceId,
  today: number,
): Promise<NamedEnds | null> {
  const others = list.devices.map(({ device }) => device).filter((device) => device !== self);
  if (others.length === 0) return { hashes: new Map(), unknown: 0 };
  const answer = await api.bundles(list.account, others);
  if (!answer.ok) return null;
  const hashes = new Map<DeviceId, Bytes | null>();
  let asleep = 0;
  for (const bundle of answer.value.bundles) {
    if (!others.includes(bundle.device)) continue;
    try {
      hashes.set(bundle.device, (await verifyFetched(list, bundle, today)).archive);
    } catch (error) {
      if (!(error instanceof VerifyError || error instanceof FormatError)) throw error;
      if (error instanceof VerifyError && error.code === "dormant") asleep++;
    }
  }
  return { hashes, unknown: others.length - hashes.size - asleep };
}

/** Null when the server did not answer. */
export async function checkArchive(
  api: ArchiveApi,
  keys: ArchiveKeys,
  { hashes, unknown: unsaid }: NamedEnds,
): Promise<{ readonly checked: Checked; readonly heads: Heads } | null> {
  const known: GrowingHeads = new Map();
  const state = await api.state();
  if (!state.ok) return null;
  const [signers, vouched] = [await keys.signers(), await keys.vouched()];
  const devices = new Set([
    ...state.value.chains.map(({ device }) => device),
    ...vouched.keys(),
    ...hashes.keys(),
  ]);
  let [missing, unknown] = [0, unsaid];
  for (const device of devices) {
    const sign = signers.get(device);
    if (!sign) {
      unknown++;
      continue;
    }
    const ends: Ends = { head: vouched.get(device), hash: hashes.get(device) ?? null };
    const walk = await walkChain(api, { device, sign, known }, ends);
    if (walk === null) return null;
    missing += lacking(walk, ends);
  }
  return { checked: { missing, unknown }, heads: known };
}

/** At least so many segments. */
function lacking({ seq, missing, differs, met }: Walk, { head, hash }: Ends): number {
  const behind = Math.max(0, (head?.seq ?? 0) - seq) + (differs ? 1 : 0);
  const unmet = hash !== null && !met && behind === 0 ? 1 : 0;
  return missing + behind + unmet;
}

async function walkChain(
  api: ArchiveApi,
  { device, sign, known }: {
    readonly device: DeviceId;
    readonly sign: Bytes;
    readonly known: GrowingHeads;
  },
  ends: Ends,
): Promise<Walk | null> {
  let walk: Walk = { seq: 0, missing: 0, differs: false, met: false };
  let hash: Bytes | null = null;
  for (;;) {
    const answer = await api.chain({ device, after: walk.seq });
    if (!answer.ok) return null;
    const { heads } = answer.value;
    for (const head of heads) {
      const step = await judge(head, sign, device);
      // What cannot be checked, or stands still, cannot be passed either.
      if (step === null || step.seq <= walk.seq) return { ...walk, missing: walk.missing + 1 };
      note(known, step);
      const before = hash;
      hash = await segmentHash(head);
      walk = stepped(walk, step, { before, hash }, ends);
    }
    if (heads.length < MAX_HEADS) return walk;
  }
}

function note(known: GrowingHeads, { tag, device, seq }: SegmentBody): void {
  const devices = known.get(tag) ?? new Map<DeviceId, number[]>();
  known.set(tag, devices);
  devices.set(device, [...devices.get(device) ?? [], seq]);
}

/** What was erased is no hole: a chain may begin anywhere. */
function stepped(
  walk: Walk,
  { seq, previous }: Pick<SegmentBody, "seq" | "previous">,
  { before, hash }: { readonly before: Bytes | null; readonly hash: Bytes },
  ends: Ends,
): Walk {
  const hole = walk.seq === 0 ? 0 : seq - walk.seq - 1;
  const follows = before === null || previous !== null && equalBytes(previous, before);
  const differs = ends.head?.seq === seq && !equalBytes(ends.head.hash, hash);
  return {
    seq,
    missing: walk.missing + hole + (hole === 0 && !follows ? 1 : 0),
    differs: walk.differs || differs,
    met: walk.met || ends.hash !== null && equalBytes(ends.hash, hash),
  };
}

async function judge(head: SegmentHead, sign: Bytes, device: DeviceId) {
  try {
    await verifySegment(sign, head);
    const body = readSegment(head);
    return body.device === device ? body : null;
  } catch (error) {
    if (error instanceof VerifyError || error instanceof FormatError) return null;
    throw error;
  }
}
