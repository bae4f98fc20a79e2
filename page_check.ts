/**
 * `snug version --verify URL`: does a server serve the page that is inside this executable?
 *
 * The page does the encrypting, so what is served is what has to be trusted. This compares every file
 * of it, byte for byte by SHA-256, from a machine that the server's owner does not run.
 */
import { ConfigError, shown } from "./config_values.ts";
import type { AssetManifest } from "./routes/assets.ts";
import type { CommandIo } from "./serve.ts";
import manifest from "./static/dist/assets.json" with { type: "json" };
import { VERSION } from "./version.ts";

const PATIENCE_MS = 30_000;
/** No file of the page is larger; a server that sends more is not believed to the end. */
const MOST_BYTES = 16 * 2 ** 20;
const MOST_HEALTH = 10_000;

/** One file of the page. */
export interface PageFile {
  readonly path: string;
  readonly sha256: string;
}

/** The page's files, in the order of their URLs. */
export function pageFiles(): PageFile[] {
  return Object.values(manifest as unknown as AssetManifest)
    .map(({ path, sha256 }) => ({ path, sha256 }))
    .sort((a, b) => a.path < b.path ? -1 : 1);
}

/** `snug version`, with or without its flags; resolves to the exit status. */
export async function runVersion(args: readonly string[], io: CommandIo): Promise<number> {
  const { ca, list, verify } = readArguments(args);
  if (list) io.print(JSON.stringify({ version: VERSION, files: pageFiles() }, null, 1));
  else if (verify === null) io.print(`snug ${VERSION}`);
  else return await compare(verify, ca, io);
  return 0;
}

function readArguments(args: readonly string[]) {
  const given: Record<string, string> = {};
  let list = false;
  const rest = [...args];
  while (rest.length > 0) {
    const word = rest.shift()!;
    const [, flag = word, inline] = /^(--[a-z]+)(?:=(.*))?$/s.exec(word) ?? [];
    if (flag === "--manifest") list = true;
    else if (flag !== "--verify" && flag !== "--ca") {
      throw new ConfigError(`${shown(word)} is not a flag of snug version.`);
    } else given[flag] = valueOf(flag, inline ?? rest.shift());
  }
  const verify = given["--verify"] === undefined ? null : originOf(given["--verify"]);
  if (given["--ca"] !== undefined && verify === null) {
    throw new ConfigError("--ca needs --verify URL.");
  }
  return { ca: given["--ca"], list, verify };
}

function valueOf(flag: string, value: string | undefined): string {
  if (value === undefined || value === "") throw new ConfigError(`${flag} needs a value.`);
  return value;
}

function originOf(text: string): string {
  const url = URL.parse(text);
  if (url !== null && /^https?:$/.test(url.protocol) && url.pathname === "/") return url.origin;
  throw new ConfigError("--verify: expected an address such as https://chat.example.org");
}

async function compare(origin: string, ca: string | undefined, io: CommandIo): Promise<number> {
  using client = Deno.createHttpClient({ caCerts: await trusted(ca), http2: false });
  const theirs = await versionAt(origin, client);
  if (theirs === null) {
    io.writeLog(
      `snug: ${origin} does not answer as Snug, or its certificate is not trusted (--ca).`,
    );
    return 1;
  }
  if (theirs !== VERSION) {
    io.writeLog(
      `snug: ${origin} is Snug ${shown(theirs)}, this is ${VERSION}: verify with that one.`,
    );
    return 1;
  }
  const files = pageFiles();
  const wrong: string[] = [];
  for (const file of files) {
    if (await hashAt(origin + file.path, client) !== file.sha256) wrong.push(file.path);
  }
  for (const path of wrong) io.print(`differs  ${path}`);
  io.print(
    wrong.length === 0
      ? `${origin} serves the page of Snug ${VERSION}: ${files.length} files, all the same.`
      : `${origin} serves another page: ${wrong.length} of ${files.length} files differ. ` +
        "Do not type a password there before you know why.",
  );
  return wrong.length === 0 ? 0 : 1;
}

async function trusted(file: string | undefined): Promise<string[]> {
  if (file === undefined) return [];
  const text = await Deno.readTextFile(file).catch(() => "");
  if (text.includes("-----BEGIN CERTIFICATE-----")) return [text];
  throw new ConfigError(`--ca ${file}: cannot be read as a PEM certificate.`);
}

function ask(url: string, client: Deno.HttpClient): Promise<Response> {
  const init: RequestInit & { client: Deno.HttpClient } = {
    client,
    redirect: "error",
    signal: AbortSignal.timeout(PATIENCE_MS),
  };
  return fetch(url, init);
}

async function versionAt(origin: string, client: Deno.HttpClient): Promise<string | null> {
  const bytes = await bytesAt(`${origin}/health`, client, MOST_HEALTH);
  if (bytes === null) return null;
  try {
    const { status, version } = Object(JSON.parse(new TextDecoder().decode(bytes)));
    return status === "ok" && typeof version === "string" ? version : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

async function hashAt(url: string, client: Deno.HttpClient): Promise<string | null> {
  const bytes = await bytesAt(url, client, MOST_BYTES);
  if (bytes === null) return null;
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** What is served there; null without connection or trust, when it breaks off, and beyond `most`. */
async function bytesAt(
  url: string,
  client: Deno.HttpClient,
  most: number,
): Promise<Uint8Array<ArrayBuffer> | null> {
  const parts: Uint8Array<ArrayBuffer>[] = [];
  let length = 0;
  try {
    for await (const part of (await ask(url, client)).body ?? []) {
      length += part.length;
      if (length > most) return null;
      parts.push(new Uint8Array(part));
    }
  } catch (error) {
    // Only these come from the network; an abort is the end of our patience.
    const fromThere = error instanceof TypeError || error instanceof DOMException ||
      error instanceof Deno.errors.Http;
    if (fromThere) return null;
    throw error;
  }
  return new Uint8Array(await new Blob(parts).arrayBuffer());
}
