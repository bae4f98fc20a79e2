import assert from "node:assert/strict";
import { cpuUsage } from "node:process";
import { DecryptError } from "../../crypto/errors.ts";
import { stepChain } from "../../crypto/ratchet/chain_key.ts";
import { sealHeader } from "../../crypto/ratchet/header.ts";
import { sealBody } from "../../crypto/ratchet/message_key.ts";
import { randomBytes } from "../../crypto/random.ts";
import { acceptOpening, decryptMessage } from "../../crypto/session.ts";
import type { Bytes } from "../../protocol/encoding.ts";
import {
  decodeEnvelope,
  encodeEnvelope,
  type Envelope,
  type Opening,
} from "../../protocol/envelope.ts";
import { FormatError, type VerifyCode, VerifyError } from "../../protocol/errors.ts";
import { randomId } from "../../protocol/ids.ts";
import { accept, fingerprint, makeParty, NOON, open, Side, talking } from "../helpers/parties.ts";

/** `side` refuses the envelope and its state is what it was, byte for byte. */
async function refuses(side: Side, envelope: Envelope | Bytes): Promise<void> {
  const before = side.state;
  const print = await fingerprint(before);
  const opened = (async () => {
    const decoded = envelope instanceof Uint8Array ? decodeEnvelope(envelope) : envelope;
    return await decryptMessage(side.state, decoded, NOON);
  })();
  await assert.rejects(opened, (error) => {
    return error instanceof DecryptError || error instanceof FormatError;
  });
  assert.equal(side.state, before);
  assert.equal(await fingerprint(side.state), print);
}

/** Alice's opening, not yet delivered. */
async function opening() {
  const [a, b] = [await makeParty(), await makeParty()];
  const alice = new Side(a, await open(a, b));
  const envelope = await alice.send("hi");
  return { a, b, alice, envelope, decoded: decodeEnvelope(envelope) };
}

Deno.test("attack: a message reflected to its sender is refused", async () => {
  const { alice, bob } = await talking();
  await refuses(alice, await alice.send("mine"));
  await refuses(bob, await bob.send("mine"));
  await bob.receive(await alice.send("turn"));
  await refuses(alice, await alice.send("mine again"));
});

Deno.test("attack: an opening reflected to its initiator is refused", async () => {
  const { a, alice, envelope, decoded } = await opening();
  await refuses(alice, envelope);
  await assert.rejects(acceptOpening(a.keys, decoded, a.list, a.lookup, NOON), VerifyError);
});

Deno.test("attack: a message sent twice is opened once", async () => {
  const { alice, bob } = await talking();
  const [first, second] = [await alice.send("1"), await alice.send("2")];
  await bob.receive(second);
  await bob.receive(first);
  await refuses(bob, first);
  await refuses(bob, second);
  await alice.receive(await bob.send("turn"));
  await bob.receive(await alice.send("next chain"));
  await refuses(bob, first);
  await refuses(bob, second);
});

Deno.test("attack: a message of one session replayed into another is refused", async () => {
  const [one, two] = [await talking(), await talking()];
  const envelope = await one.alice.send("for this session");
  await refuses(two.bob, envelope);
  await refuses(two.bob, { ...decodeEnvelope(envelope), session: two.bob.state.id });
});

Deno.test("attack: a message of an older session with the same peer replayed into the newer is refused", async () => {
  const [a, b] = [await makeParty(), await makeParty()];
  const older = new Side(a, await open(a, b, { oneTime: false, kem: "last" }));
  const newer = new Side(a, await open(a, b, { oneTime: false, kem: "last" }));
  const { side: bob } = await accept(b, a, await newer.send("new"));
  const stray = decodeEnvelope(await older.send("old"));
  await refuses(bob, { ...stray, session: bob.state.id });
});

Deno.test("attack: every single-bit flip of a message is refused and moves nothing", async () => {
  const { alice, bob } = await talking();
  const envelope = await alice.send("original");
  for (let bit = 0; bit < envelope.length * 8; bit++) {
    const flipped = envelope.slice();
    flipped[bit >> 3]! ^= 1 << (bit & 7);
    await refuses(bob, flipped);
  }
  assert.equal(await bob.receive(envelope), "original");
});

Deno.test("attack: every single-bit flip of a message that turns the ratchet is refused", async () => {
  const { alice, bob } = await talking();
  await alice.receive(await bob.send("turn"));
  const envelope = await alice.send("original");
  for (let bit = 0; bit < envelope.length * 8; bit += 3) {
    const flipped = envelope.slice();
    flipped[bit >> 3]! ^= 1 << (bit & 7);
    await refuses(bob, flipped);
  }
  assert.equal(await bob.receive(envelope), "original");
});

