import assert from "node:assert/strict";
import {
  decryptMessage,
  encryptMessage,
  readOpening,
  type SessionState,
} from "../../crypto/session.ts";
import { DecryptError } from "../../crypto/errors.ts";
import { decodeEnvelope } from "../../protocol/envelope.ts";
import { randomId } from "../../protocol/ids.ts";
import { accept, makeParty, NOON, open, Side, talking } from "../helpers/parties.ts";

Deno.test("two devices that never met exchange messages both ways", async () => {
  const { alice, bob } = await talking();
  for (const text of ["one", "two", "three"]) {
    assert.equal(await bob.receive(await alice.send(text)), text);
    assert.equal(await alice.receive(await bob.send(`re: ${text}`)), `re: ${text}`);
  }
  assert.equal(alice.state.missing + bob.state.missing, 0);
});

Deno.test("the opening rides on every message until the first reply, then never again", async () => {
  const [a, b] = [await makeParty(), await makeParty()];
  const alice = new Side(a, await open(a, b));
  const first = await alice.send("1");
  for (const envelope of [first, await alice.send("2"), await alice.send("3")]) {
    assert.equal(decodeEnvelope(envelope).kind, "opening");
  }
  assert.equal(alice.state.confirmed, false);
  const { side: bob } = await accept(b, a, first);
  await alice.receive(await bob.send("reply"));
  assert.equal(alice.state.confirmed, true);
  assert.equal(alice.state.opening, null);
  assert.equal(decodeEnvelope(await alice.send("4")).kind, "ordinary");
});

Deno.test("a context sealed is the context opened, and is not on the wire", async () => {
  const { alice, bob } = await talking();
  const seen = [];
  for (const context of ["pairwise", "control", "room"] as const) {
    const envelope = await alice.send("same", context);
    seen.push(envelope.length, envelope[1]);
    assert.equal((await bob.receiveAll(envelope)).context, context);
  }
  assert.equal(new Set(seen).size, 2);
});

Deno.test("an opening says which prekeys it used, so that the one-time ones can go", async () => {
  const [a, b] = [await makeParty(), await makeParty()];
  const alice = new Side(a, await open(a, b));
  const { used } = await accept(b, a, await alice.send("hi"));
  assert.deepEqual(used, { signed: 1, oneTime: 1, kemOnce: 1, kemLast: null });
  const again = new Side(a, await open(a, b, { oneTime: false, kem: "last" }));
  const last = await accept(b, a, await again.send("hi"));
  assert.deepEqual(last.used, { signed: 1, oneTime: null, kemOnce: null, kemLast: 1 });
});

Deno.test("an opening's transcript is known before any private key is used", async () => {
  const [a, b] = [await makeParty(), await makeParty()];
  const alice = new Side(a, await open(a, b));
  const { opening } = decodeEnvelope(await alice.send("hi"));
  const found = await readOpening(b.keys, opening!, b.lookup);
  assert.deepEqual(found?.transcript, alice.state.transcript);
  b.prekeys.delete("once 1");
  assert.equal(await readOpening(b.keys, opening!, b.lookup), null);
});

Deno.test("a device writes to another device of its own account", async () => {
  const [a, other] = [await makeParty(), await makeParty()];
  const own = { ...a.keys, device: randomId<"device">() };
  const twin = { ...other, keys: { ...other.keys, account: own.account, aik: own.aik } };
  const list = { ...a.list, devices: [...a.list.devices, ...twin.list.devices] };
  const alice = new Side(a, await open(a, twin));
  const received = await accept(twin, { ...a, list }, await alice.send("to myself"));
  assert.equal(received.text, "to myself");
});

Deno.test("gaps are counted once, and what comes late counts back", async () => {
  const { alice, bob } = await talking();
  const sent = [];
  for (let i = 0; i < 6; i++) sent.push(await alice.send(`${i}`));
  assert.deepEqual(gapOf(await bob.receiveAll(sent[2]!)), [2, false, 2]);
  assert.deepEqual(gapOf(await bob.receiveAll(sent[0]!)), [0, true, 1]);
  assert.deepEqual(gapOf(await bob.receiveAll(sent[5]!)), [2, false, 3]);
  await alice.receive(await bob.send("turn"));
  const lost = await alice.send("lost");
  const next = await alice.send("next");
  assert.deepEqual(gapOf(await bob.receiveAll(next)), [1, false, 4]);
  for (const late of [sent[1]!, sent[3]!, sent[4]!, lost]) {
    assert.equal((await bob.receiveAll(late)).late, true);
  }
  assert.equal(bob.state.missing, 0);
});

function gapOf(opened: { gap: number; late: boolean; state: SessionState }) {
  return [opened.gap, opened.late, opened.state.missing];
}

Deno.test("content of every size up to the envelope's limit comes through, and no more", async () => {
  const { alice, bob } = await talking();
  for (const length of [0, 1, 255, 256, 4000, 4095, 4096, 60_000]) {
    const content = new Uint8Array(length).fill(7);
    const { state, envelope } = await encryptMessage(alice.state, content, "pairwise");
    const opened = await decryptMessage(bob.state, decodeEnvelope(envelope), NOON);
    assert.deepEqual(opened.content, content);
    [alice.state, bob.state] = [state, opened.state];
  }
  const huge = new Uint8Array(66_000);
  await assert.rejects(encryptMessage(alice.state, huge, "pairwise"), RangeError);
});

Deno.test("a state survives being stored: structured clone of the parts, keys kept", async () => {
  const { alice, bob } = await talking();
  const stored = store(bob.state) as SessionState;
  assert.deepEqual(stored, bob.state);
  const opened = await decryptMessage(stored, decodeEnvelope(await alice.send("later")), NOON);
  assert.equal(opened.state.receivedAt, NOON);
});

// Deno cannot clone a CryptoKey, browsers can; everything else must be cloneable everywhere.
function store(value: unknown): unknown {
  if (value instanceof CryptoKey) return value;
  if (value instanceof Uint8Array || typeof value !== "object" || value === null) {
    return structuredClone(value);
  }
  if (Array.isArray(value)) return value.map(store);
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, store(inner)]));
}

Deno.test("ratchet keys are as sealed as the device's own key", async () => {
  const [a, b] = [await makeParty("sealed"), await makeParty()];
  const alice = new Side(a, await open(a, b));
  const { side: bob } = await accept(b, a, await alice.send("hi"));
  await bob.send("hi");
  assert.equal(alice.state.ratchet.own?.private.extractable, false);
  assert.equal(bob.state.ratchet.own?.private.extractable, true);
});

Deno.test("a debug print of an error shows nothing of a key", async () => {
  const { alice, bob } = await talking();
  const envelope = await alice.send("x");
  envelope[envelope.length - 1]! ^= 1;
  const error = await bob.receive(envelope).catch((thrown: Error) => thrown);
  assert.ok(error instanceof DecryptError);
  assert.equal(error.cause, undefined);
});
