import assert from "node:assert/strict";
import fc from "fast-check";
import {
  currentRotation,
  FIRST_PREKEY_COUNTERS,
  makePrekeys,
  planPrekeys,
  type PrekeyKind,
  type PrekeyPlan,
  type PrekeyStock,
  type StoredPrekey,
} from "../../crypto/prekeys.ts";
import { verifyFetched, verifyUpload } from "../../protocol/bundle.ts";
import { MAX_ONE_TIME_A_DAY } from "../../protocol/limits.ts";
import { makeOwner, TODAY } from "../helpers/owners.ts";

const owner = await makeOwner();
const START = { day: TODAY, mode: "portable", counters: FIRST_PREKEY_COUNTERS } as const;
const FULL: PrekeyStock = { oneTime: 100, kemOnce: 20, day: TODAY };
const NOTHING = new Uint8Array();

/** A prekey that only has a name and a day: the rules look at nothing else. */
function mark(kind: PrekeyKind, id: number, made?: number, claimed?: number): StoredPrekey {
  const prekey = { kind, id, made: made ?? TODAY, private: NOTHING, public: NOTHING };
  return claimed === undefined ? prekey : { ...prekey, claimed };
}

function rotations(days: readonly number[]): StoredPrekey[] {
  return days.flatMap((day, at) => [mark("signed", at + 1, day), mark("kem-last", at + 1, day)]);
}

/** The ids of the signed prekeys that the plan erases; their KEM halves must go with them. */
function dropped(days: readonly number[], today: number): number[] {
  const plan = planPrekeys(rotations(days), { ...FULL, day: today }, today);
  const ids = (kind: PrekeyKind) =>
    plan.drop.filter((one) => one.kind === kind).map((one) => one.id).sort((a, b) => a - b);
  assert.deepEqual(ids("signed"), ids("kem-last"));
  return ids("signed");
}

function idle(plan: PrekeyPlan): void {
  assert.deepEqual(plan, { rotate: false, once: 0, kemOnce: 0, drop: [], claimed: [] });
}

Deno.test("a first upload: one rotation, 100 and 20 one-time keys, every private half kept", async () => {
  const { upload, privates, counters } = await makePrekeys(owner.device, owner.list, START);
  await verifyUpload(owner.list, owner.device.device, upload, TODAY);
  assert.deepEqual(counters, { rotation: 2, once: 101, kemOnce: 21 });
  assert.equal(privates.length, 122);
  for (const kind of ["once", "kem-once"] as const) {
    const kept = privates.filter((one) => one.kind === kind);
    const sent = kind === "once" ? upload.oneTime : upload.kemOnce;
    assert.deepEqual(
      kept.map(({ id, public: key }) => ({ id, key })),
      sent.map(({ id, key }) => ({ id, key })),
    );
  }
});

Deno.test("a refill goes on with the same rotation and never uses an id again", async () => {
  const few = { ...START, once: 2, kemOnce: 1 };
  const first = await makePrekeys(owner.device, owner.list, few);
  const keep = currentRotation(first.privates)!;
  const order = { ...few, day: TODAY + 3, counters: first.counters, keep };
  const second = await makePrekeys(owner.device, owner.list, order);
  assert.deepEqual(second.upload.lastKem.key, first.upload.lastKem.key);
  assert.deepEqual(second.privates.map(({ kind, id }) => `${kind} ${id}`), [
    ...["once 3", "once 4", "kem-once 2"],
  ]);
  assert.deepEqual(second.counters, { rotation: 2, once: 5, kemOnce: 3 });
  await verifyUpload(owner.list, owner.device.device, second.upload, TODAY + 3);
  const { keep: _, ...fresh } = order;
  const third = await makePrekeys(owner.device, owner.list, {
    ...fresh,
    counters: second.counters,
  });
  assert.equal(third.counters.rotation, 3);
  assert.equal(third.upload.lastKem.id, 2);
});

