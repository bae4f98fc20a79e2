/**
 * Fixed vectors of Snug's own protocol, made from docs/protocol.md alone: this file shares no code with
 * protocol/ and crypto/. Primitives are node:crypto's, ML-KEM-768 is noble's with fixed coins.
 *
 *     deno run --allow-write=tests/vectors/own tools/own_vectors.ts
 */
import { Buffer } from "node:buffer";
import {
  createCipheriv,
  createHash,
  createHmac,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  hkdfSync,
} from "node:crypto";
import { ml_kem768 } from "@noble/post-quantum/ml-kem.js";

type Hex = string;

const hex = (bytes: Uint8Array): Hex => Buffer.from(bytes).toString("hex");
const raw = (text: Hex): Buffer => Buffer.from(text, "hex");
const cat = (...parts: Uint8Array[]): Buffer => Buffer.concat(parts);
const ascii = (text: string): Buffer => Buffer.from(text, "latin1");
const u8 = (value: number): Buffer => Buffer.from([value]);
const hash = (bytes: Uint8Array): Buffer => createHash("sha256").update(bytes).digest();
const mac = (key: Uint8Array, byte: number): Buffer =>
  createHmac("sha256", key).update(u8(byte)).digest();

/** Bytes that look random and are the same every time. */
function fixed(label: string, length: number): Buffer {
  const blocks = Array.from(
    { length: Math.ceil(length / 32) },
    (_, i) => hash(ascii(`${label} ${i}`)),
  );
  return cat(...blocks).subarray(0, length);
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

function hkdf(ikm: Uint8Array, salt: Uint8Array, info: Uint8Array, length: number): Buffer {
  return Buffer.from(hkdfSync("sha256", ikm, salt, info, length));
}

function gcm(key: Uint8Array, iv: Uint8Array, ad: Uint8Array, plain: Uint8Array): Buffer {
  const cipher = createCipheriv("aes-256-gcm", key, iv);
  cipher.setAAD(ad);
  return cat(cipher.update(plain), cipher.final(), cipher.getAuthTag());
}

// X25519, keys in the DER shells of RFC 8410.

const PRIVATE_SHELL = raw("302e020100300506032b656e04220420");
const PUBLIC_SHELL = raw("302a300506032b656e032100");

function publicOf(seed: Uint8Array): Buffer {
  const key = cat(PRIVATE_SHELL, seed);
  const shelled = createPublicKey(createPrivateKey({ key, format: "der", type: "pkcs8" }))
    .export({ format: "der", type: "spki" });
  return Buffer.from(shelled.subarray(PUBLIC_SHELL.length));
}

function dh(seed: Uint8Array, peer: Uint8Array): Buffer {
  const privateKey = createPrivateKey({
    key: cat(PRIVATE_SHELL, seed),
    format: "der",
    type: "pkcs8",
  });
  const publicKey = createPublicKey({ key: cat(PUBLIC_SHELL, peer), format: "der", type: "spki" });
  return diffieHellman({ privateKey, publicKey });
}

// Deterministic CBOR, as much of it as the transcript needs.

type Cbor = Uint8Array | string | null | { readonly [key: string]: Cbor };

function head(major: number, length: number): Buffer {
  if (length < 24) return u8(major << 5 | length);
  return length < 256 ? cat(u8(major << 5 | 24), u8(length)) : cat(
    u8(major << 5 | 25),
    u8(length >> 8),
    u8(length & 255),
  );
}

function cbor(value: Cbor): Buffer {
  if (value === null) return u8(0xf6);
  if (value instanceof Uint8Array) return cat(head(2, value.length), value);
  if (typeof value === "string") return cat(head(3, value.length), ascii(value));
  const entries = Object.entries(value).map(([key, inner]) => [cbor(key), cbor(inner)] as const)
    .sort(([a], [b]) => Buffer.compare(a, b));
  return cat(head(5, entries.length), ...entries.flat());
}

// The handshake.

interface Person {
  readonly account: Buffer;
  readonly aik: Buffer;
  readonly device: Buffer;
  readonly sign: Buffer;
  readonly agreeSeed: Buffer;
  readonly agree: Buffer;
}

function person(name: string): Person {
  const agreeSeed = fixed(`${name} agree`, 32);
  return {
    account: fixed(`${name} account`, 16),
    aik: fixed(`${name} aik`, 32),
    device: fixed(`${name} device`, 16),
    sign: fixed(`${name} sign`, 32),
    agreeSeed,
    agree: publicOf(agreeSeed),
  };
}

const ALICE = person("alice");
const BOB = person("bob");
const SEEDS = {
  signedPrekey: fixed("signed prekey", 32),
  oneTime: fixed("one-time prekey", 32),
  kem: fixed("kem seed", 64),
  ephemeral: fixed("ephemeral", 32),
  aliceRatchet: fixed("alice ratchet", 32),
  bobRatchet: fixed("bob ratchet", 32),
};
const KEM = ml_kem768.keygen(SEEDS.kem);
const SENT = ml_kem768.encapsulate(KEM.publicKey, fixed("kem coins", 32));

function party({ account, aik, device, sign, agree }: Person) {
  return { account, aik, device, sign, agree };
}

function handshake(kemKind: "once" | "last", withOneTime: boolean) {
  const signedPrekey = publicOf(SEEDS.signedPrekey);
  const oneTime = withOneTime ? publicOf(SEEDS.oneTime) : null;
  const structure = cbor({
    suite: "snug/1 X25519 ML-KEM-768 HKDF-SHA-256 AES-256-GCM",
    initiator: party(ALICE),
    responder: party(BOB),
    signedPrekey,
    oneTime,
    kemKind,
    kemKey: KEM.publicKey,
    kemCiphertext: SENT.cipherText,
    ephemeral: publicOf(SEEDS.ephemeral),
  });
  const transcript = hash(structure);
  const shared = [
    dh(ALICE.agreeSeed, signedPrekey),
    dh(SEEDS.ephemeral, BOB.agree),
    dh(SEEDS.ephemeral, signedPrekey),
    ...oneTime ? [dh(SEEDS.ephemeral, oneTime)] : [],
    SENT.sharedSecret,
  ];
  const ikm = cat(Buffer.alloc(32, 0xff), ...shared);
  const okm = hkdf(ikm, Buffer.alloc(32), cat(ascii("snug/1 pqxdh"), transcript), 96);
  return { structure, transcript, session: transcript.subarray(0, 16), shared, ...split(okm) };
}

function split(okm: Buffer) {
  return { first: okm.subarray(0, 32), second: okm.subarray(32, 64), third: okm.subarray(64) };
}

// Header, body, envelope.

function sealHeader(
  key: Buffer,
  iv: Buffer,
  session: Buffer,
  [ratchet, length, number]: [Buffer, number, number],
) {
  const plain = cat(ratchet, u32(length), u32(number));
  return cat(iv, gcm(key, iv, cat(u8(1), session), plain));
}

const CONTEXTS = { pairwise: 1, control: 2, room: 3 } as const;
type Context = keyof typeof CONTEXTS;

function body(key: Buffer, salt: Buffer, context: Context, bound: Buffer[], content: Buffer) {
  const okm = hkdf(key, salt, ascii(`snug/1 message ${context}`), 44);
  const padded = cat(content, u8(0x80), Buffer.alloc(255 - content.length));
  const ad = cat(u8(CONTEXTS[context]), ...bound);
  const [bodyKey, iv] = [okm.subarray(0, 32), okm.subarray(32)];
  return { bodyKey, iv, ad, ciphertext: gcm(bodyKey, iv, ad, padded) };
}

function openingBytes(): Buffer {
  return cat(
    ...[ALICE.account, ALICE.aik, ALICE.device, ALICE.sign, ALICE.agree],
    ...[u32(3), fixed("alice list", 32), publicOf(SEEDS.ephemeral)],
    ...[u32(5), u8(1), u32(77), u8(1), u32(9), SENT.cipherText],
    ...[u8(1), fixed("superseded", 16)],
  );
}

/** Alice's first chain, and Bob's first after it, with every message in its envelope. */
function conversation() {
  const { transcript, session, first, second, third } = handshake("once", true);
  const prekey = publicOf(SEEDS.signedPrekey);
  const alice = publicOf(SEEDS.aliceRatchet);
  const begun = split(hkdf(dh(SEEDS.aliceRatchet, prekey), first, ascii("snug/1 root"), 96));
  const bob = publicOf(SEEDS.bobRatchet);
  const replied = split(hkdf(dh(SEEDS.bobRatchet, alice), begun.first, ascii("snug/1 root"), 96));
  const opening = openingBytes();
  const chain = { session, transcript, opening, headerKey: second, chainKey: begun.second };
  return {
    root: begun,
    initiatorRatchetSeed: hex(SEEDS.aliceRatchet),
    responderRatchetSeed: hex(SEEDS.bobRatchet),
    openings: [
      envelope({ ...chain, ratchet: alice, number: 0 }, "pairwise", "hello Bob"),
      envelope({ ...chain, ratchet: alice, number: 1 }, "control", "seen"),
      envelope({ ...chain, ratchet: alice, number: 2 }, "room", "a sender key"),
    ],
    reply: envelope(
      {
        ...chain,
        opening: Buffer.alloc(0),
        headerKey: third,
        chainKey: replied.second,
        ratchet: bob,
        number: 0,
      },
      "pairwise",
      "hello Alice",
    ),
    afterReply: replied,
  };
}

interface Place {
  readonly session: Buffer;
  readonly transcript: Buffer;
  readonly opening: Buffer;
  readonly headerKey: Buffer;
  readonly chainKey: Buffer;
  readonly ratchet: Buffer;
  readonly number: number;
}

function envelope(place: Place, context: Context, text: string) {
  let chainKey = place.chainKey;
  for (let i = 0; i < place.number; i++) chainKey = mac(chainKey, 2);
  const name = `${text} ${place.number}`;
  const [salt, iv] = [fixed(`salt ${name}`, 16), fixed(`iv ${name}`, 12)];
  const header = sealHeader(place.headerKey, iv, place.session, [place.ratchet, 0, place.number]);
  const bound = [place.transcript, header, place.opening];
  const messageKey = mac(chainKey, 1);
  const sealed = body(messageKey, salt, context, bound, ascii(text));
  const front = cat(u8(1), u8(place.opening.length ? 1 : 2), place.session, salt, header);
  return {
    context,
    content: hex(ascii(text)),
    chainKey: hex(chainKey),
    messageKey: hex(messageKey),
    nextChainKey: hex(mac(chainKey, 2)),
    headerKey: hex(place.headerKey),
    header: { ratchetKey: hex(place.ratchet), previousLength: 0, number: place.number },
    sealedHeader: hex(header),
    salt: hex(salt),
    bodyKey: hex(sealed.bodyKey),
    bodyIv: hex(sealed.iv),
    associatedData: hex(sealed.ad),
    envelope: hex(cat(front, place.opening, sealed.ciphertext)),
  };
}

function hexed(record: Readonly<Record<string, Buffer>>): Record<string, Hex> {
  return Object.fromEntries(Object.entries(record).map(([name, bytes]) => [name, hex(bytes)]));
}

function handshakeVector(kemKind: "once" | "last", withOneTime: boolean) {
  const made = handshake(kemKind, withOneTime);
  return {
    kemKind,
    withOneTime,
    structure: hex(made.structure),
    transcript: hex(made.transcript),
    session: hex(made.session),
    shared: made.shared.map(hex),
    root: hex(made.first),
    initiatorHeaderKey: hex(made.second),
    responderHeaderKey: hex(made.third),
  };
}

/** Every vector, as the JSON file has it. */
export function makeVectors(): Record<string, unknown> {
  const { root, afterReply, ...rest } = conversation();
  return {
    about: "Made by tools/own_vectors.ts from docs/protocol.md; hexadecimal throughout.",
    initiator: hexed({ ...ALICE }),
    responder: hexed({ ...BOB }),
    seeds: hexed(SEEDS),
    publics: hexed({
      signedPrekey: publicOf(SEEDS.signedPrekey),
      oneTime: publicOf(SEEDS.oneTime),
      ephemeral: publicOf(SEEDS.ephemeral),
      kem: Buffer.from(KEM.publicKey),
      kemCiphertext: Buffer.from(SENT.cipherText),
    }),
    ids: { signedPrekey: 5, oneTime: 77, kem: 9, listVersion: 3 },
    listHash: hex(fixed("alice list", 32)),
    supersedes: [hex(fixed("superseded", 16))],
    handshakes: [
      handshakeVector("once", true),
      handshakeVector("once", false),
      handshakeVector("last", true),
      handshakeVector("last", false),
    ],
    conversation: {
      ...rest,
      firstTurn: { root: hex(root.first), chain: hex(root.second), nextHeaderKey: hex(root.third) },
      secondTurn: {
        root: hex(afterReply.first),
        chain: hex(afterReply.second),
        nextHeaderKey: hex(afterReply.third),
      },
    },
  };
}

if (import.meta.main) {
  const target = new URL("../tests/vectors/own/sessions.json", import.meta.url);
  await Deno.writeTextFile(target, JSON.stringify(makeVectors(), null, 2) + "\n");
}
