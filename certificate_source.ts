/** Where the listener's certificate comes from, and how it hears of a new one. */
import { createPrivateKey, createPublicKey, X509Certificate } from "node:crypto";
import { dirname } from "node:path";
import { selfSigned } from "./certificate.ts";
import { type Config, ConfigError } from "./config.ts";
import type { CertificatePair } from "./listener.ts";
import type { Log } from "./log.ts";

/** A self-signed leaf is looked at this often; it is renewed 30 days before its end. */
const RENEWAL_CHECK = 12 * 3_600_000;

/** A certificate now, and word of later ones. */
export interface CertificateSource {
  readonly pair: CertificatePair;
  /** What people are told about it at the start. */
  readonly lines: readonly string[];
  /** Calls `take` with every later certificate until the returned function is called. */
  watch(take: (pair: CertificatePair) => void): () => void;
}

/** What the source needs from outside. */
export interface CertificateIo {
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly log: Log;
}

/** The certificate that the configuration asks for; undefined for `--tls off`. */
export async function openCertificate(
  config: Pick<Config, "dataDir" | "domain" | "origin" | "tls" | "tlsFiles">,
  io: CertificateIo,
): Promise<CertificateSource | undefined> {
  if (config.tls === "off") return undefined;
  return config.tlsFiles === undefined
    ? await ownCertificate(config, io)
    : await givenCertificate(config.tlsFiles, io);
}

async function ownCertificate(
  config: Pick<Config, "dataDir" | "domain" | "origin">,
  { now, log }: CertificateIo,
): Promise<CertificateSource> {
  const host = new URL(config.origin).hostname.replace(/^\[|\]$/g, "");
  const names = config.domain === undefined ? [host] : [host, config.domain];
  const first = await selfSigned(config.dataDir, names, now());
  return {
    pair: first.pair,
    lines: [`Certificate to trust: ${first.caFile}`, `Its SHA-256: ${first.fingerprint}`],
    watch(take) {
      let current = first.pair.cert;
      const renew = async () => {
        const { pair } = await selfSigned(config.dataDir, names, now());
        if (pair.cert === current) return;
        current = pair.cert;
        take(pair);
        log.info("certificate.renewed");
      };
      const timer = setInterval(
        () => void renew().catch((error) => log.warn("certificate.failed", { error })),
        RENEWAL_CHECK,
      );
      return () => clearInterval(timer);
    },
  };
}

async function givenCertificate(
  files: { readonly cert: string; readonly key: string },
  { log }: CertificateIo,
): Promise<CertificateSource> {
  const first = await readPair(files).catch((error: unknown) => {
    const reason = error instanceof ConfigError ? error.message : "cannot be read as PEM files";
    throw new ConfigError(`--tls-cert ${files.cert} and --tls-key ${files.key}: ${reason}.`);
  });
  return {
    pair: first,
    lines: [`Certificate: ${files.cert}`],
    watch(take) {
      let current = first;
      return watchFolders([dirname(files.cert), dirname(files.key)], async () => {
        try {
          const pair = await readPair(files);
          if (pair.cert === current.cert && pair.key === current.key) return;
          current = pair;
          take(pair);
          log.info("certificate.reloaded");
        } catch (error) {
          // Half-written, or a key that is not the certificate's: the old one stays.
          log.warn("certificate.refused", { error });
        }
      });
    },
  };
}

/** Reads both files and makes sure that they belong together. */
async function readPair(files: { cert: string; key: string }): Promise<CertificatePair> {
  const [cert, key] = await Promise.all([
    Deno.readTextFile(files.cert),
    Deno.readTextFile(files.key),
  ]);
  const spki = { type: "spki", format: "pem" } as const;
  const certified = new X509Certificate(cert).publicKey.export(spki);
  if (certified !== createPublicKey(createPrivateKey(key)).export(spki)) {
    throw new ConfigError("the key is not the certificate's");
  }
  return { cert, key };
}

/** Folders, because renewal tools replace files and links rather than write into them. */
function watchFolders(folders: readonly string[], changed: () => Promise<void>): () => void {
  const watcher = Deno.watchFs([...new Set(folders)], { recursive: false });
  const follow = async () => {
    for await (const _event of watcher) await changed();
  };
  follow().catch(() => {});
  return () => watcher.close();
}
