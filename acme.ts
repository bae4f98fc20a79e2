/**
 * One certificate from an authority (RFC 8555), by acme-client: account, order, the question over
 * http (http-01), signing request, chain.
 */
import "reflect-metadata";
import { createPrivateKey, createPublicKey, X509Certificate } from "node:crypto";
import process from "node:process";
import * as x509 from "@peculiar/x509";
import type { Authorization } from "acme-client";
import { type AcmeNetwork, openNetwork } from "./acme_network.ts";
import type { Problem } from "./acme_words.ts";
import { keyPem, newKeys, SIGNATURE } from "./certificate.ts";
import type { AcmeSettings } from "./config.ts";
import type { CertificatePair } from "./listener.ts";

/** Answers to the authority's questions: token -> what to say. */
export type Answers = Map<string, string>;

/** What one attempt needs. */
export interface AcmeParts {
  readonly settings: AcmeSettings;
  /** The account's private key, PEM. */
  readonly accountKey: string;
  /** The PEM text of the private authority's certificate. */
  readonly ca: string | undefined;
  readonly answers: Answers;
  readonly stop: AbortSignal;
  /** First wait between two looks at an order, in milliseconds. */
  readonly patience?: number;
}

/** A certificate, or why there is none; `error` is what no refusal explains. */
export type AcmeOutcome =
  | { readonly pair: CertificatePair }
  | { readonly problem: Problem; readonly error?: unknown };

/** Looks at an order so often, waiting longer each time: about two minutes in all. */
const LOOKS = 15;
const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 10_000;

/** Asks once. Everything the authority, the network or the name can do wrong is a value. */
export async function obtainCertificate(parts: AcmeParts): Promise<AcmeOutcome> {
  const network = openNetwork(parts.ca, parts.stop);
  try {
    return await attempt(parts, network);
  } catch (error) {
    // acme-client throws plain errors; what the network heard last is why.
    const problem = network.problem();
    if (problem !== undefined) return { problem };
    return { problem: { type: "unknown", retryAfter: 0 }, error };
  } finally {
    network.close();
  }
}

async function attempt(parts: AcmeParts, network: AcmeNetwork): Promise<AcmeOutcome> {
  const { settings } = parts;
  const client = await openClient(parts, network);
  await client.createAccount({
    termsOfServiceAgreed: true,
    contact: settings.email === undefined ? [] : [`mailto:${settings.email}`],
  });
  const order = await client.createOrder({
    identifiers: [{ type: "dns", value: settings.domain }],
  });
  for (const authorization of await client.getAuthorizations(order)) {
    const problem = await prove(client, authorization, parts.answers);
    if (problem !== undefined) return { problem };
  }
  const { request, key } = await signingRequest(settings.domain);
  const finished = await client.finalizeOrder(order, request);
  const cert = await client.getCertificate(finished);
  return certifies(cert, key, settings.domain)
    ? { pair: { cert, key } }
    : { problem: { type: "mismatch", retryAfter: 0 } };
}

/** Loaded when the first certificate is asked for: other servers never need it. */
async function openClient({ settings, accountKey, patience }: AcmeParts, network: AcmeNetwork) {
  const acme = await loadLibrary();
  const { defaults } = acme.axios;
  defaults.adapter =
    ((request: Parameters<AcmeNetwork["send"]>[0]) => network.send(request)) as never;
  // Trying again is acme_source.ts's business, which also tells people.
  Object.assign(Object(Reflect.get(defaults, "acmeSettings")), { retryMaxAttempts: 0 });
  return new acme.Client({
    directoryUrl: settings.directory,
    accountKey,
    backoffAttempts: LOOKS,
    backoffMin: patience ?? FIRST_WAIT_MS,
    backoffMax: LONGEST_WAIT_MS,
  });
}

/**
 * Its logger lists every environment variable when it loads, which the executable has no right to;
 * where it takes the place for a browser it does not.
 */
async function loadLibrary() {
  const place = process as { browser?: boolean };
  place.browser = true;
  try {
    return (await import("acme-client")).default;
  } finally {
    delete place.browser;
  }
}

type Client = Awaited<ReturnType<typeof openClient>>;

/** Shows the authority that the name leads here. */
async function prove(
  client: Client,
  authorization: Authorization,
  answers: Answers,
): Promise<Problem | undefined> {
  if (authorization.status === "valid") return undefined;
  const challenge = authorization.challenges.find(({ type }) => type === "http-01");
  if (challenge === undefined) return { type: "unsupported", retryAfter: 0 };
  answers.set(challenge.token, await client.getChallengeKeyAuthorization(challenge));
  try {
    await client.completeChallenge(challenge);
    await client.waitForValidStatus(challenge).catch(() => undefined);
    return await verdict(client, authorization);
  } finally {
    answers.delete(challenge.token);
  }
}

/** Why it was not convinced stands in the authorization itself. */
async function verdict(client: Client, { url }: Authorization): Promise<Problem | undefined> {
  const [seen] = await client.getAuthorizations({ authorizations: [url] } as never);
  if (seen?.status === "valid") return undefined;
  const errors = (seen?.challenges ?? []).map((each) => Object(Reflect.get(each, "error")));
  const { type = "unknown", detail = "" } = errors.find((each) => "type" in each) ?? {};
  const isName = /no such host|could not resolve|NXDOMAIN|no valid (IP|A record)|DNS problem/i.test(
    String(detail),
  );
  return {
    type: isName ? "dns" : String(type).replace(/^urn:ietf:params:acme:error:/, ""),
    retryAfter: 0,
  };
}

/** A new key for every certificate, and the request (PKCS #10) that names the domain. */
async function signingRequest(domain: string) {
  const keys = await newKeys();
  const request = await x509.Pkcs10CertificateRequestGenerator.create({
    name: `CN=${domain}`,
    keys,
    signingAlgorithm: SIGNATURE,
    extensions: [new x509.SubjectAlternativeNameExtension([{ type: "dns", value: domain }])],
  });
  return { request: request.toString("pem"), key: await keyPem(keys.privateKey) };
}

/** Is it for this name and this key? */
function certifies(cert: string, key: string, domain: string): boolean {
  const leaf = new X509Certificate(cert);
  const spki = { type: "spki", format: "pem" } as const;
  return leaf.checkHost(domain) !== undefined &&
    leaf.publicKey.export(spki) === createPublicKey(createPrivateKey(key)).export(spki);
}
