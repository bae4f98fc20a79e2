/**
 * The way to the history archive, whose code comes when it is needed: a page shows its first screen without it. What
 * is to be archived is marked all the same, in the transactions that store messages.
 */
import { type Change, PAGES, StoreFailed } from "./change.ts";
import type { ContentBody } from "./content.ts";
import type { History, HistoryOptions } from "./history.ts";
import type { HistoryEngine } from "./history_engine.ts";
import { loadedOnce } from "./loaded_once.ts";
import type { DeviceId } from "../protocol/ids.ts";
import type { ConversationId, Message, MessagesOptions } from "./types.ts";

export interface HistoryDoorOptions extends HistoryOptions {
  /** The code could not be had; the next connection tries again. */
  readonly unavailable: (error: unknown) => void;
}

export class HistoryDoor implements HistoryEngine {
  readonly #o: HistoryDoorOptions;
  readonly #enter = loadedOnce(() => this.#load());
  #open: History | null = null;
  #stopped = false;

  constructor(options: HistoryDoorOptions) {
    this.#o = options;
  }

  stop(): void {
    this.#stopped = true;
    this.#open?.stop();
  }

  /** Connected: what waits goes out, and a new device takes in what there is. */
  async connected(): Promise<void> {
    const history = await this.#ifThere();
    await history?.connected();
  }

  /** Envelopes never came. */
  lost(): void {
    this.#o.background(this.#ifThere().then((history) => history?.lost()));
  }

  /** The own device list may have changed. */
  async listChanged(): Promise<void> {
    const history = await this.#ifThere();
    await history?.listChanged();
  }

  /** What another own device says about the archive. Not now: it comes again. @throws {StoreFailed} */
  async control(change: Change, from: DeviceId, body: ContentBody): Promise<boolean> {
    const history = await this.#enter().catch((error) => {
      throw new StoreFailed(error);
    });
    return await history.control(change, from, body);
  }

  /** Local rows need no archive; those of a conversation that was restored, or is scrolled back, do. */
  async messages(
    conversation: ConversationId,
    options: MessagesOptions,
    local: () => Promise<Message[]>,
  ): Promise<Message[]> {
    const plain = options.before === undefined &&
      await this.#o.store.get("meta", `${PAGES}${conversation}`) === undefined;
    const history = plain ? null : await this.#ifThere();
    return history ? await history.messages(conversation, options, local) : await local();
  }

  async status(): ReturnType<HistoryEngine["status"]> {
    return await (await this.#enter()).status();
  }

  async setOn(on: boolean): ReturnType<HistoryEngine["setOn"]> {
    return await (await this.#enter()).setOn(on);
  }

  async erase(): ReturnType<HistoryEngine["erase"]> {
    return await (await this.#enter()).erase();
  }

  async flush(): ReturnType<HistoryEngine["flush"]> {
    return await (await this.#enter()).flush();
  }

  async whole(conversation: ConversationId): ReturnType<HistoryEngine["whole"]> {
    return await (await this.#enter()).whole(conversation);
  }

  async *contents(): ReturnType<History["contents"]> {
    yield* (await this.#enter()).contents();
  }

  async collect(conversation: ConversationId): ReturnType<HistoryEngine["collect"]> {
    return await (await this.#enter()).collect(conversation);
  }

  async take(...args: Parameters<HistoryEngine["take"]>): ReturnType<HistoryEngine["take"]> {
    return await (await this.#enter()).take(...args);
  }

  async check(): ReturnType<HistoryEngine["check"]> {
    return await (await this.#enter()).check();
  }

  async #ifThere(): Promise<History | null> {
    return await this.#enter().catch((error) => {
      this.#o.unavailable(error);
      return null;
    });
  }

  async #load(): Promise<History> {
    const { History } = await import("./engine_more.ts");
    const history = this.#open = new History(this.#o);
    if (this.#stopped) history.stop();
    return history;
  }
}
