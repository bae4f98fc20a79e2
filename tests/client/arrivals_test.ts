/** What a content does once it is decrypted: who may make this device say that something is missing. */
import assert from "node:assert/strict";
import { Arrivals } from "../../client/arrivals.ts";
import { Writer } from "../../client/change.ts";
import type { Arrived } from "../../client/inbox.ts";
import { MemoryStore } from "../../client/store_memory.ts";
import { randomBytes } from "../../crypto/random.ts";
import { type AccountId, randomId } from "../../protocol/ids.ts";

const [ME, MALLORY] = [randomId<"account">(), randomId<"account">()];

/** A room's key from somebody's device, before which so many messages of its session are missing. */
async function missedBefore(account: AccountId, gap: number) {
  const told: unknown[] = [];
  const nothing = () => Promise.resolve();
  const store = new MemoryStore();
  const aik = randomBytes(32);
  const arrivals = new Arrivals({
    ...{ me: ME, outbox: {} as never, directory: {} as never, now: () => 0, refresh: () => {} },
    missing: (_change, conversation, count) => {
      told.push([conversation, count]);
      return nothing();
    },
    ...{ late: nothing, lateOwn: nothing, rooms: { control: nothing }, history: {} as never },
  });
  await new Writer(store, () => {}).change(async (change) => {
    for (const each of [ME, MALLORY]) {
      const names = { username: "mallory", fullName: "" };
      change.set("accounts", each, { account: each, ...names, list: { aik: randomBytes(32) } });
    }
    const content = { to: ME, body: { kind: "sender-key-request" } };
    const device = randomId<"device">();
    const arrived = { content, account, device, peer: { account, aik, device }, gap, late: false };
    await arrivals.apply(change, arrived as unknown as Arrived);
  });
  return told;
}

Deno.test("attack: somebody in a room who skips numbers with this device alone raises no alarm of lost messages", async () => {
  assert.deepEqual(await missedBefore(MALLORY, 2_000), []);
  assert.deepEqual(await missedBefore(ME, 3), [[null, 3]], "of own devices it is counted");
});
