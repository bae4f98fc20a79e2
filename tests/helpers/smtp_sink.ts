/** A real SMTP server in the test's own process, which keeps what it is given. */
import { SMTPServer, type SMTPServerOptions } from "smtp-server";
import type { Buffer } from "node:buffer";
import type { AddressInfo } from "node:net";

/** A letter as it came over the wire. */
export interface Received {
  readonly from: string;
  readonly to: readonly string[];
  /** Headers and body, as sent. */
  readonly raw: string;
  readonly user: string | undefined;
  readonly secure: boolean;
}

export interface SmtpSink {
  readonly port: number;
  readonly letters: Received[];
  close(): Promise<void>;
}

/** Listens on a free loopback port. */
export async function openSmtpSink(options: SMTPServerOptions = {}): Promise<SmtpSink> {
  const letters: Received[] = [];
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: options.key === undefined ? ["STARTTLS", "AUTH"] : [],
    disableReverseLookup: true,
    ...options,
    onData(stream, session, done) {
      const parts: Buffer[] = [];
      stream.on("data", (part: Buffer) => parts.push(part));
      stream.on("end", () => {
        const { mailFrom, rcptTo } = session.envelope;
        letters.push({
          from: mailFrom === false ? "" : mailFrom.address,
          to: rcptTo.map(({ address }) => address),
          raw: parts.map((part) => part.toString("latin1")).join(""),
          user: session.user,
          secure: session.secure,
        });
        done();
      });
    },
  });
  server.on("error", () => {});
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
  return {
    port: (server.server.address() as AddressInfo).port,
    letters,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

/** The header lines of a letter, unfolded. */
export function headersOf(raw: string): string[] {
  const [head = ""] = raw.split("\r\n\r\n");
  return head.replace(/\r\n[ \t]+/g, " ").split("\r\n");
}
