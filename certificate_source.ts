/** Where the listener's certificate comes from, and how it hears of a new one. */
import { dirname } from "node:path";
import type { AcmeConfig } from "./acme_source.ts";
import { belongTogether } from "./certificate_pair.ts";
import { type Config, ConfigError } from "./config.ts";
import { BackupError, inWords } from "./db/backup_error.ts";
import type { CertificatePair } from "./listener.ts";
import type { Log } from "./log.ts";
import type { OwnAuthority } from "./routes/certificate.tsx";

/** A self-signed leaf is looked at this often; it is renewed 30 days before its end. */
const RENEWAL_CHECK = 12 * 3_600_000;

/** A certificate now, and word of later ones. */
export interface CertificateSource {
  readonly pair: CertificatePair;
  /** The small authority that people may trust, where there is one. */
  readonly authority?: OwnAuthority;
  /** What people are told about it at the start. */
  readonly lines: readonly string[];
  /** Calls `take` with every later certificate until the returned function is called. */
  watch(take: (pair: CertificatePair) => void): () => void;
}

/** Making certificates takes a large library: it is loaded where one is made. */
const maker = () => import("./certificate.ts");

/** What the source needs from outside. */
export interface CertificateIo {
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly log: Log;
  /** For people: what becomes of a certificate that was asked for. */
  readonly say: (line: string) => void;
}

/** What of the configuration decides about the certificate. */
export type CertificateConfig =
  & AcmeConfig
  & Pick<Config, "domain" | "origin" | "tls" | "tlsFiles">;

/** The certificate that the configuration asks for; undefined for `--tls off`. */
export async function openCertificate(
  config: CertificateConfig,
  io: CertificateIo,
): Promise<CertificateSource | undefined> {
  if (config.tls === "off") return undefined;
  if (config.tls === "acme") return await askedCertificate(config, io);
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
  const { selfSigned } = await maker();
  const first = await selfSigned(config.dataDir, names, now());
  return {
    pair: first.pair,
    authority: { pem: first.ca, fingerprint: first.fingerprint },
    lines: [
      `Certificate to trust: ${first.caFile}`,
      `Its SHA-256: ${first.fingerprint}`,
      `Other devices learn to trust it at ${config.origin}/certificate`,
    ],
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

/** Until the first one comes, the server signs one itself: it must be up to be asked. */
async function askedCertificate(
  config: CertificateConfig,
  io: CertificateIo,
): Promise<CertificateSource> {
  await Deno.mkdir(config.dataDir, { recursive: true, mode: 0o700 });
  const { openAcme } = await import("./acme_source.ts");
  const { first, lines, watch } = await openAcme(config, io);
  if (first !== null) return { pair: first, lines, watch };
  const { selfSigned } = await maker();
  const { pair } = await selfSigned(config.dataDir, [config.domain!], io.now());
  return { pair, lines, watch };
}

/** The files of `--tls files`, read as the server reads them: for `snug doctor` too. */
export async function givenCertificate(
  files: { readonly cert: string; readonly key: string },
  { log }: Pick<CertificateIo, "log">,
): Promise<CertificateSource> {
  const first = await readPair(files).catch((error: unknown) => {
    if (error instanceof BackupError) throw new ConfigError(error.message);
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
  const cert = await readNamed("--tls-cert", files.cert);
  const key = await readNamed("--tls-key", files.key);
  if (!belongTogether({ cert, key })) throw new ConfigError("the key is not the certificate's");
  return { cert, key };
}

/** Which of the two it is, when one cannot be read. */
async function readNamed(flag: string, path: string): Promise<string> {
  return await Deno.readTextFile(path).catch((error) => {
    throw inWords(`${flag} ${path}`, error);
  });
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
