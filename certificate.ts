/**
 * The certificate for a server nobody has given one: a small CA of its own, and a leaf of it.
 *
 * People trust DATA/ca.pem once; the leaf may then be renewed, or get new names, without asking
 * them again. The CA's key never leaves this machine, and it may sign leaves only.
 */
import "reflect-metadata";
import * as x509 from "@peculiar/x509";
import { join } from "node:path";
import { isIP } from "node:net";
import { isCertificate, isPair } from "./certificate_pair.ts";
import type { CertificatePair } from "./listener.ts";

const DAY = 86_400_000;
const CA_DAYS = 3_650;
/** Browsers refuse leaves that live longer than 398 days. */
const LEAF_DAYS = 397;
const RENEW_DAYS = 30;
/** Clocks differ: a certificate is good from an hour before it was made. */
const SKEW = 3_600_000;
/** How certificates and requests are signed. */
export const SIGNATURE = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;

/** The server's own certificate and the CA people may trust. */
export interface SelfSigned {
  /** Leaf and CA, with the leaf's key. */
  readonly pair: CertificatePair;
  /** The CA certificate, PEM. */
  readonly ca: string;
  /** Where it is. */
  readonly caFile: string;
  /** SHA-256 of the CA certificate, upper-case hexadecimal with colons. */
  readonly fingerprint: string;
}

/** Names every self-signed server answers to. */
export const LOCAL_NAMES = ["localhost", "127.0.0.1", "::1"] as const;

/** What to do about an authority of which a half is gone. */
export const AUTHORITY_CURE =
  "Put it back from a copy; or move ca.pem and ca.key away: then people have a new one to trust.";

/** The own authority cannot be used. Another one is made only when somebody says so: people trust it. */
export class CertificateError extends Error {
  override readonly name = "CertificateError";

  constructor(readonly words: string) {
    super(`${words}. ${AUTHORITY_CURE}`);
  }
}

/**
 * Reads the CA and leaf under `dataDir`, making what is not there, and the leaf anew when it is near
 * its end, lacks a name or is damaged. `now` is in milliseconds since 1970.
 * @throws {CertificateError} when there is half an authority, or a damaged one
 */
export async function selfSigned(
  dataDir: string,
  names: readonly string[],
  now: number,
): Promise<SelfSigned> {
  await Deno.mkdir(dataDir, { recursive: true, mode: 0o700 });
  const ca = await readAuthority(dataDir) ?? await writePair(dataDir, "ca", await makeCa(now));
  const wanted = [...new Set([...LOCAL_NAMES, ...names])];
  let leaf = await readPair(dataDir, "server");
  if (leaf === undefined || !await stillGood(leaf, ca.cert, wanted, now)) {
    if (!isPair(ca)) {
      throw new CertificateError(`${join(dataDir, "ca.key")} is not the key of ca.pem`);
    }
    leaf = await writePair(dataDir, "server", await makeLeaf(ca, wanted, now));
  }
  return {
    pair: { cert: `${leaf.cert.trim()}\n${ca.cert.trim()}\n`, key: leaf.key },
    ca: ca.cert,
    caFile: join(dataDir, "ca.pem"),
    fingerprint: await fingerprint(ca.cert),
  };
}

/** SHA-256 of a PEM certificate as people compare it: AA:BB:… */
export async function fingerprint(pem: string): Promise<string> {
  const digest = await new x509.X509Certificate(pem).getThumbprint("SHA-256");
  const bytes = Array.from(new Uint8Array(digest));
  return bytes.map((byte) => byte.toString(16).padStart(2, "0").toUpperCase()).join(":");
}

/**
 * The own authority; undefined where there is none.
 * @throws {CertificateError} when its certificate is damaged, or its key is gone
 */
export async function readAuthority(dir: string): Promise<CertificatePair | undefined> {
  const pair = await readPair(dir, "ca");
  const path = join(dir, "ca.pem");
  if (pair !== undefined && !isCertificate(pair.cert)) {
    throw new CertificateError(`${path} is damaged`);
  }
  if (pair === undefined && await Deno.lstat(path).then(() => true, () => false)) {
    throw new CertificateError(`${join(dir, "ca.key")} is missing`);
  }
  return pair;
}

