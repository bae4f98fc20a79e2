/** The flags of `snug chat`. */
import { ChatError } from "./errors.ts";

export interface ChatOptions {
  readonly json: boolean;
  /** Scheme, host and port. */
  readonly origin: string;
  readonly profile: string;
  readonly ca: string | null;
  readonly fingerprint: string | null;
}

const FLAGS = {
  server: {
    variable: "SNUG_SERVER",
    value: "URL",
    words: "the server, as in https://localhost:8443",
  },
  profile: {
    variable: "SNUG_PROFILE",
    value: "DIR",
    words: "folder for this device's keys and messages; made when missing",
  },
  ca: {
    variable: "SNUG_CA",
    value: "FILE",
    words: "trust only this certificate authority (the server's DATA/ca.pem)",
  },
  fingerprint: {
    variable: "SNUG_FINGERPRINT",
    value: "SHA256",
    words: "trust only the certificate authority with this SHA-256 (needs Deno 2.9)",
  },
} as const;

type FlagName = keyof typeof FLAGS;

export function chatHelp(): string {
  const rows = Object.entries(FLAGS).map(([name, { value, words, variable }]) =>
    `  ${`--${name} ${value}`.padEnd(24)} ${words} [${variable}]`
  );
  return [
    "snug chat: talk from a terminal, with the same encryption as the page.",
    "",
    "  snug chat --server URL --profile DIR [--ca FILE | --fingerprint SHA256]",
    "  snug chat --json …        one JSON object a line in and out, for scripts and bots",
    "",
    ...rows,
    `  ${"--json".padEnd(24)} the JSON client`,
    "",
    "Without --json: type to write, /help for the commands. A new device: /link shows a code that a",
    "signed-in device takes, and /link CODE takes one (with --json request-link and link-device,",
    "docs/accounts.md). Rooms: /create NAME, /join CODE, /rooms;",
    "with --json create-room, join-room and the others in docs/rooms.md.",
  ].join("\n");
}

/** Reads flags, then the environment. @throws {ChatError} with one clear line */
export function readOptions(
  args: readonly string[],
  env: (name: string) => string | undefined,
): ChatOptions {
  const given = readFlags(args.filter((arg) => arg !== "--" && arg !== "--json"));
  const valueOf = (name: FlagName) => given.get(name) ?? env(FLAGS[name].variable) ?? null;
  const [ca, fingerprint] = [valueOf("ca"), valueOf("fingerprint")];
  if (ca !== null && fingerprint !== null) throw bad("Give --ca or --fingerprint, not both.");
  const profile = valueOf("profile") ?? defaultProfile(env);
  const origin = originOf(valueOf("server") ?? "https://localhost:8443");
  return { json: args.includes("--json"), origin, profile, ca, fingerprint };
}

function readFlags(args: readonly string[]): Map<FlagName, string> {
  const given = new Map<FlagName, string>();
  for (let i = 0; i < args.length; i++) {
    const [flag = "", inline] = splitFlag(args[i]!);
    const name = flag.slice(2);
    if (!flag.startsWith("--") || !Object.hasOwn(FLAGS, name)) {
      throw bad(`${JSON.stringify(args[i]!.slice(0, 40))} is no flag of snug chat. Try --help.`);
    }
    const value = inline ?? args[++i];
    if (value === undefined || value === "") throw bad(`${flag} needs a value.`);
    given.set(name as FlagName, value);
  }
  return given;
}

function splitFlag(arg: string): [string, string?] {
  const at = arg.indexOf("=");
  return at < 0 ? [arg] : [arg.slice(0, at), arg.slice(at + 1)];
}

function originOf(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (!url || url.protocol !== "https:" && url.protocol !== "http:") {
    throw bad(`--server: ${text.slice(0, 80)} is no address like https://chat.example.org.`);
  }
  const local = ["localhost", "127.0.0.1", "[::1]"].includes(url.hostname);
  if (url.protocol === "http:" && !local) {
    throw bad("--server: http is for localhost only. Use https.");
  }
  return url.origin;
}

function defaultProfile(env: (name: string) => string | undefined): string {
  const home = env("HOME") ?? env("USERPROFILE");
  if (home === undefined) throw bad("Say where to keep keys and messages: --profile DIR.");
  return `${home}/.snug`;
}

function bad(words: string): ChatError {
  return new ChatError("bad-input", words);
}
