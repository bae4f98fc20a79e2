/**
 * Checking what authenticators say (WebAuthn level 3). The library and its ASN.1 parsers are loaded
 * when the first passkey is used: a server without passkeys never pays for them.
 */
import { isIP } from "node:net";
import type { PasskeyRow } from "../db/passkeys.ts";
import type { PasskeyMade, PasskeyProof } from "../protocol/passkey_api.ts";
import { type Bytes, fromBase64Url, toBase64Url } from "../protocol/encoding.ts";

/** EdDSA, ES256 and RS256: what every authenticator that is sold has one of. */
const ALGORITHMS = [-8, -7, -257];

/** A credential that was made for this server, just now, by somebody whom the authenticator verified. */
export interface CheckedCredential {
  readonly credential: Bytes;
  /** COSE. */
  readonly publicKey: Bytes;
  readonly counter: number;
}

/** Takes the challenge that was signed; false when it was not this server's, or is used up. */
export type TakeChallenge = (challenge: Bytes) => Promise<boolean>;

/** The two checks. Null: it does not hold, whatever the reason. */
export interface WebAuthn {
  /** False for a server that is reached by IP address: no browser makes passkeys for one. */
  readonly available: boolean;
  checkMade(made: PasskeyMade, take: TakeChallenge): Promise<CheckedCredential | null>;
  /** The authenticator's new counter. */
  checkProof(
    proof: PasskeyProof,
    passkey: PasskeyRow,
    take: TakeChallenge,
  ): Promise<number | null>;
}

/** The checks for the server at `origin`: user verification is always asked for (A8). */
export function createWebAuthn(origin: string): WebAuthn {
  const host = new URL(origin).hostname;
  const rules = (take: TakeChallenge) => ({
    expectedChallenge: (text: string) => takeText(text, take),
    expectedOrigin: origin,
    expectedRPID: host,
    requireUserVerification: true,
  });
  return {
    available: isIP(host.replace(/^\[|\]$/g, "")) === 0,

    async checkMade(made, take) {
      const { verifyRegistrationResponse } = await library();
      const { verified, registrationInfo } = await judged(() =>
        verifyRegistrationResponse({
          response: registrationOf(made),
          ...rules(take),
          supportedAlgorithmIDs: ALGORITHMS,
        })
      ) ?? { verified: false };
      if (!verified || !registrationInfo) return null;
      const { id, publicKey, counter } = registrationInfo.credential;
      return { credential: fromBase64Url(id), publicKey: new Uint8Array(publicKey), counter };
    },

    async checkProof(proof, { credential, publicKey, counter }, take) {
      const { verifyAuthenticationResponse } = await library();
      const known = { id: toBase64Url(credential), publicKey, counter };
      const { verified, authenticationInfo } = await judged(() =>
        verifyAuthenticationResponse({
          response: assertionOf(proof),
          ...rules(take),
          credential: known,
        })
      ) ?? { verified: false };
      return verified && authenticationInfo ? authenticationInfo.newCounter : null;
    },
  };
}

function library(): Promise<typeof import("@simplewebauthn/server")> {
  return import("@simplewebauthn/server");
}

/** All of it came from outside: whatever the library objects to, the answer is no. */
async function judged<T>(check: () => Promise<T>): Promise<T | null> {
  try {
    return await check();
  } catch {
    return null;
  }
}

async function takeText(text: string, take: TakeChallenge): Promise<boolean> {
  return /^[A-Za-z0-9_-]{43}$/.test(text) && await take(fromBase64Url(text));
}

function registrationOf({ credential, clientJson, attestation, transports }: PasskeyMade) {
  const id = toBase64Url(credential);
  return {
    ...{ id, rawId: id, type: "public-key" as const, clientExtensionResults: {} },
    response: {
      clientDataJSON: toBase64Url(clientJson),
      attestationObject: toBase64Url(attestation),
      transports: [...transports] as never[],
    },
  };
}

function assertionOf({ credential, clientJson, authenticator, signature }: PasskeyProof) {
  const id = toBase64Url(credential);
  return {
    ...{ id, rawId: id, type: "public-key" as const, clientExtensionResults: {} },
    response: {
      clientDataJSON: toBase64Url(clientJson),
      authenticatorData: toBase64Url(authenticator),
      signature: toBase64Url(signature),
    },
  };
}