async function readPair(dir: string, name: string): Promise<CertificatePair | undefined> {
  try {
    const [cert, key] = await Promise.all([
      Deno.readTextFile(join(dir, `${name}.pem`)),
      Deno.readTextFile(join(dir, `${name}.key`)),
    ]);
    return { cert, key };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** The key goes first: a crash in between leaves a key without certificate, made anew next time. */
async function writePair(dir: string, name: string, pair: CertificatePair) {
  await writeWhole(join(dir, `${name}.key`), pair.key, 0o600);
  await writeWhole(join(dir, `${name}.pem`), pair.cert, 0o644);
  return pair;
}

/** Writes a file that is whole or not there, with these permissions from its first byte on. */
export async function writeWhole(file: string, text: string, mode: number): Promise<void> {
  const draft = `${file}.new`;
  await Deno.writeTextFile(draft, text, { mode });
  await Deno.chmod(draft, mode);
  await Deno.rename(draft, file);
}

async function makeCa(now: number): Promise<CertificatePair> {
  const keys = await newKeys();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    name: "CN=Snug on this machine",
    ...validity(now, CA_DAYS),
    keys,
    signingAlgorithm: SIGNATURE,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { cert: certificate.toString("pem"), key: await keyPem(keys.privateKey) };
}

async function makeLeaf(
  ca: CertificatePair,
  names: readonly string[],
  now: number,
): Promise<CertificatePair> {
  const keys = await newKeys();
  const issuer = new x509.X509Certificate(ca.cert);
  const { digitalSignature } = x509.KeyUsageFlags;
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    subject: "CN=Snug",
    issuer: issuer.subject,
    ...validity(now, LEAF_DAYS),
    publicKey: keys.publicKey,
    signingKey: await importKey(ca.key),
    signingAlgorithm: SIGNATURE,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension(names.map(generalName)),
      await x509.AuthorityKeyIdentifierExtension.create(issuer.publicKey),
    ],
  });
  return { cert: certificate.toString("pem"), key: await keyPem(keys.privateKey) };
}

function generalName(name: string): x509.JsonGeneralName {
  return isIP(name) === 0 ? { type: "dns", value: name } : { type: "ip", value: name };
}

function validity(now: number, days: number) {
  return { notBefore: new Date(now - SKEW), notAfter: new Date(now + days * DAY) };
}

/** 16 random bytes, positive and not zero, as RFC 5280 section 4.1.2.2 wants. */
function serialNumber(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[0] = (bytes[0] ?? 0) & 0x7f | 0x40;
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** A key pair that can be written down. */
export function newKeys(): Promise<CryptoKeyPair> {
  return crypto.subtle.generateKey(SIGNATURE, true, ["sign", "verify"]);
}

/** A private key as PKCS #8 in PEM. */
export async function keyPem(key: CryptoKey): Promise<string> {
  return x509.PemConverter.encode(await crypto.subtle.exportKey("pkcs8", key), "PRIVATE KEY");
}

function importKey(pem: string): Promise<CryptoKey> {
  const [bytes] = x509.PemConverter.decode(pem);
  if (bytes === undefined) throw new Error("the CA key file holds no key");
  return crypto.subtle.importKey("pkcs8", bytes, SIGNATURE, false, ["sign"]);
}

async function stillGood(
  pair: CertificatePair,
  caPem: string,
  names: readonly string[],
  now: number,
): Promise<boolean> {
  if (!isPair(pair)) return false;
  const leaf = new x509.X509Certificate(pair.cert);
  if (leaf.notAfter.getTime() < now + RENEW_DAYS * DAY) return false;
  // By signature, not by name: every CA made here has the same name.
  const { publicKey } = new x509.X509Certificate(caPem);
  if (!await leaf.verify({ publicKey, signatureOnly: true })) return false;
  const found = leaf.getExtension(x509.SubjectAlternativeNameExtension)?.names.items ?? [];
  const held = new Set(found.map((item) => item.value));
  return names.every((name) => held.has(name));
}
