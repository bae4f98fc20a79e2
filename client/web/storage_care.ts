/**
 * The browser may clear what pages keep when it runs short of room. Once there is something to lose it is asked not
 * to, and when room runs low the person is told before messages cannot be kept.
 */
import type { EngineEvent } from "../types.ts";

/** The parts of `navigator.storage` that are used. */
export type BrowserStorage = Pick<StorageManager, "persisted" | "persist" | "estimate">;

export interface StorageCareParts {
  /** Absent in a browser that does not know it. */
  readonly storage: BrowserStorage | undefined;
  readonly on: (listener: (event: EngineEvent) => void) => void;
  readonly say: (words: string) => void;
}

/** Less free room than this is low. Bytes. */
export const LOW = 50 * 1_048_576;

/** Returns what looks at the room that is left: to be called now and then. */
export function careForStorage({ storage, on, say }: StorageCareParts): () => Promise<void> {
  if (!storage) return () => Promise.resolve();
  let asked = false;
  on((event) => {
    // Some browsers ask the person: right after they wrote something, they know what it is about.
    if (asked || event.kind !== "message" || !event.message.mine) return;
    asked = true;
    void keep(storage);
  });
  return async () => {
    const { usage = 0, quota = Infinity } = await storage.estimate();
    if (quota - usage < LOW) say(lowWords(quota - usage));
  };
}

async function keep(storage: BrowserStorage): Promise<void> {
  if (!await storage.persisted()) await storage.persist();
}

function lowWords(left: number): string {
  const room = Math.max(0, Math.floor(left / 1_048_576));
  return `This browser has about ${room} MB left for Snug. Free some space on this device, ` +
    "or new messages can’t be kept here.";
}
