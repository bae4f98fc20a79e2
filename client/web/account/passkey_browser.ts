/**
 * The browser's authenticators behind `Authenticator`. The PRF's input is the same everywhere: browsers
 * hash it with a label of their own, and the authenticator with the credential and this server's name.
 */
import {
  browserSupportsWebAuthn,
  startAuthentication,
  startRegistration,
} from "@simplewebauthn/browser";
import { type Bytes, fromBase64Url, toBase64Url, utf8 } from "../../../protocol/encoding.ts";
import type { Authenticator, MadePasskey, PasskeyOrder, UsedPasskey } from "../../passkeys.ts";
import { done, type Outcome, refused } from "../../types.ts";

const PRF_INPUT = utf8("snug/1 vault by passkey");
const PRF = { eval: { first: PRF_INPUT } };
/** EdDSA, ES256, RS256. */
const ALGORITHMS = [-8, -7, -257];

/** Can this browser use passkeys at all? */
export function knowsPasskeys(): boolean {
  return browserSupportsWebAuthn();
}

/** The authenticators of this browser, for the server named `host`. */
export function browserAuthenticator(host: string): Authenticator {
  return {
    make: (order) => judged(() => make(host, order)),
    use: ({ challenge, credentials }) => judged(() => use(host, challenge, credentials)),
  };
}

async function make(host: string, order: PasskeyOrder): Promise<MadePasskey> {
  const { challenge, user, username, fullName, known } = order;
  const { id, response, clientExtensionResults } = await startRegistration({
    optionsJSON: {
      rp: { id: host, name: "Snug" },
      user: { id: toBase64Url(user), name: username, displayName: fullName },
      challenge: toBase64Url(challenge),
      pubKeyCredParams: ALGORITHMS.map((alg) => ({ alg, type: "public-key" as const })),
      authenticatorSelection: { residentKey: "required", userVerification: "required" },
      excludeCredentials: named(known),
      attestation: "none",
      extensions: { prf: PRF },
    },
  });
  const credential = fromBase64Url(id);
  const made = {
    credential,
    clientJson: fromBase64Url(response.clientDataJSON),
    attestation: fromBase64Url(response.attestationObject),
    transports: (response.transports ?? []).slice(0, 8),
  };
  const prf = prfOf(clientExtensionResults);
  const enabled = extensionOf(clientExtensionResults)?.enabled === true;
  // Many authenticators only compute it when they sign: ask once more, for ourselves alone.
  return { made, prf: prf === null && enabled ? await askPrf(host, credential) : prf };
}

async function askPrf(host: string, credential: Bytes): Promise<Bytes | null> {
  const challenge = crypto.getRandomValues(new Uint8Array(32));
  return (await use(host, challenge, [credential])).prf;
}

async function use(
  host: string,
  challenge: Bytes,
  credentials: readonly Bytes[],
): Promise<UsedPasskey> {
  const { id, response, clientExtensionResults } = await startAuthentication({
    optionsJSON: {
      rpId: host,
      challenge: toBase64Url(challenge),
      allowCredentials: named(credentials),
      userVerification: "required",
      extensions: { prf: PRF },
    },
  });
  const proof = {
    credential: fromBase64Url(id),
    clientJson: fromBase64Url(response.clientDataJSON),
    authenticator: fromBase64Url(response.authenticatorData),
    signature: fromBase64Url(response.signature),
    userHandle: response.userHandle === undefined ? null : fromBase64Url(response.userHandle),
  };
  return { proof, prf: prfOf(clientExtensionResults) };
}

function named(credentials: readonly Bytes[]) {
  return credentials.map((one) => ({ id: toBase64Url(one), type: "public-key" as const }));
}

interface PrfResult {
  readonly enabled?: boolean;
  readonly results?: { readonly first?: ArrayBuffer | ArrayBufferView<ArrayBuffer> };
}

function extensionOf(results: object): PrfResult | undefined {
  return (results as { readonly prf?: PrfResult }).prf;
}

/** 32 bytes, or null: anything else is no PRF. */
function prfOf(results: object): Bytes | null {
  const first = extensionOf(results)?.results?.first;
  if (first === undefined) return null;
  const bytes = ArrayBuffer.isView(first)
    ? new Uint8Array(first.buffer, first.byteOffset, first.byteLength)
    : new Uint8Array(first);
  return bytes.length === 32 ? bytes.slice() : null;
}

/** What browsers throw when somebody says no, has nothing that fits, or waits too long. */
const WORDS: Readonly<Record<string, string>> = {
  NotAllowedError: "No passkey was used. Try again, or sign in another way.",
  AbortError: "No passkey was used. Try again.",
  InvalidStateError: "This device has a passkey for your account already.",
  SecurityError: "Passkeys work only at the address this server is known by.",
  NotSupportedError: "This device cannot make a passkey that Snug takes.",
  ConstraintError: "This device cannot ask for a fingerprint, a face or a PIN.",
};

async function judged<T>(work: () => Promise<T>): Promise<Outcome<T>> {
  try {
    return done(await work());
  } catch (error) {
    const words = WORDS[nameOf(error)];
    if (words === undefined) throw error;
    return refused("not-available", words);
  }
}

/** The library wraps what the browser threw; its own name says the same or nothing. */
function nameOf(error: unknown): string {
  if (!(error instanceof Error)) return "";
  const { cause } = error;
  return cause instanceof Error ? cause.name : error.name;
}
