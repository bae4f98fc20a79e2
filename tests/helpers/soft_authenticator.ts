/** An authenticator in software, honest or bent: WebAuthn level 3 with ES256 and "none" attestation. */
import { createHash, createHmac } from "node:crypto";
import type { Authenticator, MadePasskey, UsedPasskey } from "../../client/passkeys.ts";
import { type Bytes, concat, equalBytes, toBase64Url, utf8 } from "../../protocol/encoding.ts";
import { ORIGIN } from "./account_world.ts";

/** How it behaves; everything may be changed between two uses. */
export interface Behaviour {
  /** Whether it has a PRF. */
  prf: boolean;
  origin: string;
  rpId: string;
  userVerified: boolean;
  /** Whether it says whose passkey it is. */
  saysHandle: boolean;
  /** Counts uses; false: the counter stays 0, as of synced passkeys. */
  counts: boolean;
  /** Signs this instead of what it was asked. */
  challenge: Bytes | null;
}

interface Held {
  readonly credential: Bytes;
  readonly user: Bytes;
  readonly pair: CryptoKeyPair;
  readonly seed: Bytes;
  counter: number;
}

export interface SoftAuthenticator extends Authenticator {
  readonly behaviour: Behaviour;
  readonly held: Held[];
  /** Everything it has given out as PRF: nothing of it may be on the server. */
  readonly outputs: Bytes[];
}

const sha256 = (bytes: Uint8Array): Bytes =>
  new Uint8Array(createHash("sha256").update(bytes).digest());
const random = (length: number): Bytes => crypto.getRandomValues(new Uint8Array(length));

/** An authenticator with nothing on it. */
export function softAuthenticator(bent: Partial<Behaviour> = {}): SoftAuthenticator {
  const behaviour: Behaviour = {
    ...{ prf: true, origin: ORIGIN, rpId: new URL(ORIGIN).hostname, userVerified: true },
    ...{ saysHandle: true, counts: true, challenge: null },
    ...bent,
  };
  const held: Held[] = [];
  const outputs: Bytes[] = [];

  function prfOf({ seed }: Held): Bytes | null {
    if (!behaviour.prf) return null;
    const output = new Uint8Array(createHmac("sha256", seed).update("prf").digest());
    outputs.push(output.slice());
    return output;
  }

  const clientJson = (type: string, challenge: Bytes): Bytes =>
    utf8(JSON.stringify({
      type,
      challenge: toBase64Url(behaviour.challenge ?? challenge),
      origin: behaviour.origin,
      crossOrigin: false,
    }));

  function head(more: number, counter: number): Bytes {
    const flags = 0x01 | (behaviour.userVerified ? 0x04 : 0) | more;
    const count = new Uint8Array(4);
    new DataView(count.buffer).setUint32(0, counter);
    return concat(sha256(utf8(behaviour.rpId)), Uint8Array.of(flags), count);
  }

  async function make(user: Bytes, challenge: Bytes): Promise<MadePasskey> {
    const algorithm = { name: "ECDSA", namedCurve: "P-256" };
    const pair = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
    const one: Held = { credential: random(32), user, pair, seed: random(32), counter: 0 };
    held.push(one);
    const raw = new Uint8Array(await crypto.subtle.exportKey("raw", pair.publicKey));
    const [x, y] = [raw.slice(1, 33), raw.slice(33)];
    const cose = concat(hex("a5010203262001215820"), x, hex("225820"), y);
    const named = concat(new Uint8Array(16), Uint8Array.of(0, 32), one.credential, cose);
    const authenticator = concat(head(0x40, 0), named);
    const attestation = concat(
      ...[hex("a363"), utf8("fmt"), hex("64"), utf8("none"), hex("67"), utf8("attStmt"), hex("a0")],
      ...[hex("68"), utf8("authData"), Uint8Array.of(0x58, authenticator.length), authenticator],
    );
    const made = {
      credential: one.credential,
      clientJson: clientJson("webauthn.create", challenge),
      attestation,
      transports: ["internal"],
    };
    return { made, prf: prfOf(one) };
  }

  async function use(one: Held, challenge: Bytes): Promise<UsedPasskey> {
    if (behaviour.counts) one.counter += 1;
    const json = clientJson("webauthn.get", challenge);
    const authenticator = head(0, one.counter);
    const algorithm = { name: "ECDSA", hash: "SHA-256" };
    const signed = concat(authenticator, sha256(json));
    const raw = await crypto.subtle.sign(algorithm, one.pair.privateKey, signed);
    const proof = {
      ...{ credential: one.credential, clientJson: json, authenticator },
      signature: derOf(new Uint8Array(raw)),
      userHandle: behaviour.saysHandle ? one.user : null,
    };
    return { proof, prf: prfOf(one) };
  }

  return {
    ...{ behaviour, held, outputs },
    async make({ user, challenge }) {
      return { ok: true, value: await make(user, challenge) };
    },
    async use({ challenge, credentials }) {
      const one = credentials.length === 0
        ? held.at(-1)
        : held.find(({ credential }) => credentials.some((each) => equalBytes(each, credential)));
      if (!one) return { ok: false, code: "not-available", words: "There is no such passkey." };
      return { ok: true, value: await use(one, challenge) };
    },
  };
}

function hex(text: string): Bytes {
  return Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

/** r and s of 32 bytes each, as ASN.1 wants them. */
function derOf(raw: Bytes): Bytes {
  const numbers = [raw.slice(0, 32), raw.slice(32)].map((number) => {
    const start = Math.min(number.findIndex((byte) => byte !== 0), 31);
    const bare = number.slice(start);
    const padded = bare[0]! >= 0x80 ? concat(Uint8Array.of(0), bare) : bare;
    return concat(Uint8Array.of(0x02, padded.length), padded);
  });
  const whole = concat(...numbers);
  return concat(Uint8Array.of(0x30, whole.length), whole);
}
