import assert from "node:assert/strict";
import { type BusEvent, localBus } from "../../hub/bus.ts";
import { createPresence, PRESENCE_MS } from "../../hub/presence.ts";
import { TokenBucket } from "../../hub/rate.ts";
import type { AccountId, DeviceId } from "../../protocol/ids.ts";
import { nextId } from "../helpers/relay_world.ts";

Deno.test("the local bus reaches every listener, also behind one that fails", async () => {
  let errors = 0;
  const bus = localBus({ error: () => errors++ });
  const heard: BusEvent[] = [];
  bus.subscribe(() => {
    throw new Error("a bug");
  });
  const stop = bus.subscribe((event) => heard.push(event));
  const event: BusEvent = { kind: "wake", devices: [nextId<DeviceId>()] };
  bus.publish(event);
  stop();
  bus.publish(event);
  assert.deepEqual([heard, errors], [[event], 2]);
  await bus.close();
  bus.publish(event);
  assert.equal(errors, 2);
});

Deno.test("a device is present until it leaves or is not heard for 45 seconds", () => {
  const clock = { now: 0 };
  const presence = createPresence(() => clock.now);
  const account = nextId<AccountId>();
  const [one, two] = [nextId<DeviceId>(), nextId<DeviceId>()];
  assert.equal(presence.present(account), false);
  presence.heard(account, one);
  presence.heard(account, two);
  presence.left(account, one);
  assert.equal(presence.present(account), true);
  clock.now += PRESENCE_MS;
  assert.equal(presence.present(account), false);
  presence.sweep();
  presence.heard(account, two);
  assert.equal(presence.present(account), true);
});

Deno.test("a token bucket lets a second's worth through at once and refills", () => {
  const clock = { now: 1000 };
  const bucket = new TokenBucket(10, 10, () => clock.now);
  assert.ok(bucket.take(10));
  assert.ok(!bucket.take(1));
  assert.equal(bucket.wait(1), 1);
  clock.now += 100;
  assert.ok(bucket.take(1));
  clock.now += 1_000_000;
  assert.ok(!bucket.take(11), "never more than its capacity");
  assert.ok(bucket.take(10));
});

Deno.test("a clock that jumps back a day does not stop the refill for a day", () => {
  const clock = { now: 86_400_000 };
  const bucket = new TokenBucket(10, 10, () => clock.now);
  bucket.take(10);
  clock.now = 0;
  assert.ok(!bucket.take(1));
  clock.now += 1000;
  assert.ok(bucket.take(10));
});
