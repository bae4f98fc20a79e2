/** Builds static/dist/assets.json: every file of the page with its URL, hash and bytes. */
import type { AssetEntry } from "../routes/assets.ts";
import { type AssetSource, assetSources } from "./assets.ts";

/** What the build reads; a change in any of it makes the page anew. */
const INPUTS = ["client", "crypto", "protocol", "static", "tools", "deno.json", "deno.lock"];

const TYPES: Readonly<Record<string, string>> = {
  bin: "application/octet-stream",
  css: "text/css; charset=utf-8",
  html: "text/html; charset=utf-8",
  ico: "image/x-icon",
  js: "text/javascript; charset=utf-8",
  png: "image/png",
  svg: "image/svg+xml",
  webmanifest: "application/manifest+json",
  woff2: "font/woff2",
};

const REFERENCE = /\{\{(href|integrity|sha256|icon) ([A-Za-z0-9_.-]+)\}\}/g;

/** Builds the page under `root` (ending in a slash) unless nothing has changed since last time. */
export async function buildPage(root: string): Promise<void> {
  const dist = `${root}static/dist`;
  const inputs = await digestInputs(root);
  const last = await Deno.readTextFile(`${dist}/inputs.txt`).catch(() => "");
  if (last === inputs && await readable(`${dist}/assets.json`)) return;
  const entries = await buildEntries(await assetSources(root));
  const sorted = Object.fromEntries([...entries].sort(([a], [b]) => a < b ? -1 : 1));
  await Deno.mkdir(dist, { recursive: true });
  await writeWhole(`${dist}/assets.json`, JSON.stringify(sorted, null, 1) + "\n");
  await writeWhole(`${dist}/inputs.txt`, inputs);
}

/** Makes every file, the ones that are named by others first. */
export async function buildEntries(
  sources: Map<string, AssetSource>,
): Promise<Map<string, AssetEntry>> {
  const made = new Map([...sources].map(([name, source]) => [name, source.make()]));
  await Promise.all(made.values());
  const entries = new Map<string, AssetEntry>();
  const finish = async (name: string, path: readonly string[]): Promise<AssetEntry> => {
    const done = entries.get(name);
    if (done !== undefined) return done;
    const source = sources.get(name);
    const raw = await made.get(name);
    if (source === undefined || raw === undefined) {
      throw new Error(`${path.at(-1)} names ${name}, which the page does not have`);
    }
    if (path.includes(name)) throw new Error(`files name each other: ${[...path, name].join(" ")}`);
    const bytes = await fillIn(name, raw, (other) => finish(other, [...path, name]));
    const entry = await describe(name, source, bytes);
    entries.set(name, entry);
    return entry;
  };
  for (const name of [...sources.keys()].sort()) await finish(name, []);
  return entries;
}

/** Puts hashed URLs in the place of logical names. Pictures and fonts are left alone. */
async function fillIn(
  name: string,
  raw: string | Uint8Array,
  find: (name: string) => Promise<AssetEntry>,
): Promise<Uint8Array<ArrayBuffer>> {
  if (!/\.(js|css|html|webmanifest)$/.test(name)) return toBytes(raw);
  const text = typeof raw === "string" ? raw : new TextDecoder().decode(raw);
  const parts: string[] = [];
  let end = 0;
  for (const match of text.matchAll(REFERENCE)) {
    const [whole, kind = "", other = ""] = match;
    parts.push(text.slice(end, match.index), await reference(kind, other, find));
    end = match.index + whole.length;
  }
  return toBytes(parts.join("") + text.slice(end));
}

async function reference(
  kind: string,
  name: string,
  find: (name: string) => Promise<AssetEntry>,
): Promise<string> {
  if (kind === "icon") {
    const { path } = await find("icons.svg");
    return `<svg class="icon" aria-hidden="true"><use href="${path}#${name}"></use></svg>`;
  }
  const entry = await find(name);
  return kind === "href" ? entry.path : kind === "sha256" ? entry.sha256 : entry.integrity;
}

async function describe(
  name: string,
  source: AssetSource,
  bytes: Uint8Array<ArrayBuffer>,
): Promise<AssetEntry> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  const sha256 = digest.toHex();
  const [, stem = name, ending = ""] = /^(.*)\.([a-z0-9]+)$/.exec(name) ?? [];
  const type = TYPES[ending];
  if (type === undefined) throw new Error(`${name}: no content type for .${ending}`);
  return {
    path: source.path ?? `/static/${stem}.${sha256.slice(0, 12)}.${ending}`,
    type,
    sha256,
    integrity: `sha256-${digest.toBase64()}`,
    immutable: source.path === undefined,
    policy: source.policy,
    body: bytes.toBase64(),
  };
}

function toBytes(raw: string | Uint8Array): Uint8Array<ArrayBuffer> {
  return typeof raw === "string" ? new TextEncoder().encode(raw) : new Uint8Array(raw);
}

/** A hash over the names and bytes of everything the build reads. */
async function digestInputs(root: string): Promise<string> {
  const lines: string[] = [];
  const walk = async (path: string) => {
    const info = await Deno.stat(root + path).catch(() => undefined);
    if (info?.isFile) {
      const digest = await crypto.subtle.digest("SHA-256", await Deno.readFile(root + path));
      lines.push(`${path} ${new Uint8Array(digest).toHex()}`);
    } else if (info?.isDirectory && path !== "static/dist") {
      for await (const { name } of Deno.readDir(root + path)) await walk(`${path}/${name}`);
    }
  };
  for (const input of INPUTS) await walk(input);
  return lines.sort().join("\n") + "\n";
}

async function readable(file: string): Promise<boolean> {
  return await Deno.stat(file).then((info) => info.isFile, () => false);
}

/** Whole or not at all, so that two builds at once cannot mix. */
async function writeWhole(file: string, text: string): Promise<void> {
  const draft = `${file}.${crypto.randomUUID()}`;
  await Deno.writeTextFile(draft, text);
  await Deno.rename(draft, file);
}
