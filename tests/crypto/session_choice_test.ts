import assert from "node:assert/strict";
import fc from "fast-check";
import {
  chooseActive,
  compareIds,
  pruneSessions,
  pruneSkipped,
  routeEnvelope,
  type SessionFacts,
} from "../../crypto/session_choice.ts";
import { countSkipped } from "../../crypto/ratchet/state.ts";
import { idFrom, type SessionId } from "../../protocol/ids.ts";
import { NOON, talking } from "../helpers/parties.ts";

const DAY = 86_400_000;
const sessionId = (value: number): SessionId => idFrom(new Uint8Array(16).fill(value));

function session(id: number, facts: Partial<SessionFacts> = {}): SessionFacts {
  const fresh = { role: "initiator", confirmed: true, supersedes: [] } as const;
  return { id: sessionId(id), ...fresh, createdAt: id, receivedAt: 0, ...facts };
}

Deno.test("an envelope goes to its session, to the handshake, or nowhere", () => {
  const ordinary = { kind: "ordinary" } as const;
  const opening = { kind: "opening" } as const;
  const route = (
    envelope: typeof ordinary | typeof opening,
    session: boolean,
    remembered: boolean,
  ) => routeEnvelope(envelope, { session, remembered });
  assert.equal(route(ordinary, true, true), "session");
  assert.equal(route(opening, true, true), "session");
  assert.equal(route(opening, false, false), "accept");
  assert.equal(route(opening, false, true), "drop");
  assert.equal(route(ordinary, false, true), "unknown");
  assert.equal(route(ordinary, false, false), "unknown");
});

Deno.test("an opening that names a session takes its place, confirmed or not", () => {
  const old = session(1);
  const renewed = session(2, { confirmed: false, supersedes: [old.id] });
  assert.equal(chooseActive([old, renewed]), renewed);
  assert.equal(chooseActive([renewed, old]), renewed);
});

Deno.test("both open at once: the smaller id sends once confirmed, until then the confirmed one", () => {
  // Confirmed means that something came on it, here after the other opening had come.
  const mine = (confirmed: boolean) => session(1, { confirmed, receivedAt: confirmed ? 3 : 0 });
  const theirs = session(2, { role: "responder" });
  assert.equal(chooseActive([mine(false), theirs]), theirs);
  assert.equal(chooseActive([mine(true), theirs])?.id, sessionId(1));
  const smaller = session(0, { role: "responder" });
  assert.equal(chooseActive([mine(true), smaller]), smaller);
});

Deno.test("a side that has used our session and opens another without naming it has lost ours", () => {
  const ours = session(1, { receivedAt: 5 });
  const theirs = session(9, { role: "responder", createdAt: 6, receivedAt: 6 });
  assert.equal(chooseActive([ours, theirs]), theirs);
  const usedAgain = { ...ours, receivedAt: 7 };
  assert.equal(chooseActive([usedAgain, theirs]), usedAgain, "it was not lost after all");
});

Deno.test("of two openings of one side that do not name each other the newer counts", () => {
  const lost = session(1, { role: "responder", createdAt: 1 });
  const fresh = session(9, { role: "responder", createdAt: 2 });
  assert.equal(chooseActive([lost, fresh]), fresh);
});

Deno.test("no sessions, and sessions that all name each other, do not break the choice", () => {
  assert.equal(chooseActive([]), null);
  const one = session(1, { supersedes: [sessionId(2)] });
  const two = session(2, { supersedes: [sessionId(1)] });
  assert.ok(chooseActive([one, two]));
});

Deno.test("ids are ordered as bytes, not as text", () => {
  const ids = Array.from({ length: 256 }, (_, value) => sessionId(value));
  assert.deepEqual(ids.toSorted(compareIds), ids);
  assert.equal(compareIds(ids[3]!, ids[3]!), 0);
});

Deno.test("one active and four older sessions are kept, the older ones 30 days", () => {
  const all = Array.from({ length: 7 }, (_, i) => {
    const supersedes = i ? [sessionId(i - 1)] : [];
    return session(i, { createdAt: 0, receivedAt: i * DAY, supersedes });
  });
  const { keep, drop } = pruneSessions(all, 8 * DAY);
  assert.deepEqual(keep.map(({ id }) => id), [6, 5, 4, 3, 2].map(sessionId));
  assert.deepEqual(drop.map(({ id }) => id), [0, 1].map(sessionId));
  const later = pruneSessions(keep, 35 * DAY);
  assert.deepEqual(later.keep.map(({ id }) => id), [6, 5].map(sessionId));
  assert.deepEqual(pruneSessions(later.keep, 900 * DAY).keep.map(({ id }) => id), [sessionId(6)]);
});

Deno.test("pruning never drops the active session and never loses one", () => {
  const facts = fc.record({
    role: fc.constantFrom("initiator" as const, "responder" as const),
    confirmed: fc.boolean(),
    createdAt: fc.nat(50 * DAY),
    receivedAt: fc.nat(50 * DAY),
    supersedes: fc.array(fc.nat(9).map(sessionId), { maxLength: 3 }),
  });
  fc.assert(fc.property(fc.array(facts, { maxLength: 10 }), (list) => {
    const sessions = list.map((one, index) => session(index, one));
    const { keep, drop } = pruneSessions(sessions, 50 * DAY);
    assert.equal(keep.length + drop.length, sessions.length);
    assert.ok(keep.length <= 5);
    assert.equal(chooseActive(sessions), keep[0] ?? null);
  }));
});

Deno.test("a device keeps 20,000 skipped keys, those of quiet sessions go first", async () => {
  const { alice, bob } = await talking();
  for (let i = 0; i < 1999; i++) await alice.send("lost");
  await bob.receive(await alice.send("comes"));
  assert.equal(countSkipped(bob.state.ratchet), 1999);
  const many = Array.from({ length: 12 }, (_, at) => ({ ...bob.state, receivedAt: NOON + at }));
  const changed = pruneSkipped(many, NOON);
  const totals = changed.map((state) => [state.receivedAt - NOON, countSkipped(state.ratchet)]);
  assert.deepEqual(totals, [[1, 20_000 - 10 * 1999], [0, 0]]);
  assert.deepEqual(pruneSkipped(many.slice(0, 10), NOON), []);
});
