/**
 * A backup or restore that stands still at one moment, to be killed there: the program of a process
 * of its own. Words: `backup` or `restore`, the step to stop at and how many times it is let pass
 * (`encrypting:3`), the data folder, the file.
 */
import { makeBackup } from "../../db/backup.ts";
import type { Progress } from "../../db/backup_unpack.ts";
import { restoreBackup } from "../../db/restore.ts";
import { quickStretch } from "./backups.ts";

const [what, moment = "", dataDir = "", file = ""] = Deno.args;
const PASSPHRASE = { passphrase: "twelve small words" };
const [stopAt, passes = "0"] = moment.split(":");
let left = Number(passes);

const options = {
  dataDir,
  file,
  program: "0.0.0",
  now: () => Date.now(),
  random: (length: number) => crypto.getRandomValues(new Uint8Array(length)),
  stretch: quickStretch,
  progress({ step }: Progress) {
    if (step !== stopAt || left-- > 0) return;
    Deno.stdout.writeSync(new TextEncoder().encode("there\n"));
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  },
};
if (what === "backup") await makeBackup({ ...options, lock: PASSPHRASE });
else await restoreBackup({ ...options, unlock: PASSPHRASE });
