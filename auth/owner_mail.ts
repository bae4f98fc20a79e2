/** Letters to an account's owner about its own security. One that cannot be sent stops nobody. */
import type { Contact } from "../db/challenges.ts";
import type { AuthDeps } from "./deps.ts";
import { createLetterWriter, type OwnerNews } from "./letters.ts";

/** Tells an owner what happened. Does not wait for the mail server. */
export type OwnerMail = (contact: Contact, news: OwnerNews) => void;

/** Owner mail over the server's channel. */
export function createOwnerMail(deps: Pick<AuthDeps, "mailer" | "log" | "origin">): OwnerMail {
  const letters = createLetterWriter(deps.origin);
  return (contact, news) => {
    deps.mailer.send(letters.news(contact, news))
      .catch((error) => deps.log.warn("mail.failed", { error }));
  };
}
