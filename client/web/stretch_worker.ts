/**
 * The worker that stretches the passphrase of a history file: WebAssembly runs in this script's own policy only, and
 * the page stays alive meanwhile. One question, one answer; then it is ended.
 */
import { stretchHere } from "../stretching.ts";
import type { Bytes } from "../../protocol/encoding.ts";

export interface StretchCall {
  readonly passphrase: Bytes;
  readonly salt: Bytes;
}

export type StretchAnswer = { readonly key: Bytes } | { readonly failure: string };

const scope = self as unknown as {
  onmessage: ((event: MessageEvent<StretchCall>) => void) | null;
  postMessage(answer: StretchAnswer): void;
};

scope.onmessage = async ({ data: { passphrase, salt } }) => {
  try {
    scope.postMessage({ key: await stretchHere(passphrase, salt) });
  } catch (error) {
    scope.postMessage({ failure: String(error) });
  }
};
