/** What `--tls acme` keeps in the data folder: the account's key, the certificate, the last tries. */
import "reflect-metadata";
import * as x509 from "@peculiar/x509";
import { join } from "node:path";
import { keyPem, newKeys, writeWhole } from "./certificate.ts";
import type { AcmeSettings } from "./config.ts";
import type { CertificatePair } from "./listener.ts";

/** Chain and key in one file, so that no crash can leave halves of two certificates. */
export const ACME_CERTIFICATE = "acme.pem";
const ACCOUNT_KEY = "acme-account.key";
const TRIES = "acme.json";
const KEY = /-----BEGIN PRIVATE KEY-----[\s\S]*$/;

/** A certificate that was issued, with its times in milliseconds since 1970. */
export interface Issued {
  readonly pair: CertificatePair;
  readonly from: number;
  readonly until: number;
}

/** What is remembered between starts. */
export interface Tries {
  readonly directory: string;
  readonly domain: string;
  /** Failures since the last success. */
  readonly failures: number;
  /** When the last ones were, in milliseconds since 1970. */
  readonly failedAt: readonly number[];
  /** The authority said not to ask before then, in milliseconds since 1970. */
  readonly quietUntil: number;
  /** Why, for `snug doctor`; empty after a success. */
  readonly problem: string;
}

/** The account's key, made at the first use. */
export async function readAccountKey(dataDir: string): Promise<string> {
  const path = join(dataDir, ACCOUNT_KEY);
  const found = await readIfThere(path);
  if (found !== null) return found;
  const key = await keyPem((await newKeys()).privateKey);
  await writeWhole(path, key, 0o600);
  return key;
}

/** The certificate for this domain by this authority; null where there is none. */
export async function readIssued(
  dataDir: string,
  { domain, directory }: Pick<AcmeSettings, "domain" | "directory">,
): Promise<Issued | null> {
  const text = await readIfThere(join(dataDir, ACME_CERTIFICATE));
  const tries = await readTries(dataDir, { domain, directory });
  const key = KEY.exec(text ?? "")?.[0];
  if (text === null || key === undefined || tries === null) return null;
  return issued({ cert: text.replace(KEY, ""), key });
}

/** A pair with its times. */
export function issued(pair: CertificatePair): Issued {
  const { notBefore, notAfter } = new x509.X509Certificate(pair.cert);
  return { pair, from: notBefore.getTime(), until: notAfter.getTime() };
}

/** Keeps a new certificate; the one before is gone when the new one is whole. */
export async function keepIssued(dataDir: string, { cert, key }: CertificatePair): Promise<void> {
  await writeWhole(join(dataDir, ACME_CERTIFICATE), `${cert.trim()}\n${key.trim()}\n`, 0o600);
}

/** What is remembered of this domain and authority; null where nothing is. */
export async function readTries(
  dataDir: string,
  { domain, directory }: Pick<AcmeSettings, "domain" | "directory">,
): Promise<Tries | null> {
  const text = await readIfThere(join(dataDir, TRIES));
  const found = text === null ? null : parseTries(text);
  return found?.domain === domain && found.directory === directory ? found : null;
}

/** Damaged by hand, it is as if it were not there: one more certificate is asked for. */
function parseTries(text: string): Tries | null {
  try {
    const { directory, domain, failures, failedAt, quietUntil, problem } = Object(JSON.parse(text));
    return {
      directory: String(directory),
      domain: String(domain),
      failures: Number(failures) || 0,
      failedAt: Array.isArray(failedAt) ? failedAt.map(Number).filter(Number.isFinite) : [],
      quietUntil: Number(quietUntil) || 0,
      problem: String(problem ?? ""),
    };
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

/** Remembers the last tries. */
export async function keepTries(dataDir: string, tries: Tries): Promise<void> {
  await writeWhole(join(dataDir, TRIES), JSON.stringify(tries) + "\n", 0o600);
}

/** A text file, or null where there is none. */
async function readIfThere(path: string): Promise<string | null> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}
