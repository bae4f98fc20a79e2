/** Is anything missing from the history archive? Walks every device's chain by its signed heads alone. */
import { equalBytes } from "../protocol/encoding.ts";
import { FormatError, VerifyError } from "../protocol/errors.ts";
import type { DeviceId } from "../protocol/ids.ts";
import { MAX_HEADS } from "../protocol/archive_api.ts";
import { readSegment, segmentHash, type SegmentHead, verifySegment } from "../protocol/segment.ts";
import type { ArchiveApi } from "./archive_api.ts";
import type { ArchiveKeys } from "./archive_keys.ts";
import type { Head } from "./archive_records.ts";

/**
 * - `missing`: segments that a chain must have and the server did not give, or gave changed
 * - `unknown`: devices whose sign key this one never saw
 */
export interface Checked {
  readonly missing: number;
  readonly unknown: number;
}

interface Walk {
  readonly seq: number;
  readonly missing: number;
  /** Hash by seq, where another device named one. */
  readonly differs: boolean;
}

/** Null when the server did not answer. */
export async function checkArchive(
  api: ArchiveApi,
  keys: ArchiveKeys,
): Promise<Checked | null> {
  const state = await api.state();
  if (!state.ok) return null;
  const [signers, vouched] = [await keys.signers(), await keys.vouched()];
  const devices = new Set([
    ...state.value.chains.map(({ device }) => device),
    ...vouched.keys(),
  ]);
  let [missing, unknown] = [0, 0];
  for (const device of devices) {
    const sign = signers.get(device);
    if (!sign) {
      unknown++;
      continue;
    }
    const named = vouched.get(device);
    const walk = await walkChain(api, device, sign, named);
    if (walk === null) return null;
    missing += walk.missing + Math.max(0, (named?.seq ?? 0) - walk.seq) + (walk.differs ? 1 : 0);
  }
  return { missing, unknown };
}

async function walkChain(
  api: ArchiveApi,
  device: DeviceId,
  sign: Head["hash"],
  named: Head | undefined,
): Promise<Walk | null> {
  let walk: Walk = { seq: 0, missing: 0, differs: false };
  let hash: Head["hash"] | null = null;
  for (;;) {
    const answer = await api.chain({ device, after: walk.seq });
    if (!answer.ok) return null;
    const { heads } = answer.value;
    for (const head of heads) {
      const step = await judge(head, sign, device);
      // What cannot be checked cannot be passed either.
      if (step === null) return { ...walk, missing: walk.missing + 1 };
      // What was erased is no hole: a chain may begin anywhere.
      const hole = walk.seq === 0 ? 0 : step.seq - walk.seq - 1;
      const broken = hole === 0 && hash !== null &&
        (step.previous === null || !equalBytes(step.previous, hash));
      hash = await segmentHash(head);
      const differs = named?.seq === step.seq && !equalBytes(named.hash, hash);
      walk = {
        seq: step.seq,
        missing: walk.missing + hole + (broken ? 1 : 0),
        differs: walk.differs || differs,
      };
    }
    if (heads.length < MAX_HEADS) return walk;
  }
}

async function judge(head: SegmentHead, sign: Head["hash"], device: DeviceId) {
  try {
    await verifySegment(sign, head);
    const body = readSegment(head);
    return body.device === device ? body : null;
  } catch (error) {
    if (error instanceof VerifyError || error instanceof FormatError) return null;
    throw error;
  }
}
