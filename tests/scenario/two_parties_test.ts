/** Situations between two devices, with the bookkeeping that a client does around its sessions. */
import assert from "node:assert/strict";
import { cpuUsage } from "node:process";
import {
  acceptOpening,
  decryptMessage,
  encryptMessage,
  type SessionState,
} from "../../crypto/session.ts";
import { chooseActive, pruneSessions, routeEnvelope } from "../../crypto/session_choice.ts";
import type { Bytes } from "../../protocol/encoding.ts";
import { fromUtf8, utf8 } from "../../protocol/encoding.ts";
import { decodeEnvelope } from "../../protocol/envelope.ts";
import type { SessionId } from "../../protocol/ids.ts";
import { addPrekey, makeParty, NOON, open, type TestParty } from "../helpers/parties.ts";

/** One device as a client keeps it: its sessions with one peer, and the session ids it remembers. */
class Device {
  readonly sessions = new Map<SessionId, SessionState>();
  readonly remembered = new Set<SessionId>();
  readonly shown: string[] = [];
  unknown = 0;

  constructor(readonly party: TestParty, readonly peer: TestParty) {}

  async open(choice: Parameters<typeof open>[2] = {}): Promise<void> {
    const supersedes = [...this.sessions.keys()];
    const state = await open(this.party, this.peer, choice, supersedes);
    this.sessions.set(state.id, state);
  }

  active(): SessionState {
    return chooseActive([...this.sessions.values()])!;
  }

  async send(text: string): Promise<Bytes> {
    const { state, envelope } = await encryptMessage(this.active(), utf8(text), "pairwise");
    this.sessions.set(state.id, state);
    return envelope;
  }

  /** What is shown to the user is kept; what is refused leaves no trace. */
  async receive(bytes: Bytes): Promise<void> {
    const envelope = decodeEnvelope(bytes);
    const id = envelope.session;
    const known = { session: this.sessions.has(id), remembered: this.remembered.has(id) };
    const route = routeEnvelope(envelope, known);
    if (route === "unknown") this.unknown++;
    if (route === "session") await this.#continue(id, bytes);
    if (route === "accept") await this.#accept(bytes);
  }

  async #continue(id: SessionId, bytes: Bytes): Promise<void> {
    const opened = await decryptMessage(this.sessions.get(id)!, decodeEnvelope(bytes), NOON)
      .catch(() => null);
    if (opened) this.#commit(opened);
  }

  async #accept(bytes: Bytes): Promise<void> {
    const { keys, lookup, prekeys } = this.party;
    const envelope = decodeEnvelope(bytes);
    const opened = await acceptOpening(keys, envelope, this.peer.list, lookup, NOON)
      .catch(() => null);
    if (!opened) return;
    this.remembered.add(opened.state.id);
    prekeys.delete(`once ${opened.used.oneTime}`);
    prekeys.delete(`kem-once ${opened.used.kemOnce}`);
    this.#commit(opened);
  }

  #commit({ state, content }: { state: SessionState; content: Bytes }): void {
    this.sessions.set(state.id, state);
    this.shown.push(fromUtf8(content));
  }
}

async function pair(): Promise<[Device, Device]> {
  const [a, b] = [await makeParty(), await makeParty()];
  return [new Device(a, b), new Device(b, a)];
}

Deno.test("case 1: openings delivered 3, 1, 2, 1 are shown once each, in one session", async () => {
  const [alice, bob] = await pair();
  await alice.open();
  const [one, two, three] = [await alice.send("1"), await alice.send("2"), await alice.send("3")];
  for (const envelope of [three, one, two, one]) await bob.receive(envelope);
  assert.deepEqual(bob.shown, ["3", "1", "2"]);
  assert.equal(bob.sessions.size, 1);
  assert.equal(bob.active().missing, 0);
});

Deno.test("case 1: a replay after the session is deleted shows nothing and makes no session", async () => {
  for (const choice of [{}, { oneTime: false, kem: "last" as const }]) {
    const [alice, bob] = await pair();
    await alice.open(choice);
    const envelopes = [await alice.send("1"), await alice.send("2")];
    for (const envelope of envelopes) await bob.receive(envelope);
    bob.sessions.clear();
    for (const envelope of envelopes) await bob.receive(envelope);
    assert.deepEqual(bob.shown, ["1", "2"]);
    assert.equal(bob.sessions.size, 0);
  }
});

Deno.test("case 1: with one-time prekeys gone, even a device that forgot T does not open the replay", async () => {
  const [alice, bob] = await pair();
  await alice.open();
  const envelope = await alice.send("1");
  await bob.receive(envelope);
  bob.sessions.clear();
  bob.remembered.clear();
  await bob.receive(envelope);
  assert.deepEqual(bob.shown, ["1"]);
});

Deno.test("case 2: a restored snapshot sends under another key and IV than before", async () => {
  for (const turned of [false, true]) {
    const [alice, bob] = await pair();
    await alice.open();
    await bob.receive(await alice.send("start"));
    await alice.receive(await bob.send("reply"));
    if (!turned) await bob.receive(await alice.send("chain has begun"));
    const snapshot = alice.active();
    const before = decodeEnvelope(await alice.send("same plaintext"));
    alice.sessions.set(snapshot.id, snapshot);
    const after = decodeEnvelope(await alice.send("same plaintext"));
    assert.notDeepEqual(before.salt, after.salt);
    assert.notDeepEqual(before.header.subarray(0, 12), after.header.subarray(0, 12));
    // One key and IV would give one ciphertext: AES-GCM has no other input.
    assert.notDeepEqual(before.ciphertext.subarray(0, 256), after.ciphertext.subarray(0, 256));
  }
});

