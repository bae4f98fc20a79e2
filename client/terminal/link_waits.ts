/** The waits of linking at a terminal: a new one for the word of another device, a signed-in one for its answer. */
import type { After } from "../link.ts";
import type { LinkApproval } from "../link_approving.ts";
import type { LinkWait } from "../link_waiting.ts";
import { done, type Outcome, refused } from "../types.ts";

/** Between two looks. Milliseconds. */
const ASK_MS = 1_000;
/** A device that waits looks every second: one that has not answered after so many looks is not there. */
const MOST_LOOKS = 30;

/** What a new terminal hears while it waits. */
export interface LinkTold {
  /** Another device has the code, and asks for these digits. */
  readonly met: (username: string, digits: string) => void;
  /** This terminal is a device of the account now. */
  readonly entered: () => Promise<void>;
  readonly over: (words: string) => void;
}

export interface LinkingParts extends LinkTold {
  readonly wait: LinkWait;
  /** Makes this terminal the new device. */
  readonly enter: () => Promise<Outcome<unknown>>;
  readonly after: After;
}

/** Looks every second until the other device has said yes, it is over, or somebody stops it. */
export class Linking {
  readonly #o: LinkingParts;
  readonly #stopped = Promise.withResolvers<void>();
  #isStopped = false;
  #wasMet = false;

  constructor(options: LinkingParts) {
    this.#o = options;
  }

  stop(): void {
    this.#isStopped = true;
    this.#stopped.resolve();
  }

  async run(): Promise<void> {
    const { wait, over } = this.#o;
    while (!this.#isStopped) {
      const news = await wait.look();
      if (this.#isStopped) return;
      // No answer is no end: the request is good for ten minutes.
      if (!news.ok && news.code !== "offline") return over(news.words);
      if (news.ok && news.value.state === "handed") return await this.#enter();
      if (news.ok && news.value.state === "met") this.#meet(news.value);
      await this.#pause();
    }
  }

  async #pause(): Promise<void> {
    const again = Promise.withResolvers<void>();
    const callOff = this.#o.after(ASK_MS, again.resolve);
    await Promise.race([again.promise, this.#stopped.promise]);
    callOff();
  }

  #meet({ username, check }: { readonly username: string; readonly check: string }): void {
    if (this.#wasMet) return;
    this.#wasMet = true;
    this.#o.met(username, check);
  }

  async #enter(): Promise<void> {
    let entered = await this.#o.enter();
    // An answer that was lost is found by the next try.
    while (!entered.ok && entered.code === "offline") {
      await this.#pause();
      if (this.#isStopped) return;
      entered = await this.#o.enter();
    }
    if (entered.ok) await this.#o.entered();
    else this.#o.over(entered.words);
  }
}

/** Waits until the new device has answered. */
export async function untilMet(approval: LinkApproval, after: After): Promise<Outcome<null>> {
  for (let looks = 0; looks < MOST_LOOKS; looks++) {
    const met = await approval.isMet();
    if (!met.ok && met.code !== "offline") return met;
    if (met.ok && met.value) return done(null);
    await pause(after, ASK_MS);
  }
  await approval.drop();
  return refused("not-available", "The new device does not answer. Try again with a new code.");
}

function pause(after: After, ms: number): Promise<void> {
  return new Promise((resolve) => void after(ms, resolve));
}
