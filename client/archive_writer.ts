/**
 * Writes the history archive. Messages are marked in the transaction that stores them; marks become sealed segments
 * in another, and segments leave after that. So a crash loses nothing and no segment has two forms.
 */
import type { DeviceKeys } from "../crypto/account.ts";
import { sealSegment, segmentTag } from "../crypto/archive.ts";
import { MAX_APPENDED, MAX_APPENDED_BYTES } from "../protocol/archive_api.ts";
import { utf8 } from "../protocol/encoding.ts";
import type { DeviceId } from "../protocol/ids.ts";
import { segmentHash } from "../protocol/segment.ts";
import type { ArchiveApi } from "./archive_api.ts";
import type { ArchiveKeys } from "./archive_keys.ts";
import {
  type ArchivedMessage,
  type ArchivedPerson,
  type ArchiveKey,
  archiveKeys,
  encodeSegmentContent,
  type Head,
  MAX_SEGMENT_MESSAGES,
  type OutSegment,
  PERSON_MARK,
  type SegmentContent,
} from "./archive_records.ts";
import { type Change, StoreFailed, type Writer } from "./change.ts";
import { keys } from "./records.ts";
import type { LocalStore, Row } from "./store.ts";
import { getContact, getConversation, nameOf } from "./timeline.ts";
import type { ConversationId, Message } from "./types.ts";

export interface ArchiveWriterOptions {
  readonly own: DeviceKeys;
  readonly store: LocalStore;
  readonly writer: Writer;
  readonly api: ArchiveApi;
  readonly keys: ArchiveKeys;
  readonly now: () => number;
}

/** `waits`: no key that may be written under. `full`, `off`: the server takes no more. `later`: no answer. */
export type Flushed = "done" | "waits" | "full" | "off" | "later";

/** Marks looked at in one transaction. */
const MARKS_AT_ONCE = 512;
/** Text in one segment, in bytes, from which another one begins. */
const SEGMENT_TEXT_BYTES = 24_576;
/** How long a segment that the server has is kept here, against a server that is set back. Milliseconds. */
const KEPT_MS = 7 * 24 * 3_600_000;

export class ArchiveWriter {
  readonly #o: ArchiveWriterOptions;
  /** What the server has of this device's chain; null until it was asked on this connection. */
  #had: number | null = null;

  constructor(options: ArchiveWriterOptions) {
    this.#o = options;
  }

  /** The server may be another one, or set back: it is asked again. */
  connected(): void {
    this.#had = null;
  }

  /** Seals what is marked and sends what is sealed. */
  async flush(): Promise<Flushed> {
    // What a full server does not take must not pile up here in sealed copies.
    const before = await this.#out();
    if (before !== "done") return before;
    for (;;) {
      const sealed = await this.#o.writer.change((change) => this.#seal(change));
      if (sealed === "waits") return "waits";
      if (sealed === "nothing") return await this.#out();
    }
  }