Deno.test("an upload without one-time keys is whole: the last-resort keys remain", async () => {
  const order = { ...START, once: 0, kemOnce: 0 };
  const { upload } = await makePrekeys(owner.device, owner.list, order);
  const { bundle, lastKem } = upload;
  const fetched = { device: owner.device.device, bundle, oneTime: null };
  const last = { ...fetched, kem: { kind: "last" as const, ...lastKem } };
  assert.equal((await verifyFetched(owner.list, last, TODAY)).kem.kind, "last");
});

Deno.test("private halves are sealed or portable as asked", async () => {
  for (const mode of ["sealed", "portable"] as const) {
    const order = { ...START, mode, once: 1, kemOnce: 1 };
    const { privates } = await makePrekeys(owner.device, owner.list, order);
    for (const { kind, private: half } of privates) {
      if (half instanceof CryptoKey) assert.equal(half.extractable, mode === "portable");
      else assert.ok(kind.startsWith("kem") && half.length === 64);
    }
  }
});

Deno.test("a device with fresh keys and a full stock has nothing to do", () => {
  idle(planPrekeys(rotations([TODAY]), FULL, TODAY));
  idle(planPrekeys(rotations([TODAY]), FULL, TODAY + 6));
});

Deno.test("keys rotate after 7 days, and when there are none", () => {
  const rotate = (stored: StoredPrekey[], today: number, day = today) =>
    planPrekeys(stored, { ...FULL, day }, today).rotate;
  assert.equal(rotate([], TODAY), true);
  assert.equal(rotate(rotations([TODAY]), TODAY + 6), false);
  assert.equal(rotate(rotations([TODAY]), TODAY + 7), true);
  assert.equal(rotate([mark("signed", 1)], TODAY), true, "half a rotation is none");
});

Deno.test("a clock that was ahead, or a server that lost the bundle, makes keys rotate at once", () => {
  const rotate = (made: number, day: number) =>
    planPrekeys(rotations([made]), { ...FULL, day }, TODAY).rotate;
  assert.equal(rotate(TODAY + 400, TODAY), true);
  assert.equal(rotate(TODAY, TODAY + 400), true);
  assert.equal(rotate(TODAY, TODAY - 7), true);
  assert.equal(rotate(TODAY, 0), true);
  assert.equal(rotate(TODAY, TODAY - 6), false);
  assert.equal(rotate(TODAY + 2, TODAY + 2), false, "two clocks may be a day apart each");
});

Deno.test("one-time keys are refilled below 25 and 5", () => {
  const plan = (oneTime: number, kemOnce: number) => {
    const { once, kemOnce: kem } = planPrekeys(rotations([TODAY]), {
      ...FULL,
      oneTime,
      kemOnce,
    }, TODAY);
    return [once, kem];
  };
  assert.deepEqual(plan(25, 5), [0, 0]);
  assert.deepEqual(plan(24, 5), [76, 0]);
  assert.deepEqual(plan(25, 4), [0, 16]);
  assert.deepEqual(plan(0, 0), [100, 20]);
  assert.deepEqual(plan(200, 20), [0, 0]);
});

Deno.test("ATTACK a server that always says it has no keys left is believed only so often a day", () => {
  const empty = { oneTime: 0, kemOnce: 0, day: 0 };
  const stored = rotations([TODAY, TODAY, TODAY]);
  const made = { once: 0, "kem-once": 0 };
  for (let asked = 0; asked < 200; asked++) {
    const { once, kemOnce, rotate } = planPrekeys(stored, empty, TODAY);
    assert.equal(rotate, false, "three rotations today are enough");
    const add = (kind: "once" | "kem-once", count: number) => {
      for (let n = 0; n < count; n++) stored.push(mark(kind, ++made[kind]));
    };
    add("once", once);
    add("kem-once", kemOnce);
  }
  assert.deepEqual(made, { once: MAX_ONE_TIME_A_DAY, "kem-once": MAX_ONE_TIME_A_DAY });
  const tomorrow = planPrekeys(stored, empty, TODAY + 1);
  assert.deepEqual([tomorrow.rotate, tomorrow.once, tomorrow.kemOnce], [true, 100, 20]);
});

