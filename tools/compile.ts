/**
 * dist/snug from dist/server.js, by `deno compile` of whichever Deno runs this (2.4 or later).
 *
 * The permissions named here are all the executable ever has: no subprocess, no native code.
 * `--no-config --no-lock` keeps the packages of the tests out of it; they are not in server.js.
 */
const ROOT = new URL("..", import.meta.url).pathname;

const PERMISSIONS = [
  "--allow-net",
  "--allow-env",
  "--allow-read",
  "--allow-write",
  "--allow-sys=hostname,osRelease,statfs,uid",
];

const { success } = await new Deno.Command(Deno.execPath(), {
  args: [
    ...["compile", "--quiet", "--no-check", "--no-config", "--no-lock", "--no-prompt"],
    ...PERMISSIONS,
    ...["-o", "dist/snug", "dist/server.js"],
  ],
  cwd: ROOT,
  stdin: "null",
  stdout: "inherit",
  stderr: "inherit",
}).output();
if (!success) Deno.exit(1);
const { size } = await Deno.stat(`${ROOT}dist/snug`);
console.log(`dist/snug: ${(size / 1e6).toFixed(1)} MB`);
