/**
 * What a start prints for people. The link that makes the first account is here and nowhere else: not
 * in the log for programs, and in the database as a hash only.
 */
import encodeQR from "qr";
import { type Config, isLoopbackHost } from "./config.ts";

/** What is known once the server listens. */
export interface StartFacts {
  readonly version: string;
  /** Off loopback and without accounts: who opens it first runs the server. */
  readonly firstAccountLink: string | null;
  readonly isEmpty: boolean;
  readonly certificateLines: readonly string[];
  /** A square that a phone reads is for eyes; a journal only gets longer by it. */
  readonly onTerminal: boolean;
}

/** Every line, in the order people need them. */
export function startLines(config: Config, facts: StartFacts): string[] {
  return [
    `Snug ${facts.version} is at ${config.origin}`,
    ...otherMachines(config),
    ...facts.certificateLines,
    `Sign-up codes go to ${placeOfCodes(config)}`,
    ...facts.isEmpty ? firstAccountLines(config, facts) : [],
  ];
}

/** It listens for others, and then sends them away: they have no name for it. */
function otherMachines({ listen, origin }: Config): string[] {
  if (isLoopbackHost(listen.hostname) || !isLoopbackHost(new URL(origin).hostname)) return [];
  return ["Other machines are turned away: name the address they use with --origin or --domain."];
}

function placeOfCodes({ smtpUrl, smsWebhook, dataDir }: Config): string {
  const here = `this console and ${dataDir}/outbox`;
  if (smsWebhook === undefined) {
    return smtpUrl === undefined ? here : "the addresses people give, by e-mail";
  }
  return smtpUrl === undefined
    ? `the numbers people give, by the SMS webhook; for addresses to ${here}`
    : "the addresses and numbers people give, by e-mail and by the SMS webhook";
}

function firstAccountLines(
  { origin, dataDir }: Config,
  { firstAccountLink, onTerminal }: StartFacts,
): string[] {
  const link = firstAccountLink ?? `${origin}/sign-up`;
  const once = firstAccountLink === null
    ? "Whoever makes the first account runs this server."
    : "It works once and until the next start. Whoever opens it runs this server: keep it to yourself.";
  return [
    "",
    `Make the first account at ${link}`,
    once,
    ...(firstAccountLink !== null && onTerminal ? ["", ...terminalQr(firstAccountLink), ""] : []),
    `Then: invite people under Settings, or with "snug admin invite --data ${dataDir}";`,
    `look for what is missing with "snug doctor" and the flags of this start; and make a backup`,
    `with "snug backup FILE --data ${dataDir}".`,
  ];
}

const HALVES = [" ", "▄", "▀", "█"] as const;

/** Two rows of dots a line, light on dark: as every terminal shows them, and as phones read them. */
export function terminalQr(text: string): string[] {
  const rows = encodeQR(text, "raw", { ecc: "low", border: 2 });
  const light = (y: number, x: number) => rows[y]?.[x] === true ? 0 : 1;
  const lines: string[] = [];
  for (let y = 0; y < rows.length; y += 2) {
    const line = rows[y]!.map((_, x) => HALVES[light(y, x) * 2 + light(y + 1, x)]!);
    lines.push(line.join(""));
  }
  return lines;
}
