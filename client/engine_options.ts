/** What an engine is put together from. */
import type { KeyMode } from "../crypto/private_key.ts";
import { randomUint } from "../crypto/random.ts";
import type { HistoryEngine } from "./history_engine.ts";
import type { After, SocketFactory } from "./link.ts";
import type { RoomCommands } from "./rooms.ts";
import type { LocalStore } from "./store.ts";
import type { EngineApi } from "./transport.ts";
import type { Engine } from "./types.ts";

export interface EngineOptions {
  /** Closed by the engine when it closes. Nobody else writes to it meanwhile. */
  readonly store: LocalStore;
  readonly api: EngineApi;
  readonly socket: SocketFactory;
  readonly mode: KeyMode;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Default: setTimeout. */
  readonly after?: After;
  /** From 0 up to 1, for jitter only. Default: the platform's CSPRNG. */
  readonly random?: () => number;
  /** Hears of faults that no person can do anything about. Never contents, keys or names. */
  readonly log?: (fault: { readonly what: string; readonly error: unknown }) => void;
}

/** An engine that can also be waited for. */
export interface OpenEngine extends Engine {
  readonly rooms: RoomCommands;
  readonly history: HistoryEngine;
  /** Resolves when nothing is under way but waits: for the server, for a timer, for a person. */
  idle(): Promise<void>;
}

export const defaultAfter: After = (ms: number, run: () => void): () => void => {
  const timer = setTimeout(run, ms);
  return () => clearTimeout(timer);
};

const RANDOM_STEPS = 1_000_000;
export const defaultRandom = (): number => randomUint(RANDOM_STEPS) / RANDOM_STEPS;
