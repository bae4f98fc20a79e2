/** {@link PasswordClient} that asks the worker. */
import type { PasswordClient } from "../password_client.ts";

export interface PasswordCall {
  readonly id: number;
  readonly method: keyof PasswordClient;
  readonly args: string[];
}

export type PasswordAnswer =
  | { readonly id: number; readonly ok: true; readonly value: unknown }
  | { readonly id: number; readonly ok: false; readonly message: string };

/** The part of a Worker that is used. */
export interface PasswordWorker {
  postMessage(call: PasswordCall): void;
  addEventListener(type: "message", take: (event: MessageEvent<PasswordAnswer>) => void): void;
  addEventListener(type: "error", take: (event: ErrorEvent) => void): void;
}

interface Waiting {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

/** Rejects every call when the worker cannot be loaded, and a single one when the library refuses its input. */
export function askWorker(worker: PasswordWorker): PasswordClient {
  const waiting = new Map<number, Waiting>();
  let next = 0;
  worker.addEventListener("message", ({ data }) => {
    const call = waiting.get(data.id);
    waiting.delete(data.id);
    if (data.ok) call?.resolve(data.value);
    else call?.reject(new Error(data.message));
  });
  worker.addEventListener("error", (event) => {
    for (const call of waiting.values()) call.reject(new Error(event.message));
    waiting.clear();
  });
  const ask = <T>(method: keyof PasswordClient, ...args: string[]) =>
    new Promise<T>((resolve, reject) => {
      const id = next++;
      waiting.set(id, { resolve: resolve as (value: unknown) => void, reject });
      worker.postMessage({ id, method, args });
    });
  return {
    startRegistration: (password) => ask("startRegistration", password),
    finishRegistration: (...args) => ask("finishRegistration", ...args),
    startLogin: (password) => ask("startLogin", password),
    finishLogin: (...args) => ask("finishLogin", ...args),
  };
}
