/**
 * A backup or restore that stands still at its first piece, to be killed there: the program of a
 * process of its own. Words: `backup` or `restore`, the step to stop at, the data folder, the file.
 */
import { makeBackup } from "../../db/backup.ts";
import type { Progress } from "../../db/backup_unpack.ts";
import { restoreBackup } from "../../db/restore.ts";
import { quickStretch } from "./backups.ts";

const [what, stopAt, dataDir = "", file = ""] = Deno.args;
const PASSPHRASE = { passphrase: "twelve small words" };

const options = {
  dataDir,
  file,
  program: "0.0.0",
  now: () => 0,
  random: (length: number) => crypto.getRandomValues(new Uint8Array(length)),
  stretch: quickStretch,
  progress({ step }: Progress) {
    if (step !== stopAt) return;
    Deno.stdout.writeSync(new TextEncoder().encode("there\n"));
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  },
};
if (what === "backup") await makeBackup({ ...options, lock: PASSPHRASE });
else await restoreBackup({ ...options, unlock: PASSPHRASE });
