/** Letters by e-mail, and where there is no mail server, on the console and in a folder. */
import { Buffer } from "node:buffer";
import type { SendMailOptions, Transporter } from "nodemailer";
import { toBase64Url, utf8 } from "../protocol/encoding.ts";
import type { Mailer, RandomSource } from "./deps.ts";
import type { Letter, Mail } from "./letters.ts";
import { isEmailAddress, isPhoneNumber } from "./names.ts";

const CONNECT_MS = 10_000;
const SOCKET_MS = 20_000;
const MAX_CONNECTIONS = 3;

/** A channel that is closed at the end. */
export interface MailChannel extends Mailer {
  close(): void;
}

/** The channel to a mail server. */
export interface SmtpChannel {
  send(mail: Mail): Promise<void>;
  close(): void;
  /** Connects and signs in, and sends nothing; rejects as sending would. */
  verify(): Promise<void>;
}

/** How to reach the mail server. */
export interface SmtpOptions {
  /** smtp://user:password@host:587 (STARTTLS) or smtps://…:465 (TLS from the first byte). */
  readonly url: string;
  readonly from: string;
  /** PEM of a certificate authority to trust besides the system's. */
  readonly ca?: string;
}

/** Letters by SMTP over a few kept connections; nodemailer is loaded with the first letter. */
export function createSmtpChannel(options: SmtpOptions): SmtpChannel {
  const settings = transportSettings(options);
  let opened: Promise<Transporter> | undefined;
  const transport = () => opened ??= library().then((mail) => mail.createTransport(settings));
  return {
    send: async (mail) => void await (await transport()).sendMail(message(mail, options.from)),
    verify: async () => void await (await transport()).verify(),
    close: () => void opened?.then((each) => each.close()),
  };
}

function library(): Promise<typeof import("nodemailer")> {
  return import("nodemailer");
}

function transportSettings(options: SmtpOptions) {
  const url = new URL(options.url);
  const secure = url.protocol === "smtps:";
  return {
    pool: true as const,
    maxConnections: MAX_CONNECTIONS,
    host: url.hostname.replace(/^\[|\]$/g, ""),
    port: Number(url.port) || (secure ? 465 : 587),
    secure,
    // STARTTLS that may be skipped is no TLS: whoever is in between would skip it.
    requireTLS: !secure && !isLoopback(url.hostname),
    ...(url.username === "" ? {} : { auth: credentials(url) }),
    ...(options.ca === undefined ? {} : { tls: { ca: options.ca } }),
    connectionTimeout: CONNECT_MS,
    greetingTimeout: CONNECT_MS,
    socketTimeout: SOCKET_MS,
    disableFileAccess: true,
    disableUrlAccess: true,
  };
}

function credentials(url: URL): { user: string; pass: string } {
  return { user: decodeURIComponent(url.username), pass: decodeURIComponent(url.password) };
}

function isLoopback(hostname: string): boolean {
  return hostname === "localhost" || hostname === "[::1]" || hostname.startsWith("127.");
}

/** Where letters go when there is no mail server. */
export interface OutboxOptions {
  /** Made on first use, for the owner of the process only. */
  readonly folder: string;
  readonly from: string;
  readonly now: () => number;
  readonly random: RandomSource;
  /** Told who gets which code. This is the console, never the log. */
  readonly print: (line: string) => void;
}

/** Letters as .eml files, those for phones as .txt files, and codes on the console. */
export function createOutboxChannel(options: OutboxOptions): MailChannel {
  const settings = { streamTransport: true, buffer: true, newline: "windows" } as const;
  let opened: Promise<Transporter> | undefined;
  const writer = () => opened ??= library().then((mail) => mail.createTransport(settings));
  return {
    async send(letter) {
      const date = new Date(options.now());
      const content = letter.kind === "email"
        ? await render(await writer(), { ...message(letter, options.from), date })
        : shortMessage(letter);
      await Deno.mkdir(options.folder, { recursive: true, mode: 0o700 });
      const stamp = date.toISOString().replaceAll(":", "-");
      const ending = letter.kind === "email" ? "eml" : "txt";
      const path = `${options.folder}/${stamp}-${toBase64Url(options.random(6))}.${ending}`;
      await Deno.writeFile(path, content, { createNew: true, mode: 0o600 });
      if (letter.code !== null) options.print(`Code for ${letter.to}: ${letter.code}`);
    },
    close: () => void opened?.then((each) => each.close()),
  };
}

async function render(writer: Transporter, mail: SendMailOptions): Promise<Uint8Array> {
  const sent: { message?: unknown } = await writer.sendMail(mail);
  if (!Buffer.isBuffer(sent.message)) throw new TypeError("the mail library gave no bytes");
  return new Uint8Array(sent.message);
}

function shortMessage({ to, short }: Letter): Uint8Array {
  if (!isPhoneNumber(to)) throw new RangeError("not a phone number");
  return utf8(`To: ${to}\n\n${short}\n`);
}

function message(letter: Mail, from: string): SendMailOptions {
  // Checked again at the last door: nothing but a plain address ever becomes a header.
  if (!isEmailAddress(letter.to)) throw new RangeError("not an e-mail address");
  return {
    from: { name: "Snug", address: from },
    to: { name: "", address: letter.to },
    subject: letter.subject,
    text: letter.text,
    html: letter.html,
    headers: { "Auto-Submitted": "auto-generated" },
    disableFileAccess: true,
    disableUrlAccess: true,
  };
}