Deno.test("attack: no byte of an opening can be changed, be it new or a copy for a known session", async () => {
  const { a, b, alice, envelope } = await opening();
  const second = await alice.send("again");
  const { side: bob } = await accept(b, a, envelope);
  for (let at = 0; at < envelope.length; at++) {
    for (const [original, known] of [[envelope, false], [second, true]] as const) {
      const flipped = original.slice();
      flipped[at]! ^= 1 << (at & 7);
      if (known) await refuses(bob, flipped);
      else await assert.rejects(accept(b, a, flipped), Error);
    }
  }
  assert.equal(await bob.receive(second), "again");
});

Deno.test("attack: an opening with what it supersedes added or taken away is refused", async () => {
  const { a, b, decoded } = await opening();
  const supersedes = [randomId<"session">()];
  const changed = { ...decoded, opening: { ...decoded.opening!, supersedes } };
  await assert.rejects(acceptOpening(b.keys, changed, a.list, b.lookup, NOON), DecryptError);
});

Deno.test("attack: an ordinary message dressed as an opening, and the reverse, are refused", async () => {
  const { a, b, alice, envelope, decoded } = await opening();
  const { side: bob } = await accept(b, a, envelope);
  const second = decodeEnvelope(await alice.send("2"));
  await refuses(bob, { ...second, kind: "ordinary", opening: null });
  await alice.receive(await bob.send("reply"));
  const third = decodeEnvelope(await alice.send("3"));
  await refuses(bob, { ...third, kind: "opening", opening: decoded.opening });
});

Deno.test("attack: a header flood leaves the state as it was and the session working", async () => {
  const { alice, bob } = await talking();
  for (let i = 0; i < 6; i++) {
    await alice.send("lost");
    await bob.receive(await alice.send("comes"));
    await alice.receive(await bob.send("turn"));
  }
  assert.equal(bob.state.ratchet.older.length, 5);
  const genuine = await alice.send("still here");
  const model = decodeEnvelope(genuine);
  for (let i = 0; i < 200; i++) {
    const [header, salt] = [randomBytes(68), randomBytes(16)];
    await refuses(bob, { ...model, header, salt, ciphertext: randomBytes(272) });
  }
  assert.equal(await bob.receive(genuine), "still here");
});

/** Moves Alice's chain on without sending: what a peer that lies about its count can do at most. */
function jump(alice: Side, count: number): void {
  const { ratchet } = alice.state;
  let key = ratchet.sending!.chainKey;
  for (let i = 0; i < count; i++) key = stepChain(key).next;
  const sending = { ...ratchet.sending!, chainKey: key, next: ratchet.sending!.next + count };
  alice.state = { ...alice.state, ratchet: { ...ratchet, sending } };
}

Deno.test("attack: a jump of 25,001 is refused, one of 25,000 is made in under a second of work", async () => {
  for (const extra of [0, 1]) {
    const { alice, bob } = await talking();
    await bob.receive(await alice.send("start"));
    jump(alice, 25_000 + extra);
    const envelope = await alice.send("far ahead");
    if (extra) {
      await refuses(bob, envelope);
      continue;
    }
    // Of the processor, not of the wall: what else the machine does must not fail this.
    const before = cpuUsage();
    const opened = await bob.receiveAll(envelope);
    const { user, system } = cpuUsage(before);
    assert.ok(user + system < 1_000_000, `${(user + system) / 1000} ms`);
    assert.deepEqual([opened.text, opened.gap], ["far ahead", 25_000]);
  }
});

Deno.test("attack: a previous chain that claims 25,001 more messages is refused", async () => {
  const { alice, bob } = await talking();
  await bob.receive(await alice.send("start"));
  jump(alice, 25_001);
  await alice.receive(await bob.send("turn"));
  await refuses(bob, await alice.send("next chain"));
});

Deno.test("attack: a previous chain that claims fewer messages than came is refused", async () => {
  const { alice, bob } = await talking();
  for (let i = 0; i < 3; i++) await bob.receive(await alice.send("comes"));
  await alice.receive(await bob.send("turn"));
  alice.state = { ...alice.state, ratchet: { ...alice.state.ratchet, previousLength: 2 } };
  await refuses(bob, await alice.send("next chain"));
});