Deno.test("a private half goes 35 days after replacement and after 5 newer rotations", () => {
  const weekly = [0, 7, 14, 21, 28, 35].map((day) => TODAY + day);
  assert.deepEqual(dropped(weekly, TODAY + 41), []);
  assert.deepEqual(dropped(weekly, TODAY + 42), [1], "replaced on day 7, 35 days ago");
  assert.deepEqual(dropped(weekly.slice(0, 5), TODAY + 400), [], "only 4 newer ones");
  assert.deepEqual(dropped(weekly, TODAY + 400), [1], "only the first has 5 newer ones");
  const longer = [...weekly, TODAY + 42, TODAY + 49];
  assert.deepEqual(dropped(longer, TODAY + 49), [1, 2]);
});

Deno.test("a clock that jumps a year ahead and back costs nothing within five rotations", () => {
  const jump = [0, 7, 400, 8, 15, 22].map((day) => TODAY + day);
  assert.deepEqual(dropped(jump, TODAY + 401), [1], "no more than the oldest");
  assert.deepEqual(dropped(jump.slice(0, 3), TODAY + 401), []);
  assert.deepEqual(dropped(jump, TODAY + 30), []);
  const ahead = [...jump, ...[29, 36, 43, 50].map((day) => TODAY + day)];
  assert.deepEqual(dropped(ahead, TODAY + 50), [1, 2, 3, 4], "the key of day 400 goes in its turn");
});

Deno.test("a clock that fell back to 1970 for a while makes no key go early", () => {
  const back = [TODAY, 0, ...[7, 14, 21, 28, 35].map((day) => TODAY + day)];
  assert.deepEqual(dropped(back, TODAY + 35), [], "the first was replaced on day 7, not in 1970");
  assert.deepEqual(dropped(back, TODAY + 42), [1, 2]);
});

Deno.test("whatever the clock does, the five newest rotations and the current one stay", () => {
  const days = fc.array(fc.nat(100_000), { maxLength: 20 });
  fc.assert(fc.property(days, fc.nat(200_000), (made, today) => {
    for (const id of dropped(made, today)) assert.ok(id <= made.length - 5);
  }));
});

Deno.test("fetched one-time keys are marked, kept for six rotations, then forgotten", () => {
  const keys = [1, 2, 3].map((id) => mark("once", id));
  const first = planPrekeys([...rotations([TODAY]), ...keys], { ...FULL, oneTime: 1 }, TODAY);
  assert.deepEqual(first.claimed, [{ kind: "once", id: 2 }, { kind: "once", id: 1 }]);
  assert.deepEqual(first.drop, []);
  const marked = [mark("once", 1, TODAY, 1), mark("once", 2, TODAY, 1), keys[2]!];
  const at = (count: number) => {
    const made = Array.from({ length: count }, () => TODAY);
    return planPrekeys([...rotations(made), ...marked], { ...FULL, oneTime: 1 }, TODAY);
  };
  assert.deepEqual([at(6).drop, at(6).claimed], [[], []]);
  assert.deepEqual(at(7).drop, [{ kind: "once", id: 2 }, { kind: "once", id: 1 }]);
});

Deno.test("a stranger who fetches every key for a year does not fill the store", () => {
  let stored: StoredPrekey[] = [];
  let next = 1;
  for (let day = 0; day < 365; day++) {
    const today = TODAY + day;
    const plan = planPrekeys(stored, { oneTime: 0, kemOnce: 0, day: today }, today);
    const rotation = (currentRotation(stored)?.signed.id ?? 0) + (plan.rotate ? 1 : 0);
    const is = (names: PrekeyPlan["drop"], one: StoredPrekey) =>
      names.some(({ kind, id }) => kind === one.kind && id === one.id);
    stored = stored.filter((one) => !is(plan.drop, one)).map((one) => {
      return is(plan.claimed, one) ? { ...one, claimed: rotation } : one;
    });
    if (plan.rotate) {
      stored.push(mark("signed", rotation, today), mark("kem-last", rotation, today));
    }
    for (let made = 0; made < plan.once; made++) stored.push(mark("once", next++, today));
  }
  assert.ok(stored.length < 5_500, `${stored.length}`);
});
