/**
 * Reads the history archive: the newest of every conversation for a new device, and further back when somebody
 * scrolls there. What does not open is counted, never guessed at.
 */
import type { DeviceKeys } from "../crypto/account.ts";
import { openSegment, segmentTag } from "../crypto/archive.ts";
import { DecryptError } from "../crypto/errors.ts";
import type { Cursor, SegmentsAnswer } from "../protocol/archive_api.ts";
import { equalBytes } from "../protocol/encoding.ts";
import type { DeviceId } from "../protocol/ids.ts";
import { FormatError } from "../protocol/errors.ts";
import {
  type ArchiveKeyId,
  readSegment,
  type Segment,
  type SegmentBody,
  type SegmentTag,
} from "../protocol/segment.ts";
import type { ArchiveApi } from "./archive_api.ts";
import type { ArchiveKeys } from "./archive_keys.ts";
import { type ArchiveMerge, claimOf, isFromArchive, isOnlyPinned } from "./archive_merge.ts";
import {
  type ArchivedPerson,
  type ArchiveKey,
  archiveKeys,
  decodeSegmentContent,
  type PageState,
  type SegmentContent,
} from "./archive_records.ts";
import { StoreFailed, type Writer } from "./change.ts";
import type { DeviceApi } from "./device_login.ts";
import type { PersonClaim } from "./directory.ts";
import type { LocalStore } from "./store.ts";
import { getContact } from "./timeline.ts";
import type { ConversationId, Message } from "./types.ts";

export interface ArchiveReaderOptions {
  readonly own: DeviceKeys;
  readonly store: LocalStore;
  readonly writer: Writer;
  readonly api: ArchiveApi;
  readonly people: Pick<DeviceApi, "account">;
  readonly keys: ArchiveKeys;
  readonly merge: ArchiveMerge;
}

/** Of each conversation, for a first screen of fifty short messages in small segments. Bytes. */
const SCREEN_BYTES = 32_768;
/** People looked up at the same time. */
const LOOKUPS = 8;

interface Opened {
  readonly tag: SegmentTag;
  readonly at: Cursor;
  /** Null: it did not open. */
  readonly content: SegmentContent | null;
  readonly from: Pick<SegmentBody, "device" | "seq"> | null;
}

export class ArchiveReader {
  readonly #o: ArchiveReaderOptions;
  /** Segments that did not open, since this device runs. */
  unreadable = 0;

  constructor(options: ArchiveReaderOptions) {
    this.#o = options;
  }

  /** Fetches the newest of every conversation; false when the server did not answer. */
  async restore(): Promise<boolean> {
    let before: Cursor | null = null;
    do {
      const answer = await this.#o.api.recent({ bytes: SCREEN_BYTES, before });
      if (!answer.ok || !goesOn(before, answer.value.next)) return false;
      await this.#takeRecent(await this.#open(answer.value));
      before = answer.value.next;
    } while (before !== null);
    return true;
  }

  /** Whether the archive may have more of a conversation than has been fetched. */
  async hasMore(conversation: ConversationId): Promise<boolean> {
    const page = await this.#page(conversation);
    return page !== undefined && page.tags.some(({ done }) => !done);
  }

  /** Milliseconds since 1970 from which everything archived of a conversation is here. */
  async horizon(conversation: ConversationId): Promise<number> {
    const page = await this.#page(conversation);
    const open = page?.tags.filter(({ done }) => !done) ?? [];
    const from = ({ before }: PageState["tags"][number]) => {
      return before === null ? Infinity : (before.minute + 1) * 60_000;
    };
    return Math.max(-Infinity, ...open.map(from));
  }

