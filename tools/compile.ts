/**
 * dist/snug from dist/server.js, by `deno compile` of whichever Deno runs this (2.4 or later).
 *
 * The permissions named here are all the executable ever has: no subprocess, no native code.
 * `--no-config --no-lock` keeps the packages of the tests out of it; they are not in server.js.
 * SNUG_COMPILER names another Deno for it: the one that DENORT_BIN belongs to.
 */
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

/** Besides our own: where profiles are, and what three packages ask for when they load. */
const VARIABLES = [
  ...["SNUG_*", "HOME", "USERPROFILE"],
  ...["DEBUG", "NO_PROXY", "no_proxy"],
  ...["WS_NO_BUFFER_UTIL", "WS_NO_UTF_8_VALIDATE"],
  ...["ETHEREAL_API", "ETHEREAL_API_KEY", "ETHEREAL_CACHE", "ETHEREAL_WEB"],
];

/**
 * Addresses and folders are the operator's choice at the start, so net, read and write name none;
 * the systemd unit narrows them. There is no right to run, to load native code, or to import.
 */
export const PERMISSIONS: readonly string[] = [
  "--allow-net",
  "--allow-read",
  "--allow-write",
  `--allow-env=${VARIABLES.join(",")}`,
  "--allow-sys=hostname,osRelease,statfs,uid,getPriority,setPriority",
];

/**
 * How V8 collects what died young: docs/decisions/0015. The tasks that serve from source have the
 * same.
 */
export const V8_FLAGS = "--v8-flags=--no-allocation-site-pretenuring,--max-semi-space-size=8";

/** The time every embedded file has: 1 January 2026, in seconds since 1970. */
const BUILT = 1_767_225_600;

/** What one compilation makes. */
export interface Compilation {
  /** The folder of the project. */
  readonly root: string;
  /** Where the executable goes, relative to it. */
  readonly output: string;
  /** As `deno compile --target` names it; without one it is for this machine. */
  readonly target?: string;
}

/** Compiles dist/server.js; false when it could not be done (its words are on standard error). */
export async function compile({ root, output, target }: Compilation): Promise<boolean> {
  // deno compile writes the time of the file into the executable: two builds would differ in it.
  await Deno.utime(`${root}dist/server.js`, BUILT, BUILT);
  const { success } = await new Deno.Command(Deno.env.get("SNUG_COMPILER") ?? Deno.execPath(), {
    args: [
      ...["compile", "--quiet", "--no-check", "--no-config", "--no-lock", "--no-prompt"],
      ...(target === undefined ? [] : ["--target", target]),
      ...PERMISSIONS,
      ...[V8_FLAGS, "-o", output, "dist/server.js"],
    ],
    cwd: root,
    stdin: "null",
    stdout: "inherit",
    stderr: "inherit",
  }).output();
  return success;
}

if (import.meta.main) {
  if (!await compile({ root: ROOT, output: "dist/snug" })) Deno.exit(1);
  const { size } = await Deno.stat(`${ROOT}dist/snug`);
  console.log(`dist/snug: ${(size / 1e6).toFixed(1)} MB`);
}
