/** Keeps one certificate good: asks, keeps what comes, and tries again when something is in the way. */
import { type AcmeOutcome, type Answers, obtainCertificate } from "./acme.ts";
import { type DoorConfig, openDoor } from "./acme_door.ts";
import { dueAt, dueAtStart, FAILURES_AN_HOUR, shownWait } from "./acme_schedule.ts";
import {
  type Issued,
  issued,
  keepIssued,
  keepTries,
  readAccountKey,
  readTries,
  type Tries,
} from "./acme_store.ts";
import { type Problem, problemWords } from "./acme_words.ts";
import type { AcmeSettings, Config } from "./config.ts";
import type { CertificatePair, Listener } from "./listener.ts";
import type { Log } from "./log.ts";
import { type Pause, pauseFor } from "./pause.ts";

/** Never asks more often than this, whatever the clock does. */
const SHORTEST_PAUSE = 60_000;
/** Looks at the clock this often at least: it may have been put right. */
const LONGEST_PAUSE = 12 * 3_600_000;

/** What keeping needs from outside. */
export interface AcmeIo {
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly log: Log;
  /** For people. */
  readonly say: (line: string) => void;
  /** Resolves after so many milliseconds, or when the signal says stop. */
  readonly pause?: Pause;
  /** First wait between two looks at an order, in milliseconds. */
  readonly patience?: number;
}

/** The settings that matter here. */
export type AcmeConfig = DoorConfig & Pick<Config, "dataDir">;

/** Takes a new certificate. */
export type Take = (pair: CertificatePair) => void;

/** A certificate in words. */
export function goodFor({ until }: Issued, { domain }: AcmeSettings): string {
  const day = new Date(until).toISOString().slice(0, 10);
  return `Certificate for ${domain}, good until ${day}; it is renewed by itself.`;
}

/** One server's certificate. */
export class Keeper {
  readonly #answers: Answers = new Map();
  readonly #stop = new AbortController();
  readonly #settings: AcmeSettings;
  #door: Promise<Listener> | undefined;

  constructor(
    readonly config: AcmeConfig,
    readonly io: AcmeIo,
    /** The PEM text of the private authority's certificate. */
    readonly ca: string | undefined,
    /** The certificate there is. */
    public found: Issued | null,
  ) {
    this.#settings = config.acme!;
  }

  /** @throws {Error} in words when the port cannot be had */
  async openDoor(): Promise<void> {
    this.#door ??= openDoor(this.config, this.#answers, this.io.log);
    try {
      await this.#door;
    } catch (error) {
      this.#door = undefined;
      throw error;
    }
  }

  /** Runs until `close`; `take` gets every new certificate. */
  async run(take: Take): Promise<void> {
    const stop = this.#stop.signal;
    const pause = this.io.pause ?? pauseFor;
    let tries = await readTries(this.config.dataDir, this.#settings);
    let due = dueAtStart(this.found, tries, this.io.now());
    while (!stop.aborted) {
      const left = due - this.io.now();
      if (left > 0) {
        await pause(Math.min(left, LONGEST_PAUSE), stop);
        continue;
      }
      const outcome = await this.#attempt();
      if (stop.aborted) return;
      if ("error" in outcome) this.io.log.error("acme.fault", { error: outcome.error });
      tries = "pair" in outcome
        ? await this.#succeeded(outcome.pair, take)
        : await this.#failed(tries, outcome.problem);
      due = Math.max(dueAt(this.found, tries), this.io.now() + SHORTEST_PAUSE);
    }
  }

  /** Ends what is under way and closes the door. */
  async close(): Promise<void> {
    this.#stop.abort();
    const door = await this.#door?.catch(() => undefined);
    await door?.close();
  }

  async #attempt(): Promise<AcmeOutcome> {
    const trouble = (type: string): AcmeOutcome => ({ problem: { type, retryAfter: 0 } });
    const open = await this.openDoor().then(() => true, () => false);
    if (!open) return trouble("port");
    const accountKey = await readAccountKey(this.config.dataDir).catch((error) => {
      this.io.log.warn("acme.disk", { error });
      return null;
    });
    if (accountKey === null) return trouble("disk");
    return await obtainCertificate({
      settings: this.#settings,
      accountKey,
      ca: this.ca,
      answers: this.#answers,
      stop: this.#stop.signal,
      ...(this.io.patience === undefined ? {} : { patience: this.io.patience }),
    });
  }

  async #succeeded(pair: CertificatePair, take: Take): Promise<Tries> {
    this.found = issued(pair);
    try {
      take(pair);
      this.io.log.info("certificate.renewed");
    } catch (error) {
      // Whatever is wrong with it, the next one must still be asked for.
      this.io.log.error("certificate.refused", { error });
    }
    this.io.say(goodFor(this.found, this.#settings));
    return await this.#remember({ failures: 0, failedAt: [], quietUntil: 0, problem: "" }, pair);
  }

  async #failed(before: Tries | null, problem: Problem): Promise<Tries> {
    const now = this.io.now();
    const words = problemWords(problem, this.#settings);
    const failures = (before?.failures ?? 0) + 1;
    const tries = await this.#remember({
      failures,
      failedAt: [...before?.failedAt ?? [], now].slice(-FAILURES_AN_HOUR),
      quietUntil: now + problem.retryAfter * 1000,
      problem: words,
    });
    const wait = Math.max(dueAt(null, tries) - now, SHORTEST_PAUSE);
    const what = this.found === null ? "No certificate yet" : "The certificate is not renewed yet";
    this.io.log.warn("acme.failed", { code: problem.type, count: failures });
    this.io.say(`${what}: ${words} Trying again in ${shownWait(wait)}.`);
    return tries;
  }

  /** A certificate that cannot be written down is used all the same, until the next start. */
  async #remember(
    past: Omit<Tries, "directory" | "domain">,
    pair?: CertificatePair,
  ): Promise<Tries> {
    const { directory, domain } = this.#settings;
    const tries = { ...past, directory, domain };
    try {
      if (pair !== undefined) await keepIssued(this.config.dataDir, pair);
      await keepTries(this.config.dataDir, tries);
    } catch (error) {
      this.io.log.warn("acme.disk", { error });
      this.io.say(`${this.config.dataDir}: what is known of the certificate cannot be written.`);
    }
    return tries;
  }
}