  async #out(): Promise<Flushed> {
    const deposited = await this.#deposit();
    return deposited === "done" ? await this.#send() : deposited;
  }

  /** What is marked or sealed here and not wanted any more. */
  async drop(): Promise<void> {
    const marks = await this.#list(archiveKeys.marks);
    const outs = await this.#list(archiveKeys.outs);
    await this.#o.writer.change((change) => {
      for (const { key } of [...marks, ...outs]) change.remove("meta", key);
      change.remove("device", archiveKeys.stored);
      return Promise.resolve();
    });
  }

  async #seal(change: Change): Promise<"waits" | "nothing" | "some"> {
    const marks = await this.#list<true>(archiveKeys.marks, MARKS_AT_ONCE);
    if (marks.length === 0) return "nothing";
    await this.#o.keys.look(change);
    const key = await this.#o.keys.current(change);
    if (key === null) return "waits";
    for (const [conversation, orders] of byConversation(marks)) {
      await this.#conversation(change, key, conversation, orders);
    }
    for (const { key } of marks) change.remove("meta", key);
    return "some";
  }

  async #conversation(
    change: Change,
    key: ArchiveKey,
    conversation: ConversationId,
    orders: readonly string[],
  ): Promise<void> {
    let rows: Message[] = [];
    let bytes = 0;
    const person = orders.includes(PERSON_MARK);
    for (const order of orders.filter((order) => order !== PERSON_MARK)) {
      const row = await change.get<Message>("messages", keys.message(conversation, order));
      if (!row || !isKept(row)) continue;
      if (bytes > SEGMENT_TEXT_BYTES || rows.length === MAX_SEGMENT_MESSAGES) {
        await this.#segment(change, key, conversation, rows);
        [rows, bytes] = [[], 0];
      }
      rows.push(row);
      bytes += utf8(row.text).length;
    }
    if (rows.length > 0 || person) await this.#segment(change, key, conversation, rows);
  }

  async #segment(
    change: Change,
    { id: key, secret }: ArchiveKey,
    conversation: ConversationId,
    rows: readonly Message[],
  ): Promise<void> {
    const { own, now } = this.#o;
    const before = await change.get<Head>("device", archiveKeys.chain);
    const record = await getConversation(change, conversation);
    const content = encodeSegmentContent({
      ...{ format: 1, conversation, accepted: record?.accepted ?? false },
      person: await personOf(change, conversation),
      messages: rows.map(archived),
    });
    const newest = rows.length === 0 ? now() : Math.max(...rows.map(({ time }) => time));
    const seq = (before?.seq ?? 0) + 1;
    const segment = await sealSegment(own, secret, {
      ...{ key, seq, previous: before?.hash ?? null, content },
      tag: await segmentTag(secret, conversation),
      minute: Math.floor(newest / 60_000),
    });
    const head: Head = { seq, hash: await segmentHash(segment.head) };
    const marks = rows.map(({ order }) => archiveKeys.mark(conversation, order));
    const out: OutSegment = { device: own.device, seq, at: now(), segment, marks };
    change.set("device", archiveKeys.chain, head);
    change.set("meta", archiveKeys.out(seq), out);
  }

  /** Keys first: a segment under a key that the vault will never have is no history. */
  async #deposit(): Promise<Flushed> {
    for (const { key, value } of await this.#o.keys.deposits()) {
      const taken = await this.#o.api.deposit(value);
      if (!taken.ok) return taken.status === 409 ? "full" : "later";
      await this.#o.writer.change((change) => Promise.resolve(change.remove("device", key)));
    }
    return "done";
  }

  async #send(): Promise<Flushed> {
    const { api } = this.#o;
    for (;;) {
      const had = await this.#asked();
      if (had === null) return "later";
      const outs = await this.#after(had);
      if (outs.length === 0) break;
      for (const batch of batches(outs)) {
        const answer = await api.append({ segments: batch.map(({ segment }) => segment) });
        if (!answer.ok) return REFUSED[answer.code] ?? "later";
        this.#had = answer.value.seq;
        await this.#stored(batch);
      }
    }
    await this.#tidy();
    return "done";
  }

  /** What the server has of this device's chain; asked once a connection, and not when there is nothing to send. */
  async #asked(): Promise<number | null> {
    if (this.#had !== null) return this.#had;
    if ((await this.#after(0, 1)).length === 0) return 0;
    const state = await this.#o.api.state();
    if (!state.ok) return null;
    return this.#had = seqOf(state.value.chains, this.#o.own.device);
  }

  async #after(seq: number, limit = MAX_APPENDED): Promise<OutSegment[]> {
    const page = { prefix: archiveKeys.outs, after: archiveKeys.out(seq), limit };
    const rows = await this.#o.store.list<OutSegment>("meta", page).catch((error) => {
      throw new StoreFailed(error);
    });
    return rows.map(({ value }) => value);
  }

  /** What the next prekey bundle names (docs/protocol.md "Prekeys"). */
  async #stored(sent: readonly OutSegment[]): Promise<void> {
    const last = sent.findLast(({ seq }) => seq === this.#had);
    if (!last) return;
    const head: Head = { seq: last.seq, hash: await segmentHash(last.segment.head) };
    await this.#o.writer.change((change) => {
      return Promise.resolve(change.set("device", archiveKeys.stored, head));
    });
  }

  /** The oldest first, a few at a time: there are never more to go than have come. */
  async #tidy(): Promise<void> {
    const old = this.#o.now() - KEPT_MS;
    const done = (await this.#after(0)).filter(({ seq, at }) =>
      seq <= (this.#had ?? 0) && at < old
    );
    if (done.length === 0) return;
    await this.#o.writer.change((change) => {
      for (const { seq } of done) change.remove("meta", archiveKeys.out(seq));
      return Promise.resolve();
    });
  }

  #list<T>(prefix: string, limit?: number): Promise<Row<T>[]> {
    const options = limit === undefined ? { prefix } : { prefix, limit };
    return this.#o.store.list<T>("meta", options).catch((error) => {
      throw new StoreFailed(error);
    });
  }
}

