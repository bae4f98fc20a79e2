import assert from "node:assert/strict";
import { type AgreementPair, generateAgreement } from "../../crypto/agreement.ts";
import { KeyError } from "../../crypto/errors.ts";
import {
  type HandshakeFacts,
  initiate,
  type Party,
  respond,
  sessionIdOf,
  transcriptOf,
} from "../../crypto/handshake.ts";
import { generateKem, type KemPair } from "../../crypto/kem.ts";
import { randomBytes } from "../../crypto/random.ts";
import type { Bytes } from "../../protocol/encoding.ts";
import { FormatError } from "../../protocol/errors.ts";
import { idBytes, randomId } from "../../protocol/ids.ts";

interface Device {
  readonly party: Party;
  readonly agree: AgreementPair;
}

interface Prekeys {
  readonly signedPrekey: AgreementPair;
  readonly oneTime: AgreementPair | null;
  readonly kem: KemPair;
}

async function device(): Promise<Device> {
  const agree = await generateAgreement("portable");
  const ids = { account: randomId<"account">(), device: randomId<"device">() };
  const keys = { aik: randomBytes(32), sign: randomBytes(32), agree: agree.public };
  return { party: { ...ids, ...keys }, agree };
}

async function prekeys(withOneTime = true): Promise<Prekeys> {
  return {
    signedPrekey: await generateAgreement("portable"),
    oneTime: withOneTime ? await generateAgreement("portable") : null,
    kem: await generateKem("portable"),
  };
}

function publicHalves(privates: Prekeys) {
  const [signedPrekey, kemKey] = [privates.signedPrekey.public, privates.kem.public];
  const oneTime = privates.oneTime?.public ?? null;
  return { signedPrekey, oneTime, kemKind: "once", kemKey } as const;
}

async function shake(alice: Device, bob: Device, privates: Prekeys) {
  const ephemeral = await generateAgreement("portable");
  const own = { party: alice.party, agree: alice.agree.private };
  const made = await initiate(own, bob.party, publicHalves(privates), ephemeral);
  const facts: HandshakeFacts = {
    ...publicHalves(privates),
    initiator: alice.party,
    responder: bob.party,
    kemCiphertext: made.kemCiphertext,
    ephemeral: ephemeral.public,
  };
  return { made, facts };
}

Deno.test("both sides arrive at one transcript and three equal secrets, with and without a one-time prekey", async () => {
  const [alice, bob] = [await device(), await device()];
  for (const withOneTime of [true, false]) {
    const privates = await prekeys(withOneTime);
    const { made, facts } = await shake(alice, bob, privates);
    const transcript = await transcriptOf(facts);
    const theirs = await respond(bob.agree.private, facts, transcript, privates);
    assert.deepEqual(theirs.secrets, made.secrets);
    assert.deepEqual(transcript, made.transcript);
    assert.equal(new Set(Object.values(made.secrets).map(String)).size, 3);
  }
});

Deno.test("the session id is the first half of the transcript", () => {
  const transcript = randomBytes(32);
  assert.deepEqual(idBytes(sessionIdOf(transcript)), transcript.slice(0, 16));
});

Deno.test("attack: unknown key share. Every identity, key and choice is in the transcript", async () => {
  const [alice, bob] = [await device(), await device()];
  const { facts } = await shake(alice, bob, await prekeys());
  const others: HandshakeFacts[] = [
    { ...facts, initiator: facts.responder, responder: facts.initiator },
    { ...facts, oneTime: null },
    { ...facts, kemKind: "last" },
  ];
  for (const field of ["account", "device"] as const) {
    others.push({ ...facts, initiator: { ...facts.initiator, [field]: randomId() } });
    others.push({ ...facts, responder: { ...facts.responder, [field]: randomId() } });
  }
  for (const field of ["aik", "sign", "agree"] as const) {
    others.push({ ...facts, initiator: { ...facts.initiator, [field]: randomBytes(32) } });
    others.push({ ...facts, responder: { ...facts.responder, [field]: randomBytes(32) } });
  }
  for (
    const field of ["signedPrekey", "oneTime", "kemKey", "kemCiphertext", "ephemeral"] as const
  ) {
    others.push({ ...facts, [field]: randomBytes(facts[field]!.length) });
  }
  const transcripts = await Promise.all([facts, ...others].map(transcriptOf));
  assert.equal(new Set(transcripts.map(String)).size, transcripts.length);
});

Deno.test("attack: unknown key share. A responder who believes in another initiator gets other secrets", async () => {
  const [alice, bob, mallory] = [await device(), await device(), await device()];
  const privates = await prekeys();
  const { made, facts } = await shake(alice, bob, privates);
  const misled = { ...facts, initiator: { ...alice.party, account: mallory.party.account } };
  const transcript = await transcriptOf(misled);
  const theirs = await respond(bob.agree.private, misled, transcript, privates);
  assert.notDeepEqual(theirs.secrets.root, made.secrets.root);
});

Deno.test("the secrets need every private key: device, signed, one-time and KEM", async () => {
  const [alice, bob] = [await device(), await device()];
  const privates = await prekeys();
  const { made, facts } = await shake(alice, bob, privates);
  const stranger = await prekeys();
  const without: [CryptoKey, Prekeys][] = [
    [stranger.signedPrekey.private, privates],
    [bob.agree.private, { ...privates, signedPrekey: stranger.signedPrekey }],
    [bob.agree.private, { ...privates, oneTime: stranger.oneTime }],
    [bob.agree.private, { ...privates, oneTime: null }],
    [bob.agree.private, { ...privates, kem: stranger.kem }],
  ];
  for (const [own, keys] of without) {
    const theirs = await respond(own, facts, made.transcript, keys);
    assert.notDeepEqual(theirs.secrets.root, made.secrets.root);
  }
});

Deno.test("attack: a key of small order anywhere ends the handshake, which would have an all-zero secret", async () => {
  const [alice, bob] = [await device(), await device()];
  const privates = await prekeys();
  const zero: Bytes = new Uint8Array(32);
  const own = { party: alice.party, agree: alice.agree.private };
  const ephemeral = await generateAgreement("portable");
  const keys = publicHalves(privates);
  const bad = [
    () => initiate(own, { ...bob.party, agree: zero }, keys, ephemeral),
    () => initiate(own, bob.party, { ...keys, signedPrekey: zero }, ephemeral),
    () => initiate(own, bob.party, { ...keys, oneTime: zero }, ephemeral),
  ];
  for (const one of bad) await assert.rejects(one, KeyError);
  const { facts } = await shake(alice, bob, privates);
  const zeroes = [
    { ...facts, ephemeral: zero },
    { ...facts, initiator: { ...facts.initiator, agree: zero } },
  ];
  for (const hostile of zeroes) {
    const transcript = await transcriptOf(hostile);
    await assert.rejects(respond(bob.agree.private, hostile, transcript, privates), KeyError);
  }
});

Deno.test("attack: without a KEM key, or with a malformed one, there is no handshake", async () => {
  const [alice, bob] = [await device(), await device()];
  const own = { party: alice.party, agree: alice.agree.private };
  const keys = publicHalves(await prekeys());
  const ephemeral = await generateAgreement("portable");
  for (const kemKey of [new Uint8Array(), new Uint8Array(1184).fill(0xff)]) {
    await assert.rejects(initiate(own, bob.party, { ...keys, kemKey }, ephemeral), KeyError);
  }
  const { facts } = await shake(alice, bob, await prekeys());
  await assert.rejects(transcriptOf({ ...facts, kemCiphertext: new Uint8Array() }), FormatError);
});