  /** Looks for everything of a conversation, from its newest on. */
  async begin(conversation: ConversationId): Promise<void> {
    if (await this.#page(conversation)) return;
    const tags = await this.#tags(conversation);
    await this.#put(conversation, {
      tags: tags.map((tag) => ({ tag, before: null, done: false, have: {} })),
    });
  }

  /** Fetches the next older part of a conversation; false when the server did not answer. */
  async more(conversation: ConversationId): Promise<boolean> {
    const page = await this.#page(conversation);
    const tag = page && nextOf(page);
    if (!page || !tag) return true;
    const answer = await this.#o.api.read({ tag: tag.tag, before: tag.before });
    if (!answer.ok || !goesOn(tag.before, answer.value.next)) return false;
    const opened = await this.#open(answer.value);
    const contents = opened.flatMap(({ content }) => content ?? [])
      .filter((content) => content.conversation === conversation);
    const next = answer.value.next;
    const tags = page.tags.map((one) => {
      if (one.tag !== tag.tag) return one;
      const have = withOpened(one.have, opened, one.tag);
      return { tag: one.tag, before: next ?? one.before, done: next === null, have };
    });
    await this.#o.writer.change(async (change) => {
      await this.#o.merge.take(change, contents);
      change.set("meta", archiveKeys.page(conversation), { tags } satisfies PageState);
    });
    return true;
  }

  /** Begins a conversation again from its newest; what came before is known. */
  async again(conversation: ConversationId): Promise<void> {
    const page = await this.#page(conversation);
    const tags = (page?.tags ?? []).map((tag) => ({ ...tag, before: null, done: false }));
    await this.#put(conversation, { tags });
  }

  /** The conversations that have been fetched to their beginning, and what came of them. */
  async whole(): Promise<Map<ConversationId, PageState>> {
    const rows = await this.#o.keys.pages();
    return new Map(rows.filter(([, { tags }]) => tags.every(({ done }) => done)));
  }

  /** The marks of all conversations that are known here, under all keys. */
  async tags(): Promise<Set<SegmentTag>> {
    const conversations = await this.#o.keys.conversations();
    return new Set((await Promise.all(conversations.map((one) => this.#tags(one)))).flat());
  }

  async #takeRecent(opened: readonly Opened[]): Promise<void> {
    const byConversation = new Map<ConversationId, SegmentContent[]>();
    for (const { content } of opened) {
      if (!content) continue;
      const { conversation } = content;
      byConversation.set(conversation, [...byConversation.get(conversation) ?? [], content]);
    }
    const people = await this.#people(byConversation);
    const pages = await this.#pages(opened, [...byConversation.keys()]);
    await this.#o.writer.change(async (change) => {
      for (const [person, claim] of people) await this.#o.merge.person(change, person, claim);
      for (const contents of byConversation.values()) await this.#o.merge.take(change, contents);
      for (const [conversation, page] of pages) {
        change.set("meta", archiveKeys.page(conversation), page);
      }
    });
  }

  /** Where each conversation goes on, under every key there is. */
  async #pages(
    opened: readonly Opened[],
    conversations: readonly ConversationId[],
  ): Promise<[ConversationId, PageState][]> {
    const oldest = new Map<SegmentTag, Cursor>();
    for (const { tag, at } of opened) oldest.set(tag, at);
    return await Promise.all(conversations.map(async (conversation) => {
      const before = await this.#page(conversation);
      const tags = (await this.#tags(conversation)).map((tag) => {
        const known = before?.tags.find((one) => one.tag === tag);
        return {
          tag,
          before: known?.before ?? oldest.get(tag) ?? null,
          done: known?.done ?? false,
          have: withOpened(known?.have ?? {}, opened, tag),
        };
      });
      return [conversation, { tags }] as [ConversationId, PageState];
    }));
  }

  /** Looks up the people that are not known here yet, or by their pin only. */
  async #people(
    contents: ReadonlyMap<ConversationId, readonly SegmentContent[]>,
  ): Promise<[ArchivedPerson, PersonClaim][]> {
    const known = [...contents].flatMap(([account, list]) => {
      const person = newestOf(list);
      return person ? [[account, person] as const] : [];
    });
    const found: [ArchivedPerson, PersonClaim][] = [];
    const waiting = [...known];
    const work = async () => {
      for (let next = waiting.shift(); next; next = waiting.shift()) {
        const [account, person] = next;
        const contact = await this.#o.writer.change((change) => getContact(change, account));
        const wanted = !contact || isOnlyPinned(contact);
        const answer = wanted ? await this.#o.people.account(account) : null;
        found.push([person, claimOf(account, person, answer?.ok ? answer.value : null)]);
      }
    };
    await Promise.all(Array.from({ length: LOOKUPS }, work));
    return found;
  }

  async #open(answer: SegmentsAnswer): Promise<Opened[]> {
    const keys = new Map((await this.#o.keys.all()).map((key) => [key.id, key]));
    return await Promise.all(answer.segments.map((placed) => this.#openOne(keys, placed)));
  }

  async #openOne(
    keys: ReadonlyMap<ArchiveKeyId, ArchiveKey>,
    { at, segment }: SegmentsAnswer["segments"][number],
  ): Promise<Opened> {
    const { account } = this.#o.own;
    const none = "" as ArchiveKeyId;
    try {
      const named = readKey(segment);
      const key = keys.get(named?.key ?? none);
      if (!named || !key) throw new DecryptError();
      const { body, content } = await openSegment(key.secret, account, segment);
      const decoded = decodeSegmentContent(content);
      const tag = await segmentTag(key.secret, decoded.conversation);
      if (tag !== body.tag || body.minute !== at.minute) throw new DecryptError();
      return { tag, at, content: decoded, from: body };
    } catch (error) {
      if (!(error instanceof DecryptError || error instanceof FormatError)) throw error;
      this.unreadable++;
      return { tag: readKey(segment)?.tag ?? "" as SegmentTag, at, content: null, from: null };
    }
  }

  async #tags(conversation: ConversationId): Promise<SegmentTag[]> {
    const keys = await this.#o.keys.all();
    return await Promise.all(keys.map(({ secret }) => segmentTag(secret, conversation)));
  }

  #page(conversation: ConversationId): Promise<PageState | undefined> {
    return this.#o.store.get<PageState>("meta", archiveKeys.page(conversation)).catch((error) => {
      throw new StoreFailed(error);
    });
  }

  async #put(conversation: ConversationId, page: PageState): Promise<void> {
    await this.#o.writer.change((change) => {
      return Promise.resolve(change.set("meta", archiveKeys.page(conversation), page));
    });
  }
}