const REFUSED: Readonly<Record<string, Flushed>> = { "archive-full": "full", "archive-off": "off" };

function seqOf(
  chains: readonly { readonly device: DeviceId; readonly seq: number }[],
  own: DeviceId,
): number {
  return chains.find(({ device }) => device === own)?.seq ?? 0;
}

function byConversation(marks: readonly Row<true>[]): Map<ConversationId, string[]> {
  const grouped = new Map<ConversationId, string[]>();
  for (const { key } of marks) {
    const [conversation = "", order = ""] = key.slice(archiveKeys.marks.length).split("/");
    const orders = grouped.get(conversation as ConversationId) ?? [];
    grouped.set(conversation as ConversationId, [...orders, order]);
  }
  return grouped;
}

/** What this device has of one conversation, in pieces as they would be archived. */
export async function* contentsOf(
  store: LocalStore,
  writer: Writer,
  conversation: ConversationId,
): AsyncGenerator<SegmentContent> {
  const [person, accepted] = await writer.change(async (change) => {
    const record = await getConversation(change, conversation);
    return [await personOf(change, conversation), record?.accepted ?? false] as const;
  });
  const prefix = keys.messagesOf(conversation);
  let after = prefix;
  for (;;) {
    const page = { prefix, after, limit: MAX_SEGMENT_MESSAGES };
    const rows = await store.list<Message>("messages", page);
    const messages = rows.map(({ value }) => value).filter(isKept).map(archived);
    if (messages.length > 0) yield { format: 1, conversation, accepted, person, messages };
    if (rows.length < MAX_SEGMENT_MESSAGES) return;
    after = rows.at(-1)!.key;
  }
}

/** System lines are this device's own; what was never sent is no history; what expires stays out. */
function isKept(row: Message): boolean {
  if (row.kind !== "text" || "expires" in row) return false;
  return row.state !== "sending" && row.state !== "not sent";
}

function archived(row: Message): ArchivedMessage {
  const { id, from, device, time, text, verified } = row;
  const state = row.state === "sending" || row.state === "not sent" ? null : row.state ?? null;
  const { sender = null, mention = false } = row;
  const [arrived, , archivedAs] = row.order.split("~");
  const place = Number(archivedAs ?? arrived);
  return { id, from, device, time, place, text, verified, state, sender, mention };
}

async function personOf(
  change: Change,
  conversation: ConversationId,
): Promise<ArchivedPerson | null> {
  const contact = await getContact(change, conversation);
  if (!contact) return null;
  const { username, list: { aik, version, hash, head, previous }, verified } = contact;
  const { decided = 0, blocked = false } = contact;
  const list = { version, hash, head, previous };
  return { username, fullName: nameOf(contact), aik, list, verified, blocked, decided };
}

function* batches(outs: readonly OutSegment[]): Generator<OutSegment[]> {
  let batch: OutSegment[] = [];
  let bytes = 0;
  for (const out of outs) {
    const size = out.segment.sealed.length;
    if (batch.length > 0 && bytes + size > MAX_APPENDED_BYTES) {
      yield batch;
      [batch, bytes] = [[], 0];
    }
    batch.push(out);
    bytes += size;
  }
  if (batch.length > 0) yield batch;
}
