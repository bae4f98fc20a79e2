/** Whom the terminal trusts: the system, one certificate file, or one CA known by its fingerprint. */
import { connect as connectTls, type DetailedPeerCertificate } from "node:tls";
import { equalBytes, fromHex } from "../../protocol/encoding.ts";
import { ChatError } from "./errors.ts";

const PEM = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/;
const LOOK_WITHIN = 10_000;

/** PEM certificates from a file, such as the server's DATA/ca.pem. @throws {ChatError} */
export async function readCertificates(file: string): Promise<string[]> {
  const text = await Deno.readTextFile(file).catch(() => {
    throw new ChatError("bad-input", `--ca: ${file} cannot be read.`);
  });
  const found = text.match(new RegExp(PEM, "g"));
  if (!found) throw new ChatError("bad-input", `--ca: ${file} holds no certificate.`);
  return [...found];
}

/**
 * The certificate authority of `origin` whose SHA-256 is `fingerprint`. The look at the chain trusts
 * nothing; every connection after it trusts this one authority and is judged by Deno itself.
 * @throws {ChatError}
 */
export async function fetchAuthority(origin: string, fingerprint: string): Promise<string[]> {
  const wanted = parseFingerprint(fingerprint);
  if (!canSeeChains()) {
    const words = "--fingerprint needs Deno 2.9. Use --ca with the server's ca.pem instead.";
    throw new ChatError("bad-input", words);
  }
  for (const certificate of await chainOf(new URL(origin))) {
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", certificate));
    if (equalBytes(digest, wanted)) return [pemOf(certificate)];
  }
  throw new ChatError("untrusted-server", "The server does not have the certificate you expect.");
}

function parseFingerprint(text: string): Uint8Array {
  const hex = text.replaceAll(":", "").toLowerCase();
  if (!/^[0-9a-f]{64}$/.test(hex)) {
    throw new ChatError("bad-input", "--fingerprint: give the 64 hexadecimal digits of a SHA-256.");
  }
  return fromHex(hex);
}

/** Deno 2.4 does not show the chain of a connection. */
function canSeeChains(): boolean {
  const [major = 0, minor = 0] = Deno.version.deno.split(".").map(Number);
  return major > 2 || major === 2 && minor >= 9;
}

function chainOf(url: URL): Promise<Uint8Array<ArrayBuffer>[]> {
  const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
  return new Promise((resolve, reject) => {
    const give = () => {
      clearTimeout(timer);
      resolve(walk(socket.getPeerCertificate(true)));
      socket.destroy();
    };
    const port = Number(url.port || 443);
    const socket = connectTls({ host, port, rejectUnauthorized: false, servername: host }, give);
    const fail = () => {
      clearTimeout(timer);
      socket.destroy();
      reject(new ChatError("offline", `${url.origin} cannot be reached.`));
    };
    const timer = setTimeout(fail, LOOK_WITHIN);
    socket.on("error", fail);
  });
}

function walk(leaf: DetailedPeerCertificate): Uint8Array<ArrayBuffer>[] {
  const found: Uint8Array<ArrayBuffer>[] = [];
  const seen = new Set<string>();
  for (let one = leaf; one?.raw && !seen.has(one.fingerprint256); one = one.issuerCertificate) {
    seen.add(one.fingerprint256);
    found.push(new Uint8Array(one.raw));
  }
  return found;
}

function pemOf(certificate: Uint8Array): string {
  const text = btoa(String.fromCharCode(...certificate)).replace(/.{64}/g, "$&\n");
  return `-----BEGIN CERTIFICATE-----\n${text.trimEnd()}\n-----END CERTIFICATE-----\n`;
}
