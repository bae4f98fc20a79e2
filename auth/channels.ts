/** Which way a letter goes: e-mail or phone, and the console where nothing is set up. */
import type { Mailer } from "./deps.ts";
import type { MailChannel, SmtpChannel } from "./mail.ts";

/** What is set up. */
export interface ChannelParts {
  readonly smtp: Pick<SmtpChannel, "send" | "close"> | null;
  readonly sms: Mailer | null;
  /** Console and folder, for what the other two cannot bring. */
  readonly outbox: MailChannel;
}

/** One channel of several. */
export function createChannels({ smtp, sms, outbox }: ChannelParts): MailChannel {
  return {
    send: (letter) => {
      const way = letter.kind === "email" ? smtp : sms;
      return (way ?? outbox).send(letter);
    },
    close() {
      smtp?.close();
      outbox.close();
    },
  };
}
