/** Certificates and keys as they lie in files: can they be used? */
import { createPrivateKey, createPublicKey, X509Certificate } from "node:crypto";
import type { CertificatePair } from "./listener.ts";

const SPKI = { type: "spki", format: "pem" } as const;

/**
 * Is the key the one of the (first) certificate?
 * @throws {Error} when one of them is not PEM of its kind
 */
export function belongTogether({ cert, key }: CertificatePair): boolean {
  const certified = new X509Certificate(cert).publicKey.export(SPKI);
  return certified === createPublicKey(createPrivateKey(key)).export(SPKI);
}

/** Can a server use the two? */
export function isPair(pair: CertificatePair): boolean {
  try {
    return belongTogether(pair);
  } catch {
    // Whatever OpenSSL says of a file, it is no key or no certificate.
    return false;
  }
}

/** Is it the PEM text of a certificate? */
export function isCertificate(pem: string): boolean {
  try {
    new X509Certificate(pem);
    return true;
  } catch {
    // As above.
    return false;
  }
}
