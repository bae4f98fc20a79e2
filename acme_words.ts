/** Why there is no certificate yet, in words for the person who runs the server. */
import type { AcmeSettings } from "./config.ts";

/** A refusal: the end of its name in RFC 8555 section 6.7, or a word of our own. */
export interface Problem {
  readonly type: string;
  /** Seconds after which the authority wants to be asked again; 0 when it does not say. */
  readonly retryAfter: number;
}

type Words = (settings: AcmeSettings, host: string) => string;

const OTHER_MACHINE: Words = ({ domain, httpListen }) =>
  `something else answers http://${domain}/. Point ${domain} at this machine's address, and pass ` +
  `its port 80 on to ${httpListen.port} here.`;

const WORDS: Readonly<Record<string, Words>> = {
  dns: ({ domain }) =>
    `the name ${domain} leads to no address. Add an A or AAAA record for it, and wait until it is known.`,
  connection: ({ domain, httpListen }) =>
    `nobody answers at http://${domain}/. Point ${domain} at this machine's address, and let port ` +
    `80 through the firewall to port ${httpListen.port} here.`,
  unauthorized: OTHER_MACHINE,
  incorrectResponse: OTHER_MACHINE,
  caa: ({ domain }, host) =>
    `a CAA record forbids ${host} to sign for ${domain}. Change the record, or --acme-directory.`,
  rateLimited: (_settings, host) => `${host} was asked too often and wants to be left alone.`,
  rejectedIdentifier: ({ domain }, host) => `${host} does not sign for ${domain}.`,
  externalAccountRequired: (_settings, host) =>
    `${host} wants an account that was made elsewhere first. Use another --acme-directory.`,
  invalidContact: () => "the authority does not take the address in --acme-email.",
  unsupportedContact: () => "the authority does not take the address in --acme-email.",
  unreachable: ({ caFile }, host) =>
    `${host} cannot be reached, or its own certificate is not trusted. Check the network` +
    `${caFile === undefined ? ", and --acme-ca for a private authority" : ` and ${caFile}`}.`,
  port: ({ httpListen }) =>
    `port ${httpListen.port} cannot be listened on: another program has it, or this user may not.`,
  disk: () => "the certificate cannot be written into the data folder.",
  mismatch: (_settings, host) =>
    `${host} answered with a certificate that is not the one asked for.`,
};

/** One sentence or two: what is wrong, and what to do. */
export function problemWords({ type }: Problem, settings: AcmeSettings): string {
  const host = new URL(settings.directory).host;
  const words = Object.hasOwn(WORDS, type) ? WORDS[type] : undefined;
  const code = /^[A-Za-z]{1,40}$/.test(type) ? type : "unknown";
  return words?.(settings, host) ?? `${host} refused (${code}).`;
}
