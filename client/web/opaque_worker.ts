/**
 * The one worker that runs WebAssembly: it holds the OPAQUE library, and Argon2id for passwords and for the passphrases of
 * history files, away from the page. So only this script's own answer needs `wasm-unsafe-eval`, and the page stays alive
 * while something is stretched.
 */
import { opaqueClient } from "../opaque.ts";
import { stretchHere } from "../stretching.ts";
import type { PasswordAnswer, PasswordCall } from "./opaque_client.ts";
import type { StretchAnswer, StretchCall } from "./stretch_call.ts";

const scope = self as unknown as {
  onmessage: ((event: MessageEvent<PasswordCall | StretchCall>) => void) | null;
  postMessage(answer: PasswordAnswer | StretchAnswer): void;
};

scope.onmessage = async ({ data }) => {
  scope.postMessage("passphrase" in data ? await stretched(data) : await asked(data));
};

async function asked({ id, method, args }: PasswordCall): Promise<PasswordAnswer> {
  try {
    const call = opaqueClient[method] as (...args: string[]) => Promise<unknown>;
    return { id, ok: true, value: await call(...args) };
  } catch (error) {
    return { id, ok: false, message: error instanceof Error ? error.message : "" };
  }
}

async function stretched({ passphrase, salt }: StretchCall): Promise<StretchAnswer> {
  try {
    return { key: await stretchHere(passphrase, salt) };
  } catch (error) {
    return { failure: String(error) };
  }
}
