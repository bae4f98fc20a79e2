/** Speed of the primitives and of whole sessions, through the wrappers that messages go through. */
import { open, seal } from "../crypto/aead.ts";
import { agree, generateAgreement } from "../crypto/agreement.ts";
import { hkdf, hmac } from "../crypto/kdf.ts";
import * as chosen from "../crypto/kem.ts";
import { platformHasKem, platformPath } from "../crypto/kem_path.ts";
import { scriptPath } from "../crypto/kem_script.ts";
import { randomBytes } from "../crypto/random.ts";
import { safetyNumber } from "../crypto/safety_number.ts";
import { decryptMessage, encryptMessage, type SessionState } from "../crypto/session.ts";
import { generateSigning, sign, verifySignature } from "../crypto/signature.ts";
import type { Bytes } from "../protocol/encoding.ts";
import { decodeEnvelope } from "../protocol/envelope.ts";
import { randomId } from "../protocol/ids.ts";
import {
  accept,
  makeParty,
  NOON,
  open as openTo,
  Side,
  talking,
} from "../tests/helpers/parties.ts";
import { figure, rate } from "./measure.ts";

/** Every figure of this file, one JSON line each. Takes about a minute. */
export async function cryptoBench(): Promise<void> {
  await symmetric();
  await curves();
  await kems();
  await sessions();
}

async function symmetric(): Promise<void> {
  const [key, iv, ad] = [randomBytes(32), randomBytes(12), randomBytes(64)];
  await rate("sha-256 hmac, 32 bytes", () => hmac(key, ad));
  await rate("hkdf to 96 bytes", () => hkdf(key, key, ad, 96));
  for (const size of [256, 4_096, 65_536]) {
    const content = randomBytes(size);
    const sealed = await seal(key, iv, content, ad);
    await rate(`aes-256-gcm seal, ${size} bytes`, () => seal(key, iv, content, ad));
    await rate(`aes-256-gcm open, ${size} bytes`, () => open(key, iv, sealed, ad));
  }
}

async function curves(): Promise<void> {
  const [ours, theirs] = [await generateAgreement("sealed"), await generateAgreement("sealed")];
  await rate("x25519 generate", () => generateAgreement("sealed"));
  await rate("x25519 agree", () => agree(ours.private, theirs.public));
  const pair = await generateSigning("sealed");
  const structure = randomBytes(200);
  const signature = await sign(pair, "bundle", structure);
  await rate("ed25519 generate", () => generateSigning("sealed"));
  await rate("ed25519 sign, 200 bytes", () => sign(pair, "bundle", structure));
  await rate(
    "ed25519 strict verify, 200 bytes",
    () => verifySignature(pair.public, "bundle", structure, signature),
  );
  const side = { account: randomId<"account">(), aik: pair.public };
  const other = { account: randomId<"account">(), aik: theirs.public };
  await rate("safety number", () => safetyNumber(side, other));
}

async function kems(): Promise<void> {
  const paths = [["javascript", scriptPath] as const];
  const all = await platformHasKem() ? [["platform", platformPath] as const, ...paths] : paths;
  for (const [where, path] of all) {
    const kem = chosen.kemOver(path);
    const pair = await kem.generateKem("sealed");
    const { ciphertext } = await kem.encapsulate(pair.public);
    await rate(`ml-kem-768 generate, ${where}`, () => kem.generateKem("sealed"));
    await rate(`ml-kem-768 encapsulate, ${where}`, () => kem.encapsulate(pair.public));
    await rate(
      `ml-kem-768 decapsulate, ${where}`,
      () => kem.decapsulate(pair.private, ciphertext),
    );
  }
}

async function sessions(): Promise<void> {
  const [a, b] = await Promise.all([makeParty("sealed"), makeParty("sealed")]);
  await rate("session: open, first message, accept", async () => {
    const alice = new Side(a, await openTo(a, b));
    await accept(b, a, await alice.send("hello"));
  });
  const { alice, bob } = await talking();
  for (const size of [64, 1_024]) {
    const content = randomBytes(size);
    await rate(`message one way, ${size} bytes: encrypt and decrypt`, oneWay(alice, bob, content));
  }
  await rate("message ping-pong, 64 bytes: encrypt and decrypt", pingPong(alice, bob), 2);
  await overhead(alice, bob);
}

function oneWay(from: Side, to: Side, content: Bytes): () => Promise<void> {
  return async () => {
    const sent = await encryptMessage(from.state, content, "pairwise");
    from.state = sent.state;
    to.state = await opened(to.state, sent.envelope);
  };
}

function pingPong(alice: Side, bob: Side): () => Promise<void> {
  const content = randomBytes(64);
  const [there, back] = [oneWay(alice, bob, content), oneWay(bob, alice, content)];
  return async () => {
    await there();
    await back();
  };
}

async function opened(state: SessionState, envelope: Bytes): Promise<SessionState> {
  return (await decryptMessage(state, decodeEnvelope(envelope), NOON)).state;
}

async function overhead(alice: Side, bob: Side): Promise<void> {
  bob.state = await opened(bob.state, await alice.send("a"));
  const { envelope } = await encryptMessage(alice.state, new Uint8Array(255), "pairwise");
  figure("envelope overhead over a full 256-byte bucket", "bytes", envelope.length - 256);
}

if (import.meta.main) await cryptoBench();