Deno.test("attack: all-zero DH. A peer's ratchet key of small order is refused", async () => {
  const { alice, bob } = await talking();
  const { ratchet, id: session, transcript } = alice.state;
  const key = ratchet.nextSendingHeaderKey;
  const header = { ratchetKey: new Uint8Array(32), previousLength: 0, number: 0 };
  const sealed = await sealHeader(key, header, session);
  const salt = randomBytes(16);
  const binding = { transcript, header: sealed, opening: new Uint8Array() };
  const plain = { content: randomBytes(3), context: "pairwise" } as const;
  const ciphertext = await sealBody(randomBytes(32), salt, binding, plain);
  const kind = "ordinary";
  await refuses(bob, { kind, session, salt, header: sealed, opening: null, ciphertext });
});

Deno.test("attack: wrong AIK. An opening is believed only as the verified device list has it", async () => {
  const { a, b, decoded } = await opening();
  const refusal = async (change: Partial<Opening>, list = a.list): Promise<VerifyCode> => {
    const envelope = { ...decoded, opening: { ...decoded.opening!, ...change } };
    const refused = acceptOpening(b.keys, envelope, list, b.lookup, NOON);
    return await refused.then(() => assert.fail("accepted"), (error) => error.code);
  };
  assert.equal(await refusal({}, b.list), "wrong-account");
  assert.equal(await refusal({ aik: randomBytes(32) }), "key-changed");
  assert.equal(await refusal({}, { ...a.list, aik: randomBytes(32) }), "key-changed");
  assert.equal(await refusal({ device: randomId<"device">() }), "not-listed");
  assert.equal(await refusal({}, { ...a.list, devices: [] }), "not-listed");
  assert.equal(await refusal({ sign: randomBytes(32) }), "device-changed");
  assert.equal(await refusal({ agree: randomBytes(32) }), "device-changed");
  assert.equal(await refusal({ listVersion: 2 }), "newer-list");
  assert.equal(await refusal({ listHash: randomBytes(32) }), "fork");
});

Deno.test("attack: unknown key share. A third party cannot pass Alice's opening off as its own", async () => {
  const { b, decoded } = await opening();
  const mallory = await makeParty();
  const { account, aik, device, sign, agree } = mallory.keys;
  const claim = { account, aik, device, sign: sign.public, agree: agree.public };
  const listed = { listVersion: 1, listHash: mallory.list.hash };
  const stolen = { ...decoded, opening: { ...decoded.opening!, ...claim, ...listed } };
  const refused = acceptOpening(b.keys, stolen, mallory.list, b.lookup, NOON);
  await assert.rejects(refused, DecryptError);
});

Deno.test("attack: an opening for another device is refused", async () => {
  const { a, decoded } = await opening();
  const eve = await makeParty();
  const refused = acceptOpening(eve.keys, decoded, a.list, eve.lookup, NOON);
  await assert.rejects(refused, DecryptError);
});

Deno.test("attack: a session id that is not the transcript's is refused before any private key is used", async () => {
  const { a, b, decoded } = await opening();
  const envelope = { ...decoded, session: randomId<"session">() };
  const { deriveBits } = crypto.subtle;
  let uses = 0;
  crypto.subtle.deriveBits = (...parameters: Parameters<typeof deriveBits>) => {
    uses++;
    return deriveBits.apply(crypto.subtle, parameters);
  };
  try {
    await assert.rejects(acceptOpening(b.keys, envelope, a.list, b.lookup, NOON), DecryptError);
    assert.equal(uses, 0);
    await acceptOpening(b.keys, decoded, a.list, b.lookup, NOON);
    assert.ok(uses > 0);
  } finally {
    crypto.subtle.deriveBits = deriveBits;
  }
});

Deno.test("attack: an opening that names prekeys which are gone or never were is refused", async () => {
  const { a, b, decoded } = await opening();
  for (const change of [{ signedPrekey: 2 }, { oneTime: 2 }, { oneTime: null }]) {
    const envelope = { ...decoded, opening: { ...decoded.opening!, ...change } };
    await assert.rejects(acceptOpening(b.keys, envelope, a.list, b.lookup, NOON), DecryptError);
  }
  b.prekeys.delete("once 1");
  await assert.rejects(acceptOpening(b.keys, decoded, a.list, b.lookup, NOON), DecryptError);
});

Deno.test("attack: a KEM ciphertext of the attacker's choice is refused like any forgery", async () => {
  const { a, b, decoded } = await opening();
  const kem = { ...decoded.opening!.kem, ciphertext: randomBytes(1088) };
  const envelope = { ...decoded, opening: { ...decoded.opening!, kem } };
  await assert.rejects(acceptOpening(b.keys, envelope, a.list, b.lookup, NOON), DecryptError);
  assert.ok(encodeEnvelope(envelope));
});
