/** Letters under way: letters to owners are sent without being waited for, and the end has to wait for them. */
import type { Mailer } from "./deps.ts";

/** A mailer that knows what it is sending. */
export interface WatchedMailer extends Mailer {
  /** Resolves once nothing is under way, or after `ms`: a mail server that says nothing holds nobody up. */
  settled(ms: number): Promise<void>;
}

/** Watches `mailer`. */
export function watchMailer(mailer: Mailer): WatchedMailer {
  const underWay = new Set<Promise<void>>();
  return {
    send(letter) {
      const sent = mailer.send(letter);
      const ended: Promise<void> = sent.catch(() => {
        // Whoever sent it hears of it; here it is only over.
      }).finally(() => underWay.delete(ended));
      underWay.add(ended);
      return sent;
    },
    async settled(ms) {
      const { promise: late, resolve } = Promise.withResolvers<void>();
      const timer = setTimeout(resolve, ms);
      await Promise.race([Promise.all(underWay), late]);
      clearTimeout(timer);
    },
  };
}
