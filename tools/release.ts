/**
 * A release in dist/release: an executable for every system whose runtime can be had, the page's
 * files with their hashes, the bill of materials, and SHA256SUMS over all of it.
 *
 *     deno task release            builds it
 *     deno task release --check    builds twice, in two folders, and compares
 *
 * Deno downloads the runtime of each target. Where it cannot, the target is left out, and said; with
 * DENORT_BIN only this machine's own is built.
 */
import { fileURLToPath } from "node:url";
import { MIGRATIONS } from "../db/migrations/mod.ts";
import project from "../deno.json" with { type: "json" };
import { compile } from "./compile.ts";
import { billOfMaterials, type Lock } from "./sbom.ts";
import { fixtureFile } from "./schema_fixtures.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

/** Our names for systems, and Deno's. */
const TARGETS: Readonly<Record<string, string>> = {
  "linux-x64": "x86_64-unknown-linux-gnu",
  "linux-arm64": "aarch64-unknown-linux-gnu",
  "macos-arm64": "aarch64-apple-darwin",
  "macos-x64": "x86_64-apple-darwin",
  "windows-x64.exe": "x86_64-pc-windows-msvc",
};

async function run(root: string, args: string[]): Promise<void> {
  const { success } = await new Deno.Command(Deno.execPath(), {
    args,
    cwd: root,
    stdin: "null",
    stdout: "inherit",
    stderr: "inherit",
  }).output();
  if (!success) throw new Error(`deno ${args.join(" ")} failed`);
}

/** The release under `root` (ending in a slash); its files' hashes by name. */
async function release(root: string): Promise<Map<string, string>> {
  const folder = `${root}dist/release`;
  await Deno.remove(folder, { recursive: true }).catch(() => {});
  await Deno.mkdir(folder, { recursive: true });
  await run(root, ["task", "--quiet", "bundle"]);
  await writePage(root, folder);
  const lock = JSON.parse(await Deno.readTextFile(`${root}deno.lock`)) as Lock;
  await writeJson(`${folder}/sbom.cdx.json`, billOfMaterials(project, lock));
  await compileAll(root);
  const sums = await hashesIn(folder);
  const lines = [...sums].map(([name, hash]) => `${hash}  ${name}\n`);
  await Deno.writeTextFile(`${folder}/SHA256SUMS`, lines.join(""));
  sums.set("(bundle) server.js", await hashOf(`${root}dist/server.js`));
  return sums;
}

/** The same that `snug version --manifest` prints, for whoever compares without the executable. */
async function writePage(root: string, folder: string): Promise<void> {
  const assets = JSON.parse(await Deno.readTextFile(`${root}static/dist/assets.json`));
  const files = Object.values(assets as Record<string, { path: string; sha256: string }>)
    .map(({ path, sha256 }) => ({ path, sha256 }))
    .sort((a, b) => a.path < b.path ? -1 : 1);
  await writeJson(`${folder}/page.json`, { version: project.version, files });
}

async function compileAll(root: string): Promise<void> {
  const own = Deno.env.get("DENORT_BIN") !== undefined;
  for (const [name, target] of Object.entries(TARGETS)) {
    const output = `dist/release/snug-${project.version}-${name}`;
    if (own && target !== Deno.build.target) {
      console.log(`${name}: left out, DENORT_BIN is for this machine only`);
    } else if (!await compile({ root, output, ...(own ? {} : { target }) })) {
      console.log(`${name}: left out, its runtime cannot be had here`);
      await Deno.remove(root + output).catch(() => {});
    }
  }
}

async function writeJson(file: string, content: unknown): Promise<void> {
  await Deno.writeTextFile(file, JSON.stringify(content, null, 1) + "\n");
}

async function hashesIn(folder: string): Promise<Map<string, string>> {
  const names = (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name).sort();
  const sums = new Map<string, string>();
  for (const name of names) sums.set(name, await hashOf(`${folder}/${name}`));
  return sums;
}

async function hashOf(file: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", await Deno.readFile(file));
  return new Uint8Array(digest).toHex();
}

/** Builds what git tracks in two folders, one with a blank in its name, and compares every file. */
async function check(): Promise<boolean> {
  const places = await Promise.all(["a", "another/deeper one"].map(copySource));
  const [one, two] = [await release(places[0]!), await release(places[1]!)];
  const differ = [...one].filter(([name, hash]) => two.get(name) !== hash).map(([name]) => name);
  for (const name of one.keys()) {
    console.log(`${differ.includes(name) ? "differs  " : "the same "} ${name}`);
  }
  for (const name of differ) {
    const at = await firstDifference(places.map((place) => `${place}dist/release/${name}`));
    console.log(`${name}: first different byte at ${at}`);
  }
  for (const place of places) await Deno.remove(place, { recursive: true });
  return differ.length === 0;
}

async function copySource(name: string): Promise<string> {
  const root = `${await Deno.makeTempDir({ prefix: "snug-release-" })}/${name}/`;
  const listed = await new Deno.Command("git", { args: ["ls-files", "-z"], cwd: ROOT }).output();
  for (const file of new TextDecoder().decode(listed.stdout).split("\0").filter(Boolean)) {
    await Deno.mkdir(`${root}${file}`.replace(/\/[^/]*$/, ""), { recursive: true });
    await Deno.copyFile(ROOT + file, root + file);
  }
  return root;
}

async function firstDifference([one, two]: readonly string[]): Promise<number> {
  const [a, b] = [await Deno.readFile(one!), await Deno.readFile(two!)];
  return a.findIndex((byte, at) => byte !== b[at]);
}

if (import.meta.main) {
  // People will have this version on their disks: from now on upgrades from it are tested.
  if (!await Deno.stat(fixtureFile(MIGRATIONS.length)).then(() => true, () => false)) {
    console.error("The newest tables have no fixture: run tools/schema_fixtures.ts first.");
    Deno.exit(1);
  }
  if (Deno.args.includes("--check")) Deno.exit(await check() ? 0 : 1);
  for (const [name, hash] of await release(ROOT)) console.log(`${hash}  ${name}`);
}
