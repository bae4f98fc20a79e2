/** `snug chat`: puts the terminal's parts together and runs one of its two clients. */
import type { KnownPasswords } from "../known_passwords.ts";
import { ChatError } from "./errors.ts";
import { terminalHttp } from "./http.ts";
import { JsonClient, type Output } from "./json_client.ts";
import { LineClient } from "./line_client.ts";
import { linesOf } from "./lines.ts";
import { type ChatOptions, readOptions } from "./options.ts";
import { openProfile } from "./profile.ts";
import { ChatSession } from "./session.ts";
import { fetchAuthority, readCertificates } from "./trust.ts";
import type { HttpSend } from "../transport.ts";
import { type SocketPlace, terminalSocket } from "./web_socket.ts";

export { chatHelp } from "./options.ts";

/** What `snug chat` needs of the process. */
export interface ChatIo {
  readonly env: (name: string) => string | undefined;
  readonly print: (line: string) => void;
  readonly writeLog: (line: string) => void;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Aborted at SIGINT and SIGTERM. */
  readonly stop: AbortSignal;
  /** Default: standard input. */
  readonly input?: ReadableStream<Uint8Array>;
  /** The list of leaked passwords; without it only the shape of a password is judged. */
  readonly known?: KnownPasswords;
}

const BAD_USE = 2;
const FAILED = 1;

/** Runs the client until it is told to quit, its input ends or the process is asked to stop. */
export async function runChat(args: readonly string[], io: ChatIo): Promise<number> {
  let options: ChatOptions;
  try {
    options = readOptions(args, io.env);
    return await converse(options, io);
  } catch (error) {
    if (!(error instanceof ChatError)) throw error;
    io.writeLog(`snug chat: ${error.words}`);
    return error.code === "bad-input" ? BAD_USE : FAILED;
  }
}

async function converse(options: ChatOptions, io: ChatIo): Promise<number> {
  const place = { origin: options.origin, caCerts: await trustedCertificates(options) };
  const http = terminalHttp(place);
  try {
    const session = openSession(options, place, http.send, io);
    return options.json ? await runJson(session, io) : await runLines(session, options, io);
  } finally {
    http.close();
  }
}

function openSession(
  options: ChatOptions,
  place: SocketPlace,
  send: HttpSend,
  io: ChatIo,
): ChatSession {
  return new ChatSession({
    origin: options.origin,
    send,
    socket: terminalSocket(place),
    openStore: () => openProfile(options.profile, options.origin),
    // Loaded when a password is typed: most runs open a profile and never need it.
    password: async () => (await import("../opaque.ts")).opaqueClient,
    known: io.known ?? (() => Promise.resolve(false)),
    now: io.now,
    fault: (error) => io.writeLog(`snug chat: ${error instanceof Error ? error.name : "fault"}`),
  });
}

async function trustedCertificates(options: ChatOptions): Promise<readonly string[] | null> {
  if (options.ca !== null) return await readCertificates(options.ca);
  if (options.fingerprint === null) return null;
  return await fetchAuthority(options.origin, options.fingerprint);
}

async function runJson(session: ChatSession, io: ChatIo): Promise<number> {
  const client = new JsonClient(session, (output: Output) => io.print(JSON.stringify(output)));
  try {
    for await (const line of linesUntil(io)) if (!await client.take(line)) break;
  } finally {
    await session.close();
  }
  return 0;
}

async function runLines(session: ChatSession, options: ChatOptions, io: ChatIo): Promise<number> {
  const client = new LineClient(session, io.print, hider(io));
  try {
    await client.begin(options.origin);
    for await (const line of linesUntil(io)) if (!await client.take(line)) break;
  } finally {
    await session.close();
  }
  return 0;
}

/** Conceals a password as it is typed: the terminal goes on echoing, in no colour (ECMA-48, SGR 8). */
function hider({ input }: ChatIo): (hidden: boolean) => void {
  if (input !== undefined || !Deno.stdin.isTerminal() || !Deno.stdout.isTerminal()) return () => {};
  const encoder = new TextEncoder();
  let now = false;
  return (hidden) => {
    if (hidden !== now) Deno.stdout.writeSync(encoder.encode(hidden ? "\x1b[8m" : "\x1b[28m"));
    now = hidden;
  };
}

/** Lines until the input ends or the process is asked to stop. */
async function* linesUntil({ input, stop }: ChatIo): AsyncGenerator<string> {
  const lines = linesOf(input ?? Deno.stdin.readable);
  const stopped = new Promise<IteratorResult<string>>((resolve) => {
    const end = () => resolve({ done: true, value: undefined });
    if (stop.aborted) end();
    else stop.addEventListener("abort", end, { once: true });
  });
  for (;;) {
    const next = await Promise.race([lines.next(), stopped]);
    if (next.done) return;
    yield next.value;
  }
}
