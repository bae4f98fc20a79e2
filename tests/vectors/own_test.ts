/** Snug's own protocol against vectors that an independent script made (tools/own_vectors.ts). */
import assert from "node:assert/strict";
import { importAgreement } from "../../crypto/agreement.ts";
import {
  type HandshakeFacts,
  handshakeSecrets,
  respond,
  transcriptOf,
} from "../../crypto/handshake.ts";
import { importKem } from "../../crypto/kem.ts";
import { stepChain } from "../../crypto/ratchet/chain_key.ts";
import { openHeader } from "../../crypto/ratchet/header.ts";
import { openBody } from "../../crypto/ratchet/message_key.ts";
import { turnRoot } from "../../crypto/ratchet/root_key.ts";
import { initiatorRatchet } from "../../crypto/ratchet/state.ts";
import { decryptMessage, type SessionState } from "../../crypto/session.ts";
import type { DeviceList } from "../../protocol/bundle.ts";
import { type Bytes, fromHex, toHex } from "../../protocol/encoding.ts";
import { decodeEnvelope, encodeEnvelope, encodeOpening } from "../../protocol/envelope.ts";
import { idFrom } from "../../protocol/ids.ts";
import { makeVectors } from "../../tools/own_vectors.ts";
import { accept, makeParty, NOON, Side, type TestParty } from "../helpers/parties.ts";
import VECTORS from "./own/sessions.json" with { type: "json" };

const { initiator, responder, seeds, publics, handshakes, conversation } = VECTORS;
const EMPTY: Bytes = new Uint8Array();
const TODAY = NOON / 86_400_000;

function party(person: typeof initiator) {
  return {
    account: idFrom<"account">(fromHex(person.account)),
    aik: fromHex(person.aik),
    device: idFrom<"device">(fromHex(person.device)),
    sign: fromHex(person.sign),
    agree: fromHex(person.agree),
  };
}

function factsOf({ kemKind, withOneTime }: typeof handshakes[number]): HandshakeFacts {
  return {
    initiator: party(initiator),
    responder: party(responder),
    signedPrekey: fromHex(publics.signedPrekey),
    oneTime: withOneTime ? fromHex(publics.oneTime) : null,
    kemKind: kemKind as "once" | "last",
    kemKey: fromHex(publics.kem),
    kemCiphertext: fromHex(publics.kemCiphertext),
    ephemeral: fromHex(publics.ephemeral),
  };
}

const portable = (seed: string) => importAgreement(fromHex(seed), "portable");

Deno.test("the vectors are those that the independent script makes", () => {
  assert.deepEqual(VECTORS, makeVectors());
});

Deno.test("own vectors: the seeds' public keys", async () => {
  assert.equal(toHex((await portable(initiator.agreeSeed)).public), initiator.agree);
  assert.equal(toHex((await portable(seeds.oneTime)).public), publics.oneTime);
  assert.equal(toHex((await importKem(fromHex(seeds.kem), "portable")).public), publics.kem);
});

Deno.test("own vectors: transcript, handshake secrets and the responder's half", async () => {
  const own = await portable(responder.agreeSeed);
  const [signedPrekey, oneTime] = [
    await portable(seeds.signedPrekey),
    await portable(seeds.oneTime),
  ];
  const kem = await importKem(fromHex(seeds.kem), "portable");
  for (const vector of handshakes) {
    const transcript = await transcriptOf(factsOf(vector));
    assert.equal(toHex(transcript), vector.transcript);
    const secrets = await handshakeSecrets(vector.shared.map(fromHex), transcript);
    const keys = [secrets.root, secrets.initiatorHeaderKey, secrets.responderHeaderKey];
    const { root, initiatorHeaderKey, responderHeaderKey } = vector;
    assert.deepEqual(keys.map(toHex), [root, initiatorHeaderKey, responderHeaderKey]);
    const privates = { signedPrekey, oneTime: vector.withOneTime ? oneTime : null, kem };
    const made = await respond(own.private, factsOf(vector), transcript, privates);
    assert.deepEqual(made.secrets, secrets);
    assert.equal(made.session, idFrom(fromHex(vector.session)));
  }
});

