/**
 * Messages that will never come are counted once. Two witnesses see them: the server, which dropped
 * them from a full queue, and the session, whose numbers skip. The session knows the conversation,
 * so it goes first; what it does not explain in a while is told without one.
 */
import type { Change, Writer } from "./change.ts";
import type { After } from "./link.ts";
import { META } from "./records.ts";
import type { ConversationId } from "./types.ts";

/** "meta": envelopes that the server dropped and no session has missed yet. */
const UNEXPLAINED = "gaps-unexplained";
/** How long the sessions have to explain what the server dropped. Milliseconds. */
const EXPLAIN_WITHIN = 5_000;

export interface GapsOptions {
  readonly writer: Writer;
  readonly after: After;
  readonly failed: (error: unknown) => void;
}

export class Gaps {
  readonly #options: GapsOptions;
  #callOff: () => void = () => {};

  constructor(options: GapsOptions) {
    this.#options = options;
  }

  /**
   * Takes the server's running total of envelopes this device never got. Called in the change that
   * comes before the deliveries that follow, so that their sessions find it there.
   */
  async total(change: Change, total: number): Promise<void> {
    const before = await change.get<number>("meta", META.gaps) ?? 0;
    const open = await unexplained(change);
    // A server set back to an old copy counts from less; that is nothing new to tell.
    if (total !== before) change.set("meta", META.gaps, total);
    if (total > before) change.set("meta", UNEXPLAINED, open + total - before);
    if (total <= before && open === 0) return;
    change.after.push(() => this.#flushLater());
  }

  /** A session has missed `count` messages of a conversation. */
  async missing(change: Change, conversation: ConversationId, count: number): Promise<void> {
    const open = await unexplained(change);
    if (open > 0) change.set("meta", UNEXPLAINED, Math.max(0, open - count));
    change.tell({ kind: "gap", conversation, count });
  }

  stop(): void {
    this.#callOff();
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
      change.tell({ kind: "gap", count });
    });
  }
}

async function unexplained(change: Change): Promise<number> {
  return await change.get<number>("meta", UNEXPLAINED) ?? 0;
}
