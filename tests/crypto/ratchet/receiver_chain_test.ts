import assert from "node:assert/strict";
import { randomBytes } from "../../../crypto/random.ts";
import { stepChain } from "../../../crypto/ratchet/chain_key.ts";
import {
  countSkipped,
  dropExpired,
  keepNewest,
  type SkippingChain,
  skipTo,
  takeNext,
  takeSkipped,
} from "../../../crypto/ratchet/receiver_chain.ts";
import type { Bytes } from "../../../protocol/encoding.ts";

const DAY = 86_400_000;

function fresh() {
  const skipped: SkippingChain["skipped"] = [];
  return { headerKey: randomBytes(32), chainKey: randomBytes(32) as Bytes, next: 0, skipped };
}

function keysOf(chainKey: Bytes, count: number): Bytes[] {
  const keys: Bytes[] = [];
  for (let key = chainKey, i = 0; i < count; i++) {
    const step = stepChain(key);
    keys.push(step.messageKey);
    key = step.next;
  }
  return keys;
}

Deno.test("skipped keys are given out once each, in any order", () => {
  const start = fresh();
  const keys = keysOf(start.chainKey, 9);
  const skipped = skipTo(start, 8, 2000, 0);
  const taken = takeNext(skipped);
  assert.deepEqual(taken.messageKey, keys[8]);
  let chain = taken.chain;
  for (const number of [3, 0, 7, 5, 4, 1, 2, 6]) {
    const late = takeSkipped(chain, number)!;
    assert.deepEqual(late.messageKey, keys[number]);
    assert.equal(takeSkipped(late.chain, number), null);
    chain = late.chain;
  }
  assert.deepEqual([chain.next, chain.skipped], [9, []]);
});

Deno.test("a chain that is passed keeps the newest keys only", () => {
  const start = fresh();
  const keys = keysOf(start.chainKey, 30);
  const chain = skipTo(start, 30, 4, 0);
  assert.equal(countSkipped(chain), 4);
  assert.equal(takeSkipped(chain, 25), null);
  assert.deepEqual(takeSkipped(chain, 26)!.messageKey, keys[26]);
  assert.deepEqual(takeSkipped(chain, 29)!.messageKey, keys[29]);
  assert.equal(takeSkipped(chain, 30), null);
});

Deno.test("keepNewest cuts across runs, oldest first", () => {
  const first = takeNext(skipTo(fresh(), 5, 2000, 0)).chain;
  const chain = skipTo(first as typeof first & { chainKey: Bytes }, 11, 2000, 1);
  assert.equal(countSkipped(chain), 10);
  const kept = keepNewest(chain, 6);
  assert.deepEqual(kept.skipped.map((run) => [run.first, run.keys.length / 32]), [[4, 1], [6, 5]]);
  assert.deepEqual(takeSkipped(kept, 4)!.messageKey, takeSkipped(chain, 4)!.messageKey);
  assert.deepEqual(keepNewest(chain, 0).skipped, []);
  assert.equal(keepNewest(chain, 10), chain);
});

Deno.test("keys go 30 days after they were skipped, by their own date", () => {
  const first = takeNext(skipTo(fresh(), 2, 2000, 0)).chain;
  const chain = skipTo(first as typeof first & { chainKey: Bytes }, 5, 2000, 10 * DAY);
  assert.equal(countSkipped(dropExpired(chain, 30 * DAY)), 4);
  assert.equal(countSkipped(dropExpired(chain, 30 * DAY + 1)), 2);
  assert.equal(countSkipped(dropExpired(chain, 40 * DAY + 1)), 0);
});