Deno.test("own vectors: root, chain, header and body of every message", async () => {
  const { private: own } = await portable(conversation.initiatorRatchetSeed);
  const turned = await turnRoot(fromHex(handshakes[0]!.root), own, fromHex(publics.signedPrekey));
  assert.deepEqual(
    [turned.root, turned.chain, turned.nextHeaderKey].map(toHex),
    Object.values(conversation.firstTurn),
  );
  for (const message of [...conversation.openings, conversation.reply]) {
    const { messageKey, next } = stepChain(fromHex(message.chainKey));
    assert.deepEqual([toHex(messageKey), toHex(next)], [message.messageKey, message.nextChainKey]);
    const envelope = decodeEnvelope(fromHex(message.envelope));
    const header = await openHeader(fromHex(message.headerKey), envelope.header, envelope.session);
    assert.deepEqual({ ...header, ratchetKey: toHex(header!.ratchetKey) }, message.header);
    const binding = {
      transcript: fromHex(handshakes[0]!.transcript),
      header: envelope.header,
      opening: envelope.opening ? encodeOpening(envelope.opening) : EMPTY,
    };
    const opened = await openBody(messageKey, envelope.salt, binding, envelope.ciphertext);
    assert.deepEqual([toHex(opened.content), opened.context], [message.content, message.context]);
    assert.equal(toHex(encodeEnvelope(envelope)), message.envelope);
  }
});

/** The vectors' responder, with its private keys. */
async function bob(): Promise<TestParty> {
  const { ids } = VECTORS;
  const stored = {
    [`signed ${ids.signedPrekey}`]: await portable(seeds.signedPrekey),
    [`once ${ids.oneTime}`]: await portable(seeds.oneTime),
    [`kem-once ${ids.kem}`]: await importKem(fromHex(seeds.kem), "portable"),
  };
  const base = await makeParty();
  const keys = { ...base.keys, ...party(responder), sign: base.keys.sign };
  const sign = { ...keys.sign, public: fromHex(responder.sign) };
  return {
    ...base,
    keys: { ...keys, sign, agree: await portable(responder.agreeSeed) },
    lookup: (kind, id) => {
      const pair = stored[`${kind} ${id}`];
      return Promise.resolve(pair && { kind, id, made: TODAY, ...pair });
    },
  };
}

/** The vectors' initiator: public keys and a device list. */
async function alice(): Promise<TestParty> {
  const base = await makeParty();
  const { account, aik, device, sign, agree } = party(initiator);
  const hash = fromHex(VECTORS.listHash);
  const list: DeviceList = {
    ...base.list,
    ...{ account, aik, version: VECTORS.ids.listVersion, hash, hashes: [hash] },
    devices: [{ ...base.list.devices[0]!, device, sign, agree }],
  };
  return { ...base, list };
}

Deno.test("own vectors: a responder opens the openings, in any order", async () => {
  const [a, b] = [await alice(), await bob()];
  const [one, two, three] = conversation.openings.map(({ envelope }) => fromHex(envelope));
  const accepted = await accept(b, a, three!);
  assert.deepEqual([accepted.text, accepted.context, accepted.gap], ["a sender key", "room", 2]);
  assert.equal(toHex(accepted.state.transcript), handshakes[0]!.transcript);
  assert.deepEqual(accepted.state.supersedes, [idFrom(fromHex(VECTORS.supersedes[0]!))]);
  assert.equal(await accepted.side.receive(one!), "hello Bob");
  const last = await accepted.side.receiveAll(two!);
  assert.deepEqual([last.text, last.context, last.state.missing], ["seen", "control", 0]);
});

Deno.test("own vectors: the initiator opens the reply", async () => {
  const [made] = handshakes;
  const secrets = {
    root: fromHex(made!.root),
    initiatorHeaderKey: fromHex(made!.initiatorHeaderKey),
    responderHeaderKey: fromHex(made!.responderHeaderKey),
  };
  const state: SessionState = {
    format: 1,
    id: idFrom(fromHex(made!.session)),
    transcript: fromHex(made!.transcript),
    role: "initiator",
    peer: party(responder),
    ...{ confirmed: false, opening: null, supersedes: [], createdAt: NOON, receivedAt: 0 },
    missing: 0,
    ratchet: {
      ...initiatorRatchet(secrets, fromHex(publics.signedPrekey), "portable"),
      root: fromHex(conversation.firstTurn.root),
      own: await portable(conversation.initiatorRatchetSeed),
      nextSendingHeaderKey: fromHex(conversation.firstTurn.nextHeaderKey),
    },
  };
  const envelope = decodeEnvelope(fromHex(conversation.reply.envelope));
  const opened = await decryptMessage(state, envelope, NOON);
  assert.equal(toHex(opened.content), conversation.reply.content);
  const { root, nextReceivingHeaderKey, receiving } = opened.state.ratchet;
  assert.deepEqual([root, nextReceivingHeaderKey].map(toHex), [
    conversation.secondTurn.root,
    conversation.secondTurn.nextHeaderKey,
  ]);
  assert.equal(toHex(receiving!.chainKey!), conversation.reply.nextChainKey);
  const side = new Side(await makeParty(), opened.state);
  assert.equal(decodeEnvelope(await side.send("on")).kind, "ordinary");
});
