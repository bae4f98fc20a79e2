/**
 * The worker of the sign-up and sign-in pages: holds the OPAQUE library (WebAssembly, Argon2id) away from the page, so that
 * only this script's own answer needs `wasm-unsafe-eval` and the page stays alive while a password is stretched.
 */
import { opaqueClient } from "../opaque.ts";
import type { PasswordAnswer, PasswordCall } from "./opaque_client.ts";

const scope = self as unknown as {
  onmessage: ((event: MessageEvent<PasswordCall>) => void) | null;
  postMessage(answer: PasswordAnswer): void;
};

scope.onmessage = async ({ data: { id, method, args } }) => {
  try {
    const call = opaqueClient[method] as (...args: string[]) => Promise<unknown>;
    scope.postMessage({ id, ok: true, value: await call(...args) });
  } catch (error) {
    scope.postMessage({ id, ok: false, message: error instanceof Error ? error.message : "" });
  }
};
