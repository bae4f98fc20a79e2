/**
 * The history archive of an account, for its signed-in devices: sealed segments go in at the end of
 * the device's own chain and come out as they are. Nothing here can open one.
 */
import type { CheckedSegment } from "../db/archive.ts";
import {
  type AppendRequest,
  type ArchiveAnswer,
  type ChainAnswer,
  type ChainRequest,
  type HeadAnswer,
  MAX_APPENDED_BYTES,
  MAX_DEPOSITS,
  MAX_HEADS,
  MAX_SEGMENTS,
  MAX_SEGMENTS_BYTES,
  type ReadRequest,
  type RecentRequest,
  type SegmentsAnswer,
  type SwitchRequest,
} from "../protocol/archive_api.ts";
import { type Bytes, equalBytes } from "../protocol/encoding.ts";
import { FormatError, VerifyError } from "../protocol/errors.ts";
import { type DepositEntry, readDeposit, segmentHash, verifySegment } from "../protocol/segment.ts";
import { verifySignature } from "../protocol/verify.ts";
import type { AuthDeps } from "./deps.ts";
import type { Limiter } from "./limits.ts";
import type { DeviceLogin } from "./logins.ts";
import { done, type Outcome, refused } from "./outcome.ts";

/** Reading and appending. */
export interface Archives {
  state(login: Pick<DeviceLogin, "account">): Promise<ArchiveAnswer>;
  append(login: DeviceLogin, sent: AppendRequest): Promise<Outcome<HeadAnswer>>;
  recent(login: DeviceLogin, wanted: RecentRequest): Promise<Outcome<SegmentsAnswer>>;
  read(login: DeviceLogin, wanted: ReadRequest): Promise<Outcome<SegmentsAnswer>>;
  chain(login: DeviceLogin, wanted: ChainRequest): Promise<Outcome<ChainAnswer>>;
  deposit(login: DeviceLogin, entry: DepositEntry): Promise<Outcome<null>>;
  set(login: Pick<DeviceLogin, "account">, wanted: SwitchRequest): Promise<void>;
}

const PAGE = { segments: MAX_SEGMENTS, bytes: MAX_SEGMENTS_BYTES };
/** Of one conversation: some screens further back. */
const PART = { segments: 128, bytes: 98_304 };

/** Archives over the store. */
export function createArchives({ store, limits, log }: AuthDeps, limiter: Limiter): Archives {
  const { archive, devices } = store;

  async function signKeyOf({ device, account }: DeviceLogin): Promise<Bytes | null> {
    const found = await devices.find(device);
    return found?.account === account ? found.sign : null;
  }

  async function append(login: DeviceLogin, sent: AppendRequest): Promise<Outcome<HeadAnswer>> {
    const sign = await signKeyOf(login);
    if (sign === null) return refused("sign-in-needed");
    const checked = await check(login, sign, sent);
    if (checked === null) return refused("bad-segment");
    const { account, device } = login;
    const seq = await archive.append(account, device, checked, limits.archiveBytes);
    if (seq === "off") return refused("archive-off");
    if (seq !== "full") return done({ seq });
    log.info("archive.full");
    return refused("archive-full");
  }

  /** What is large to answer is answered so often an hour. */
  async function limited<T>(account: string, work: () => Promise<T>): Promise<Outcome<T>> {
    const allowed = await limiter.archiveRead(account);
    return allowed.ok ? done(await work()) : allowed;
  }

  async function read(
    { account }: DeviceLogin,
    { tag, before }: ReadRequest,
  ): Promise<SegmentsAnswer> {
    const segments = await archive.read(account, tag, before, PART);
    // One more question is cheaper than looking whether there is more.
    return { segments, next: segments.at(-1)?.at ?? null };
  }

  async function deposit(login: DeviceLogin, entry: DepositEntry): Promise<Outcome<null>> {
    const sign = await signKeyOf(login);
    if (sign === null) return refused("sign-in-needed");
    const body = orNull(() => readDeposit(entry));
    const own = body?.account === login.account && body.device === login.device;
    const valid = body && own &&
      await verifySignature(sign, "deposit", entry.body, entry.signature);
    if (!valid) return refused("bad-segment");
    return await archive.deposit(body, entry, MAX_DEPOSITS) ? done(null) : refused("archive-full");
  }

  return {
    append,
    deposit,
    read: (login, wanted) => limited(login.account, () => read(login, wanted)),
    state: async ({ account }) => ({
      ...await archive.state(account),
      most: limits.archiveBytes,
    }),
    recent: ({ account }, { bytes, before }) =>
      limited(account, () => archive.recent(account, bytes, before, PAGE)),
    chain: ({ account }, { device, after }) =>
      limited(account, async () => ({
        heads: await archive.chain(account, device, after, MAX_HEADS),
      })),
    set: ({ account }, { on, erase }) => archive.set(account, on, erase),
  };
}

/**
 * Signed by this device, each following the one before. A chain may skip what a server that was restored from
 * a backup has lost: readers see the hole.
 */
async function check(
  login: DeviceLogin,
  sign: Bytes,
  { segments }: AppendRequest,
): Promise<CheckedSegment[] | null> {
  if (segments.reduce((sum, { sealed }) => sum + sealed.length, 0) > MAX_APPENDED_BYTES) {
    return null;
  }
  const checked: CheckedSegment[] = [];
  let before: { readonly seq: number; readonly hash: Bytes } | null = null;
  for (const segment of segments) {
    const body = await verified(sign, segment);
    if (body === null || body.seq < 1) return null;
    if (body.account !== login.account || body.device !== login.device) return null;
    const follows = before === null ||
      body.seq === before.seq + 1 && body.previous !== null &&
        equalBytes(body.previous, before.hash);
    if (!follows || (body.seq === 1) !== (body.previous === null)) return null;
    checked.push({ body, segment });
    before = { seq: body.seq, hash: await segmentHash(segment.head) };
  }
  return checked;
}

async function verified(sign: Bytes, { head, sealed }: AppendRequest["segments"][number]) {
  try {
    return await verifySegment(sign, head, sealed);
  } catch (error) {
    if (error instanceof FormatError || error instanceof VerifyError) return null;
    throw error;
  }
}

function orNull<T>(read: () => T): T | null {
  try {
    return read();
  } catch (error) {
    if (error instanceof FormatError) return null;
    throw error;
  }
}
