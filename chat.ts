/** `snug chat`: the terminal client with what only the executable has: the list of leaked passwords. */
import { readKnownPasswords } from "./client/known_passwords.ts";
import { type ChatIo, runChat as run } from "./client/terminal/main.ts";
import { type AssetManifest, createAssets } from "./routes/assets.ts";
import manifest from "./static/dist/assets.json" with { type: "json" };

const LIST = "known_passwords.bin";

/** Runs the client; resolves to the exit status. */
export function runChat(args: readonly string[], io: ChatIo): Promise<number> {
  return run(args, { ...io, known: (password) => known()(password) });
}

/** Read when somebody chooses a password. A build without the list judges by shape alone. */
function known(): (password: string) => Promise<boolean> {
  const assets = manifest as unknown as AssetManifest;
  const entry = assets[LIST];
  const bytes = entry && createAssets({ [LIST]: entry }).at(entry.path)?.bytes;
  return bytes ? readKnownPasswords(bytes.buffer) : () => Promise.resolve(false);
}
