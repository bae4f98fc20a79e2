/**
 * The server's half of password exchanges that are under way.
 *
 * They are in memory only: what is in here would let a reader of the database finish somebody
 * else's sign-in. A restart costs whoever is typing one more try.
 */
import { toBase64Url } from "../protocol/encoding.ts";
import type { RandomSource } from "./deps.ts";

/** A slow phone needs some seconds for Argon2id. */
const LIFETIME_MS = 60_000;
/** About 10 MB. Beyond, the oldest go: per-address limits come first. */
const MOST = 10_000;

/** Attempts by a random name; each is good for one take. */
export interface Attempts<T> {
  open(value: T): string;
  take(name: string): T | null;
}

/** Attempts that are forgotten after a minute. */
export function createAttempts<T>(now: () => number, random: RandomSource): Attempts<T> {
  const open = new Map<string, { readonly value: T; readonly made: number }>();

  /** A Map keeps the order of insertion, so the oldest come first. */
  function dropOld(most: number): void {
    for (const [name, { made }] of open) {
      const alive = made <= now() && now() - made < LIFETIME_MS;
      if (alive && open.size <= most) break;
      open.delete(name);
    }
  }

  return {
    open(value) {
      dropOld(MOST - 1);
      const name = toBase64Url(random(32));
      open.set(name, { value, made: now() });
      return name;
    },
    take(name) {
      dropOld(MOST);
      const found = open.get(name);
      open.delete(name);
      return found?.value ?? null;
    },
  };
}
