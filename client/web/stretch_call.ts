/** What the page asks the worker of OPAQUE besides passwords: to stretch the passphrase of a history file. */
import type { Bytes } from "../../protocol/encoding.ts";

export interface StretchCall {
  readonly passphrase: Bytes;
  readonly salt: Bytes;
}

export type StretchAnswer = { readonly key: Bytes } | { readonly failure: string };
