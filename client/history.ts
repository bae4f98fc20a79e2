/**
 * The history archive of a device, put together: written as messages come and go, read back on a new device and
 * when somebody scrolls beyond what is here.
 */
import type { DeviceKeys } from "../crypto/account.ts";
import type { KeyMode } from "../crypto/private_key.ts";
import { findDevice } from "../protocol/bundle.ts";
import type { AccountId, DeviceId } from "../protocol/ids.ts";
import { type ArchiveApi, archiveApi } from "./archive_api.ts";
import type { Checked } from "./archive_check.ts";
import { ArchiveKeys } from "./archive_keys.ts";
import { ArchiveMerge, movedTo, strangerOf } from "./archive_merge.ts";
import { checkAll } from "./archive_omissions.ts";
import { ArchiveReader, upTo } from "./archive_reader.ts";
import { ArchiveCut, archiveKeys, type Head, type SegmentContent } from "./archive_records.ts";
import { ArchiveWriter, contentsOf, type Flushed } from "./archive_writer.ts";
import type { Change, Writer } from "./change.ts";
import type { ContentBody } from "./content.ts";
import type { DeviceApi } from "./device_login.ts";
import type { Directory } from "./directory.ts";
import type { After } from "./link.ts";
import type { Outbox } from "./outbox.ts";
import type { ConversationRecord } from "./records.ts";
import type { HistoryEngine, HistoryStatus } from "./history_engine.ts";
import type { LocalStore } from "./store.ts";
import { getContact } from "./timeline.ts";
import {
  type ConversationId,
  done,
  type Me,
  type Message,
  type MessagesOptions,
  type Outcome,
  refused,
} from "./types.ts";

export interface HistoryOptions {
  readonly me: Me;
  readonly own: DeviceKeys;
  readonly mode: KeyMode;
  readonly store: LocalStore;
  readonly writer: Writer;
  readonly api: DeviceApi;
  readonly directory: Directory;
  readonly outbox: Outbox;
  readonly after: After;
  readonly now: () => number;
  readonly background: (work: Promise<unknown>) => void;
  readonly wake: () => void;
}

/** How long what is new is gathered before it is sealed. Milliseconds. */
const GATHER_MS = 10_000;
/** Somebody who scrolls to the beginning of one conversation may do so in the next. Milliseconds. */
const SETTLE_MS = 5_000;
/** After an answer that did not come. Milliseconds. */
const AGAIN_MS = 60_000;
/** How soon the next of one's own devices makes the key that none has made yet. Milliseconds. */
const TURN_MS = 3_000;
/** Another device has this long to archive what never came here. Milliseconds. */
const LOST_MS = 30_000;
/** One's own other devices hear this often how far the chain goes. Milliseconds. */
const TELL_MS = 6 * 3_600_000;
/** Parts fetched for one page of a timeline. */
const MOST_PARTS = 32;

const CUT = refused("offline", "The server does not give all of it now. Try again later.");
const OFFLINE = refused("offline", "The server cannot be reached. Try again once connected.");

export class History implements HistoryEngine {
  readonly #o: HistoryOptions;
  readonly #api: ArchiveApi;
  readonly #keys: ArchiveKeys;
  readonly #writer: ArchiveWriter;
  readonly #reader: ArchiveReader;
  readonly #merge: ArchiveMerge;
  readonly #callOffs = new Map<string, () => void>();
  #flushing: Promise<Flushed> | null = null;
  #restoring: Promise<void> | null = null;
  #told = -Infinity;
  #stopped = false;

  constructor(options: HistoryOptions) {
    this.#o = options;
    const { own, mode, store, writer, outbox, now, me, directory } = options;
    const api = this.#api = archiveApi(options.api);
    const keys = this.#keys = new ArchiveKeys({ own, mode, store, outbox, now });
    this.#writer = new ArchiveWriter({ own, store, writer, api, keys, now });
    const merge = this.#merge = new ArchiveMerge({ me, store, directory });
    const people = options.api;
    this.#reader = new ArchiveReader({ own, store, writer, api, people, keys, merge });
    writer.marked = () => this.#later("flush", GATHER_MS, () => this.flush());
  }

