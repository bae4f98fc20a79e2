/**
 * Random logs: people try random things in a random order, allowed or not. What the rules let through must verify
 * again as a whole and in any portions, and always leave a room that somebody owns. Seeds are fixed.
 */
import assert from "node:assert/strict";
import fc from "fast-check";
import { VerifyError } from "../../protocol/errors.ts";
import { extendRoom, type RoomState, verifyRoom } from "../../protocol/room.ts";
import { makeOwner, type Owner } from "../helpers/owners.ts";
import { idOf, TestRoom } from "../helpers/room_world.ts";

const RUNS = Deno.env.get("SNUG_SLOW") ? 400 : 30;
const people = await Promise.all(Array.from({ length: 5 }, () => makeOwner()));

interface Step {
  readonly by: number;
  readonly whom: number;
  readonly what: number;
  readonly word: number;
}

const step: fc.Arbitrary<Step> = fc.record({
  by: fc.nat(4),
  whom: fc.nat(4),
  what: fc.nat(11),
  word: fc.nat(2),
});

const STEPS = fc.array(step, { minLength: 20, maxLength: 60 });

function attempt(room: TestRoom, by: Owner, whom: Owner, { what, word }: Step): Promise<unknown> {
  const member = idOf(whom);
  switch (what) {
    case 0:
    case 1:
      return room.join(by);
    case 2:
      return room.let(by, "add", whom);
    case 3:
      return room.say(by, { kind: "leave" });
    case 4:
    case 5:
      return room.recode(by, { kind: what === 4 ? "remove" : "ban", member });
    case 6:
    case 7: {
      const role = (["member", "moderator", "owner"] as const)[word]!;
      return room.say(by, { kind: "role", member, role });
    }
    case 8:
      return room.recode(by);
    case 9: {
      const newcomers = (["open", "approve", "closed"] as const)[word]!;
      return room.say(by, { kind: "close", newcomers });
    }
    case 10:
      return room.say(by, { kind: "approve", member });
    default:
      return room.let(by, "devices", whom);
  }
}

function checkSound(room: RoomState): void {
  const accounts = room.members.map(({ account }) => account);
  assert.equal(new Set(accounts).size, accounts.length);
  const owned = room.members.some(({ role }) => role === "owner");
  assert.equal(owned, !room.ended);
  assert.ok(!accounts.some((one) => room.banned.includes(one)));
  assert.ok(room.hashes.at(-1) === room.hash);
}

Deno.test("whatever people try, the log verifies whole and in portions, and the room is sound", async () => {
  let taken = 0;
  const property = fc.asyncProperty(
    STEPS,
    fc.nat(),
    async (steps, cut) => {
      const room = await TestRoom.of(people[0]!, people[1]!, people[2]!);
      for (const one of steps) {
        const before = room.state;
        const [by, whom] = [people[one.by]!, people[one.whom]!];
        const outcome = await attempt(room, by, whom, one).catch((error: unknown) => error);
        if (outcome instanceof Error) {
          assert.ok(outcome instanceof VerifyError, String(outcome));
          assert.equal(room.state, before);
        }
        checkSound(room.state);
      }
      taken += room.entries.length;
      assert.deepEqual(await verifyRoom(room.entries), room.state);
      const known = room.states[cut % room.states.length]!;
      assert.deepEqual(await extendRoom(known, room.entries), room.state);
    },
  );
  await fc.assert(property, { seed: 20261121, numRuns: RUNS });
  assert.ok(taken > 8 * RUNS, "the rules let something through");
});