/** A server that leads in circles is not followed. */
function goesOn(before: Cursor | null, next: Cursor | null): boolean {
  if (before === null || next === null) return true;
  return next.minute < before.minute || next.minute === before.minute && next.no < before.no;
}

function withOpened(
  before: PageState["tags"][number]["have"],
  opened: readonly Opened[],
  tag: SegmentTag,
): PageState["tags"][number]["have"] {
  const have: Record<DeviceId, readonly number[]> = { ...before };
  for (const { from, tag: its } of opened) {
    if (from === null || its !== tag) continue;
    const { device, seq } = from;
    have[device] = [...new Set([...have[device] ?? [], seq])];
  }
  return have;
}

/** The part that goes on nearest to now. */
function nextOf({ tags }: PageState): PageState["tags"][number] | undefined {
  const minute = (one: PageState["tags"][number]) => one.before?.minute ?? Infinity;
  return tags.filter(({ done }) => !done).sort((a, b) => minute(b) - minute(a))[0];
}

function newestOf(contents: readonly SegmentContent[]): ArchivedPerson | null {
  const people = contents.flatMap(({ person }) => person ?? []);
  const decided = people.toSorted((a, b) => b.decided - a.decided)[0];
  if (!decided) return null;
  const same = people.filter(({ aik }) => equalBytes(aik, decided.aik));
  const newest = same.toSorted((a, b) => b.list.version - a.list.version)[0] ?? decided;
  const { verified, blocked } = decided;
  return { ...newest, verified, blocked, decided: decided.decided };
}

function readKey({ head }: Segment): Pick<SegmentBody, "key" | "tag"> | null {
  try {
    return readSegment(head);
  } catch (error) {
    if (error instanceof FormatError) return null;
    throw error;
  }
}

/** Rows of a page as far as the archive has been fetched: behind that, some may be missing in between. */
export function upTo(rows: readonly Message[], horizon: number): Message[] {
  return rows.filter(({ order, time }) => !isFromArchive(order) || time >= horizon);
}