  stop(): void {
    this.#stopped = true;
    for (const callOff of this.#callOffs.values()) callOff();
  }

  /** Connected: what waits goes out, and a new device takes in what there is. */
  async connected(): Promise<void> {
    this.#writer.connected();
    await this.#restore();
    await this.listChanged();
    await this.#askServer();
    await this.flush();
  }

  /** Envelopes never came: another own device may have archived what was in them. */
  lost(): void {
    this.#later("lost", LOST_MS, () => this.#reader.restore());
  }

  /** The own device list may have changed. */
  async listChanged(): Promise<void> {
    const { writer, own, wake } = this.#o;
    const turn = await writer.change(async (change) => {
      const news = await this.#keys.look(change);
      if (!news) return null;
      if (news.added.length > 0) await this.#tellHead(change, news.added);
      if (await this.#keys.current(change) !== null) return null;
      const devices = news.list.devices.map(({ device }) => device).sort();
      return (await this.#keys.all()).length === 0 ? null : devices.indexOf(own.device);
    });
    wake();
    if (turn === null || turn < 0) return;
    this.#later("key", turn * TURN_MS, () => this.#makeKey());
  }

  /** What another own device says about the archive; false when its list must be fetched first. */
  async control(change: Change, from: DeviceId, body: ContentBody): Promise<boolean> {
    if (body.kind === "archive-key") {
      const taken = await this.#keys.take(change, body);
      if (taken) change.after.push(() => this.#later("flush", 0, () => this.flush()));
      return taken;
    }
    if (body.kind === "archive-head") {
      const known = await change.get<Head>("device", archiveKeys.vouched(from));
      const head: Head = { seq: body.seq, hash: body.hash };
      if (head.seq > (known?.seq ?? 0)) change.set("device", archiveKeys.vouched(from), head);
    }
    return true;
  }

  /** The newest `limit` messages before `before`, from the archive where this device has no more. */
  async messages(
    conversation: ConversationId,
    options: MessagesOptions,
    local: () => Promise<Message[]>,
  ): Promise<Message[]> {
    const limit = Math.min(options.limit ?? 50, 500);
    let rows = await local();
    if (rows.length < limit && options.before !== undefined) await this.#reader.begin(conversation);
    for (let parts = 0; parts < MOST_PARTS; parts++) {
      if (!await this.#reader.hasMore(conversation)) return rows;
      const whole = upTo(rows, await this.#reader.horizon(conversation));
      if (whole.length >= limit) return whole;
      if (!await this.#reader.more(conversation)) return rows;
      if (!await this.#reader.hasMore(conversation)) this.#reachedEnd();
      rows = await local();
    }
    return rows;
  }

  /** A conversation is here to its beginning: a moment later, is it all of it? */
  #reachedEnd(): void {
    this.#later("check", SETTLE_MS, () => this.#checkSoon());
  }

  async whole(conversation: ConversationId): Promise<Outcome<null>> {
    await this.#reader.begin(conversation);
    while (await this.#reader.hasMore(conversation)) {
      if (!await this.#reader.more(conversation)) return CUT;
    }
    this.#reachedEnd();
    return done(null);
  }

  async *contents(): AsyncGenerator<SegmentContent> {
    const talks = await this.#o.store.list<ConversationRecord>("conversations");
    for (const { value: { id } } of talks) {
      const collected = await this.collect(id);
      if (!collected.ok) throw new ArchiveCut();
      yield* collected.value;
    }
  }

  async collect(id: ConversationId): Promise<Outcome<SegmentContent[]>> {
    const whole = await this.whole(id);
    if (!whole.ok) return whole;
    return done(await Array.fromAsync(contentsOf(this.#o.store, this.#o.writer, id)));
  }

  async take(
    from: AccountId,
    contents: readonly SegmentContent[],
    people: ReadonlyMap<AccountId, AccountId>,
  ): Promise<number> {
    const { me, writer, now } = this.#o;
    const who = (account: AccountId) =>
      account === from ? me.account : people.get(account) ?? account;
    let added = 0;
    for (const content of contents) {
      const moved = movedTo(content, who, { now: now(), own: from === me.account });
      added += await writer.change(async (change) => {
        const known = await getContact(change, moved.conversation);
        if (!known && moved.person) {
          await this.#merge.person(change, moved.person, strangerOf(moved));
        }
        return await this.#merge.take(change, [moved], true);
      });
    }
    return added;
  }

  flush(): Promise<Flushed> {
    if (this.#stopped) return Promise.resolve("later");
    this.#flushing ??= this.#flush().finally(() => this.#flushing = null);
    return this.#flushing;
  }

  async status(): Promise<HistoryStatus> {
    const { store } = this.#o;
    const state = await this.#api.state();
    const off = await store.get("meta", archiveKeys.off) !== undefined;
    const { bytes, most, on } = state.ok ? state.value : { bytes: null, most: null, on: true };
    const waiting = (await store.list("meta", { prefix: archiveKeys.marks })).length;
    const restored = await store.get("meta", archiveKeys.wanted) !== true;
    return { on: on && !off, bytes, most, waiting, restored };
  }

  async setOn(on: boolean): Promise<Outcome<null>> {
    return await this.#set(on, false);
  }

  async erase(): Promise<Outcome<null>> {
    const { on } = await this.status();
    return await this.#set(on, true);
  }

  async check(): Promise<Outcome<Checked>> {
    const [archive, keys, reader] = [this.#api, this.#keys, this.#reader];
    const checked = await checkAll({ ...this.#o, archive, keys, reader });
    if (checked === null) return OFFLINE;
    if (checked.missing > 0 || checked.unknown > 0) await this.#warn(INCOMPLETE);
    return done(checked);
  }

  async #set(on: boolean, erase: boolean): Promise<Outcome<null>> {
    const answer = await this.#api.set({ on, erase });
    if (!answer.ok) return answer.status === 0 ? OFFLINE : refused("internal", answer.words);
    if (!on || erase) await this.#writer.drop();
    if (erase) await this.#o.writer.change((change) => this.#keys.forgetEnds(change));
    await this.#switch(on ? "on" : "here");
    return done(null);
  }

  /** Switched off elsewhere, it may be on again. Switched off here, only here switches it on: no server does. */
  async #askServer(): Promise<void> {
    if (await this.#o.store.get("meta", archiveKeys.off) !== "elsewhere") return;
    const state = await this.#api.state();
    if (state.ok && state.value.on) await this.#switch("on");
  }

  async #switch(to: "on" | "here" | "elsewhere"): Promise<void> {
    await this.#o.writer.change((change) => {
      if (to === "on") change.remove("meta", archiveKeys.off);
      else change.set("meta", archiveKeys.off, to);
      return Promise.resolve();
    });
  }

  async #flush(): Promise<Flushed> {
    const { store, writer, wake, now } = this.#o;
    if (await store.get("meta", archiveKeys.off)) {
      await this.#writer.drop();
      return "off";
    }
    const flushed = await this.#writer.flush();
    if (flushed === "later") this.#later("flush", AGAIN_MS, () => this.flush());
    if (flushed === "waits") await this.listChanged();
    if (flushed === "full") await this.#warn(FULL);
    if (flushed === "off") {
      await this.#switch("elsewhere");
      await this.#writer.drop();
    }
    if (flushed === "done" && now() - this.#told > TELL_MS) {
      this.#told = now();
      await writer.change((change) => this.#tellHead(change));
      wake();
    }
    return flushed;
  }

  async #tellHead(change: Change, to?: readonly DeviceId[]): Promise<void> {
    const head = await change.get<Head>("device", archiveKeys.chain);
    if (head) await this.#keys.tellOwn(change, { kind: "archive-head", ...head }, to);
  }

  async #makeKey(): Promise<void> {
    const { writer, own, wake } = this.#o;
    await writer.change(async (change) => {
      const contact = await getContact(change, own.account);
      const listed = contact && findDevice(contact.list, own.device);
      if (!listed || await this.#keys.current(change) !== null) return;
      await this.#keys.open(change);
    });
    wake();
    await this.flush();
  }

  async #restore(): Promise<void> {
    this.#restoring ??= this.#restoreNow().finally(() => this.#restoring = null);
    await this.#restoring;
  }

  async #restoreNow(): Promise<void> {
    const { store, writer } = this.#o;
    if (await store.get("meta", archiveKeys.wanted) !== true) return;
    if (!await this.#reader.restore()) return;
    await writer.change((change) => {
      change.set("meta", archiveKeys.restored, true);
      return Promise.resolve(change.remove("meta", archiveKeys.wanted));
    });
    await this.#checkSoon();
  }

  /** A new device looks until it got an answer: a server must not get by in silence. */
  async #checkSoon(): Promise<void> {
    const checked = await this.check();
    if (!checked.ok) this.#later("check", AGAIN_MS, () => this.#checkSoon());
  }

  async #warn(words: string): Promise<void> {
    await this.#o.writer.change((change) => {
      change.tell({ kind: "warning", what: "history-incomplete", words });
      return Promise.resolve();
    });
  }

  /** One timer a name: the later of two calls waits for the first. */
  #later(name: string, ms: number, work: () => Promise<unknown>): void {
    if (this.#callOffs.has(name) || this.#stopped) return;
    const callOff = this.#o.after(ms, () => {
      this.#callOffs.delete(name);
      this.#o.background(work());
    });
    this.#callOffs.set(name, callOff);
  }
}

const INCOMPLETE =
  "Your history is incomplete: the server holds back some of it, or has lost it. " +
  "If you erased it lately, that is why.";
const FULL = "Your history has no more room on the server. New messages stay on your devices.";
