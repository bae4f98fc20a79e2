/** `--tls acme` as a source of certificates: what there is at the start, and what comes later. */
import { type AcmeConfig, type AcmeIo, goodFor, Keeper, type Take } from "./acme_keeper.ts";
import { readIssued } from "./acme_store.ts";
import { type AcmeSettings, ConfigError } from "./config.ts";
import type { CertificatePair } from "./listener.ts";

export type { AcmeConfig, AcmeIo } from "./acme_keeper.ts";

/** Certificates now and later. */
export interface AcmeSource {
  /** The one from earlier, if it is good now. */
  readonly first: CertificatePair | null;
  /** What people are told at the start. */
  readonly lines: readonly string[];
  /** Keeps asking until the returned function is called. */
  watch(take: Take): () => void;
}

/**
 * Opens the door on port 80 and reads what is there.
 * @throws {ConfigError} when `--acme-ca` cannot be read
 * @throws {Error} when the port cannot be had and there is no certificate to go on with
 */
export async function openAcme(config: AcmeConfig, io: AcmeIo): Promise<AcmeSource> {
  const settings = config.acme!;
  const ca = await readCa(settings);
  const found = await readIssued(config.dataDir, settings);
  const usable = found !== null && io.now() < found.until ? found : null;
  const keeper = new Keeper(config, io, ca, found);
  await keeper.openDoor().catch((error) => {
    if (usable === null) throw error;
  });
  return {
    first: usable?.pair ?? null,
    lines: usable === null ? firstLines(settings) : [goodFor(usable, settings)],
    watch(take) {
      keeper.run(take).catch((error) => io.log.error("acme.stopped", { error }));
      return () => {
        keeper.close().catch((error) => io.log.warn("acme.close_failed", { error }));
      };
    },
  };
}

/**
 * The certificate in `--acme-ca`; undefined without one.
 * @throws {ConfigError} when it cannot be read
 */
export async function readCa({ caFile }: AcmeSettings): Promise<string | undefined> {
  if (caFile === undefined) return undefined;
  const text = await Deno.readTextFile(caFile).catch(() => "");
  if (text.includes("-----BEGIN CERTIFICATE-----")) return text;
  throw new ConfigError(`--acme-ca ${caFile}: cannot be read as a PEM certificate.`);
}

function firstLines({ domain, directory }: AcmeSettings): string[] {
  return [
    `Asking ${new URL(directory).host} for a certificate for ${domain}.`,
    "Until it comes the server uses one that it signed itself, and browsers warn of it.",
  ];
}
