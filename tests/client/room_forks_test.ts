import assert from "node:assert/strict";
import { toldBy } from "../../client/room_forks.ts";
import { type AccountId, randomId } from "../../protocol/ids.ts";

function people(count: number): AccountId[] {
  return Array.from({ length: count }, () => randomId<"account">());
}

/** How many rounds it takes until all know who hear of it from one. Nobody tells themselves. */
function rounds(all: readonly AccountId[], first: AccountId): number {
  let known = new Set([first]);
  for (let round = 0; round <= all.length; round++) {
    if (known.size === all.length) return round;
    const told = [...known].flatMap((me) => toldBy(me, first, all.filter((one) => one !== me)));
    known = new Set([...known, ...told]);
  }
  throw new Error("somebody is never told");
}

Deno.test("a small room is told by each whole", () => {
  const all = people(17);
  assert.deepEqual(toldBy(randomId(), all[0]!, all), all);
});

Deno.test("in a big room a few are told, who has the other head among them, and everybody hears of it soon", () => {
  for (const [count, most] of [[19, 7], [20, 7], [100, 9], [1_000, 12]] as const) {
    const all = people(count);
    for (const me of all) {
      const told = toldBy(me, all[7]!, all.filter((one) => one !== me));
      assert.ok(told.length <= most, `${told.length} of ${count}`);
      assert.ok(me === all[7] || told.includes(all[7]!));
      assert.ok(new Set(told).size === told.length && !told.includes(me));
    }
    assert.ok(rounds(all, all[0]!) <= 10);
  }
});

Deno.test("one's own other devices are told in a big room too", () => {
  const all = people(40);
  for (const me of all) assert.ok(toldBy(me, all[0]!, all).includes(me));
});
