/**
 * Messages that will never come are counted once. Two witnesses see them: the server, which dropped
 * them from a full queue, and the session, whose numbers skip. The session knows the conversation,
 * so it goes first; what it does not explain in a while is told without one. What own devices tell each other is in no
 * conversation: a session's word about that is told when it has not come for a day, unless the server said it first.
 */
import type { Change, Writer } from "./change.ts";
import type { After } from "./link.ts";
import { META } from "./records.ts";
import type { ConversationId } from "./types.ts";

/** "meta": envelopes that the server dropped and no session has missed yet. */
const UNEXPLAINED = "gaps-unexplained";
/** "meta": envelopes that the server dropped and that sessions seem to have missed. */
const EXPLAINED = "gaps-explained";
/** "meta": messages that sessions have missed and that have not come since. */
const LEFT = "gaps-left";
/** "meta": Counted, what sessions with own devices have missed and nobody has told; `since` the oldest. */
const OWN = "gaps-own";
/** "meta": Counted, what was told of the server's count and no session has missed since; `since` the newest. */
const TOLD = "gaps-told";
/** How long what own devices tell each other may be on its way. Milliseconds. */
const OWN_WITHIN = 24 * 3_600_000;
/** How long the server's count explains what sessions miss: as long as it keeps envelopes. Milliseconds. */
const TOLD_WITHIN = 30 * OWN_WITHIN;
/** How long the sessions have to explain what the server dropped. Milliseconds. */
const EXPLAIN_WITHIN = 5_000;

interface Counted {
  readonly left: number;
  /** Milliseconds since 1970. */
  readonly since: number;
}

export interface GapsOptions {
  readonly now: () => number;
  readonly writer: Writer;
  readonly after: After;
  readonly failed: (error: unknown) => void;
}

export class Gaps {
  readonly #options: GapsOptions;
  #callOff: () => void = () => {};
  #callOffOwn: () => void = () => {};

  constructor(options: GapsOptions) {
    this.#options = options;
  }

  /**
   * Takes the server's running total of envelopes this device never got. Called in the change that
   * comes before the deliveries that follow, so that their sessions find it there.
   */
  async total(change: Change, total: number): Promise<void> {
    await this.#tellOwn(change);
    const before = await change.get<number>("meta", META.gaps) ?? 0;
    const open = await unexplained(change);
    // A server set back to an old copy counts from less; that is nothing new to tell.
    if (total !== before) change.set("meta", META.gaps, total);
    if (total > before) change.set("meta", UNEXPLAINED, open + total - before);
    if (total <= before && open === 0) return;
    change.after.push(() => this.#flushLater());
  }

  /**
   * A session has missed `count` messages of a conversation. Null: what showed it was in none that is here (devices
   * among themselves), so no line says it.
   */
  async missing(
    change: Change,
    conversation: ConversationId | null,
    count: number,
  ): Promise<void> {
    if (conversation === null) return await this.#missingOwn(change, count);
    const open = await unexplained(change);
    const explained = Math.min(open, count);
    await add(change, LEFT, count);
    await add(change, EXPLAINED, explained);
    await add(change, UNEXPLAINED, -explained);
    // Told already, without a conversation: it was nothing that own devices told each other.
    await this.#takeTold(change, count - explained);
    change.tell({ kind: "gap", conversation, count });
  }

  /**
   * What a session had missed has come after all. When sessions now miss less than they have explained, one of those
   * was not what the server dropped: that one is still to be told.
   */
  async late(change: Change): Promise<void> {
    const left = await add(change, LEFT, -1);
    if (await add(change, EXPLAINED, 0) <= left) return;
    await add(change, EXPLAINED, -1);
    await add(change, UNEXPLAINED, 1);
    change.after.push(() => this.#flushLater());
  }

  /** What no line says is missing has come. */
  async lateOwn(change: Change): Promise<void> {
    await takeOff(change, 1);
  }

  async #missingOwn(change: Change, count: number): Promise<void> {
    const more = count - await this.#takeTold(change, count);
    if (more === 0) return;
    const { left = 0, since = this.#options.now() } = await change.get<Counted>("meta", OWN) ?? {};
    change.set("meta", OWN, { left: left + more, since });
    await this.#tellOwn(change);
  }

  /** Now, if it is time, or when it is: a server that never ends a connection keeps nothing back by that. */
  async #tellOwn(change: Change): Promise<void> {
    const own = await change.get<Counted>("meta", OWN);
    if (!own) return;
    const wait = own.since + OWN_WITHIN - this.#options.now();
    if (wait > 0) return void change.after.push(() => this.#tellOwnIn(Math.min(wait, OWN_WITHIN)));
    change.remove("meta", OWN);
    change.tell({ kind: "gap", count: own.left });
  }

  #tellOwnIn(ms: number): void {
    const { after, writer, failed } = this.#options;
    this.#callOffOwn();
    this.#callOffOwn = after(ms, () => {
      writer.change((change) => this.#tellOwn(change)).catch(failed);
    });
  }

  /** Takes up to so many off what was told of the server's count; how many. Old tellings explain nothing. */
  async #takeTold(change: Change, most: number): Promise<number> {
    const told = await change.get<Counted>("meta", TOLD);
    if (!told) return 0;
    const isOld = this.#options.now() - told.since > TOLD_WITHIN;
    const taken = isOld ? 0 : Math.min(told.left, most);
    if (isOld || taken === told.left) change.remove("meta", TOLD);
    else if (taken > 0) change.set("meta", TOLD, { ...told, left: told.left - taken });
    return taken;
  }

  stop(): void {
    this.#callOff();
    this.#callOffOwn();
  }

  #flushLater(): void {
    this.#callOff();
    this.#callOff = this.#options.after(EXPLAIN_WITHIN, () => {
      this.#flush().catch(this.#options.failed);
    });
  }

  async #flush(): Promise<void> {
    await this.#options.writer.change(async (change) => {
      const count = await unexplained(change);
      if (count === 0) return;
      change.set("meta", UNEXPLAINED, 0);
      // What sessions with own devices have missed is part of it.
      const more = count - await takeOff(change, count);
      const told = await this.#takeTold(change, Infinity);
      change.set("meta", TOLD, { left: told + more, since: this.#options.now() });
      change.tell({ kind: "gap", count });
    });
  }
}

function unexplained(change: Change): Promise<number> {
  return add(change, UNEXPLAINED, 0);
}

/** Takes up to so many off what own devices have missed; how many. */
async function takeOff(change: Change, most: number): Promise<number> {
  const own = await change.get<Counted>("meta", OWN);
  if (!own) return 0;
  const left = Math.max(0, own.left - most);
  if (left === 0) change.remove("meta", OWN);
  else change.set("meta", OWN, { ...own, left });
  return own.left - left;
}

/** Adds to a count, which never goes below 0; what it is then. */
async function add(change: Change, name: string, more: number): Promise<number> {
  const before = await change.get<number>("meta", name) ?? 0;
  const now = Math.max(0, before + more);
  if (now !== before) change.set("meta", name, now);
  return now;
}
