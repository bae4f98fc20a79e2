/** The history archive of the fake server: what the real one keeps, without a database. Tests make it forget and lie. */
import {
  appendRequest,
  archiveAnswer,
  chainAnswer,
  chainRequest,
  type Cursor,
  headAnswer,
  nothing,
  readRequest,
  recentRequest,
  segmentsAnswer,
  switchRequest,
} from "../../protocol/archive_api.ts";
import { decode, encode, type Schema } from "../../protocol/codec.ts";
import type { Bytes } from "../../protocol/encoding.ts";
import type { AccountId, DeviceId } from "../../protocol/ids.ts";
import {
  type DepositEntry,
  depositEntrySchema,
  readSegment,
  type Segment,
  type SegmentBody,
  verifySegment,
} from "../../protocol/segment.ts";

export interface Kept {
  readonly no: number;
  readonly body: SegmentBody;
  readonly segment: Segment;
}

export interface Shelf {
  segments: Kept[];
  deposits: DepositEntry[];
  on: boolean;
}

const PART = 16;

export class FakeArchive {
  readonly #shelves = new Map<AccountId, Shelf>();
  #no = 0;

  shelf(account: AccountId): Shelf {
    const kept = this.#shelves.get(account) ?? { segments: [], deposits: [], on: true };
    this.#shelves.set(account, kept);
    return kept;
  }

  /** Null: there is no such path; "off": no archive is wanted. @throws {VerifyError} {@link FormatError} for what no device of ours sends */
  async answer(
    who: { readonly account: AccountId; readonly device: DeviceId; readonly sign: Bytes },
    path: string,
    sent: Bytes,
  ): Promise<Bytes | "off" | null> {
    const shelf = this.shelf(who.account);
    switch (path) {
      case "/api/archive":
        if (sent.length > 0 && !shelf.on) return "off";
        return sent.length === 0 ? state(shelf) : await this.#append(shelf, who, sent);
      case "/api/archive/recent": {
        const { bytes } = decode(recentRequest, sent);
        return page([...byTag(shelf)].flatMap(([, kept]) => upTo(kept, bytes)), null);
      }
      case "/api/archive/read": {
        const { tag, before } = decode(readRequest, sent);
        const kept = (byTag(shelf).get(tag) ?? []).filter((one) => isBefore(one, before));
        const part = kept.slice(0, PART);
        return page(part, part.at(-1) ?? null);
      }
      case "/api/archive/chain": {
        const { device, after } = decode(chainRequest, sent);
        const heads = shelf.segments.filter(({ body }) =>
          body.device === device && body.seq > after
        )
          .sort((a, b) => a.body.seq - b.body.seq).map(({ segment }) => segment.head);
        return give(chainAnswer, { heads });
      }
      case "/api/archive/deposit":
        shelf.deposits.push(decode(depositEntrySchema, sent));
        return give(nothing, {});
      case "/api/archive/switch": {
        const { on, erase } = decode(switchRequest, sent);
        shelf.on = on;
        if (erase) shelf.segments = [];
        return give(nothing, {});
      }
      default:
        return null;
    }
  }

  async #append(
    shelf: Shelf,
    { device, sign }: { readonly device: DeviceId; readonly sign: Bytes },
    sent: Bytes,
  ): Promise<Bytes> {
    const had = headOf(shelf, device);
    for (const segment of decode(appendRequest, sent).segments) {
      const body = await verifySegment(sign, segment.head, segment.sealed);
      if (body.seq > had) shelf.segments.push({ no: ++this.#no, body, segment });
    }
    return give(headAnswer, { seq: headOf(shelf, device) });
  }
}

/** The body of a kept segment, for tests that look into one. */
export const bodyOf = (segment: Segment): SegmentBody => readSegment(segment.head);

function give<T>(schema: Schema<T>, value: T): Bytes {
  return encode(schema, value);
}

function state(shelf: Shelf): Bytes {
  const devices = new Set(shelf.segments.map(({ body }) => body.device));
  const chains = [...devices].map((device) => ({ device, seq: headOf(shelf, device) }));
  const bytes = shelf.segments.reduce((sum, { segment }) => sum + segment.sealed.length, 0);
  return give(archiveAnswer, { chains, bytes, most: 2 ** 30, on: shelf.on });
}

function headOf({ segments }: Shelf, device: DeviceId): number {
  const seqs = segments.filter(({ body }) => body.device === device).map(({ body }) => body.seq);
  return Math.max(0, ...seqs);
}

/** Newest first. */
function byTag({ segments }: Shelf): Map<string, Kept[]> {
  const newest = segments.toSorted((a, b) => b.body.minute - a.body.minute || b.no - a.no);
  return Map.groupBy(newest, ({ body }) => body.tag);
}

function upTo(kept: readonly Kept[], bytes: number): Kept[] {
  let left = bytes;
  return kept.filter(({ segment }, at) => (left -= segment.sealed.length) >= 0 || at === 0);
}

function isBefore({ body, no }: Kept, before: Cursor | null): boolean {
  if (before === null) return true;
  return body.minute < before.minute || body.minute === before.minute && no < before.no;
}

function page(kept: readonly Kept[], last: Kept | null): Bytes {
  const at = ({ body: { minute }, no }: Kept) => ({ minute, no });
  const segments = kept.map((one) => ({ at: at(one), segment: one.segment }));
  return give(segmentsAnswer, { segments, next: last && at(last) });
}
