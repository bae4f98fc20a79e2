/** Backups and restores that are killed in the middle. */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";

const PROGRAM = fileURLToPath(new URL("./cut_short.ts", import.meta.url));
const CONFIG = fileURLToPath(new URL("../../deno.json", import.meta.url));

/** Starts one in another process and runs `body` when it stands still; then it is killed. */
export async function whileStanding(
  [what, moment, dataDir, file]: [what: "backup" | "restore", moment: string, string, string],
  body: () => Promise<void> = () => Promise.resolve(),
): Promise<void> {
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "--quiet", "--no-lock", "--no-check", "-A", "--config", CONFIG],
      ...[PROGRAM, what, moment, dataDir, file],
    ],
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const reader = child.stdout.getReader();
  try {
    assert.match(new TextDecoder().decode((await reader.read()).value), /there/);
    await body();
  } finally {
    child.kill("SIGKILL");
    await child.status;
    await reader.cancel();
  }
}