Deno.test("both open at once: both messages arrive and both sides settle on one session", async () => {
  for (let round = 0; round < 6; round++) {
    const [alice, bob] = await pair();
    await Promise.all([alice.open(), bob.open()]);
    const [hers, his] = [await alice.send("from Alice"), await bob.send("from Bob")];
    await bob.receive(hers);
    await alice.receive(his);
    for (let i = 0; i < 3; i++) {
      await bob.receive(await alice.send(`a${i}`));
      await alice.receive(await bob.send(`b${i}`));
    }
    assert.deepEqual(bob.shown, ["from Alice", "a0", "a1", "a2"]);
    assert.deepEqual(alice.shown, ["from Bob", "b0", "b1", "b2"]);
    assert.equal(alice.active().id, bob.active().id);
    const smaller = [decodeEnvelope(hers).session, decodeEnvelope(his).session];
    assert.ok(smaller.includes(alice.active().id));
  }
});

Deno.test("both open at once and one opening is lost: the conversation goes on in the other", async () => {
  const [alice, bob] = await pair();
  await Promise.all([alice.open(), bob.open()]);
  await alice.send("lost");
  await alice.receive(await bob.send("arrives"));
  await bob.receive(await alice.send("answer"));
  await alice.receive(await bob.send("and back"));
  assert.deepEqual([bob.shown, alice.shown], [["answer"], ["arrives", "and back"]]);
});

Deno.test("a fresh opening takes the place of a session, and what was under way still arrives", async () => {
  const [alice, bob] = await pair();
  await alice.open();
  await bob.receive(await alice.send("1"));
  await alice.receive(await bob.send("2"));
  const underWay = await alice.send("sent before");
  const crossing = await bob.send("crossing");
  await addPrekey(bob.party.prekeys, "once", 1);
  await addPrekey(bob.party.prekeys, "kem-once", 1);
  await alice.open();
  await bob.receive(await alice.send("fresh"));
  await bob.receive(underWay);
  await alice.receive(crossing);
  await alice.receive(await bob.send("on the fresh one"));
  assert.deepEqual(bob.shown, ["1", "fresh", "sent before"]);
  assert.deepEqual(alice.shown, ["2", "crossing", "on the fresh one"]);
  assert.equal(alice.active().id, bob.active().id);
  assert.equal(alice.sessions.size, 2);
});

Deno.test("a device that lost its sessions heals by naming the unknown ids it is written to on", async () => {
  const [alice, bob] = await pair();
  await alice.open();
  await bob.receive(await alice.send("1"));
  await alice.receive(await bob.send("2"));
  bob.sessions.clear();
  const lost = [await alice.send("x"), await alice.send("y"), await alice.send("z")];
  for (const envelope of lost) await bob.receive(envelope);
  assert.equal(bob.unknown, 3);
  const unknown = decodeEnvelope(lost[0]!).session;
  const state = await open(bob.party, alice.party, {}, [unknown]);
  bob.sessions.set(state.id, state);
  await alice.receive(await bob.send("a new start"));
  assert.equal(alice.active().id, state.id);
  await bob.receive(await alice.send("received"));
  assert.deepEqual(bob.shown, ["1", "received"]);
});

Deno.test("garbage for an unknown session counts, garbage for a known one does not", async () => {
  const [alice, bob] = await pair();
  await alice.open();
  await bob.receive(await alice.send("1"));
  await alice.receive(await bob.send("2"));
  const damaged = await alice.send("3");
  damaged[damaged.length - 1]! ^= 1;
  for (let i = 0; i < 5; i++) await bob.receive(damaged);
  assert.equal(bob.unknown, 0);
});

Deno.test("case 5: 3,000 sent, the last two kept by the queue, 3,000 pieces of garbage: the last decrypts, 2,998 are missing", async () => {
  const [alice, bob] = await pair();
  await alice.open();
  await bob.receive(await alice.send("start"));
  await alice.receive(await bob.send("reply"));
  const queue: Bytes[] = [];
  for (let i = 0; i < 3000; i++) {
    queue.push(await alice.send(`${i}`));
    if (queue.length > 2) queue.shift();
  }
  const [garbage, before] = [queue[1]!.slice(), cpuUsage()];
  for (let i = 0; i < 3000; i++) {
    crypto.getRandomValues(garbage.subarray(18));
    await bob.receive(garbage);
  }
  for (const envelope of queue) await bob.receive(envelope);
  const { user, system } = cpuUsage(before);
  // Of the processor, not of the wall: what else the machine does must not fail this.
  assert.ok(user + system < 1_000_000, `${(user + system) / 1000} ms for a flood of garbage`);
  assert.deepEqual(bob.shown, ["start", "2998", "2999"]);
  assert.equal(bob.active().missing, 2998);
  assert.equal(bob.unknown, 0);
});

Deno.test("after 30 quiet days only the active session is left", async () => {
  const [alice, bob] = await pair();
  await alice.open();
  await bob.receive(await alice.send("1"));
  await addPrekey(bob.party.prekeys, "once", 1);
  await addPrekey(bob.party.prekeys, "kem-once", 1);
  await alice.open();
  await bob.receive(await alice.send("2"));
  const { keep, drop } = pruneSessions([...bob.sessions.values()], NOON + 31 * 86_400_000);
  assert.deepEqual([keep.length, drop.length], [1, 1]);
  assert.equal(keep[0]!.id, bob.active().id);
});
