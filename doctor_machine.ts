/** What `snug doctor` finds about this machine: the certificate, the clock, the open-file limit. */
import { X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import { join } from "node:path";
import { renewalAt } from "./acme_schedule.ts";
import { readIssued, readTries } from "./acme_store.ts";
import { AUTHORITY_CURE, CertificateError, readAuthority } from "./certificate.ts";
import { isPair } from "./certificate_pair.ts";
import { givenCertificate } from "./certificate_source.ts";
import type { Config } from "./config.ts";
import { cureOf, type DatabaseFacts, type Finding, sayFor, wordsOf } from "./doctor_data.ts";
import { silentLog } from "./log.ts";

const DAY = 86_400_000;
/** No clock that is right says less: this program is newer. */
const WRITTEN = Date.UTC(2026, 0, 1);
/** An own certificate is made anew 30 days before its end, and looked at twice a day. */
const RENEWED_DAYS = 28;
const WARN_DAYS = 14;
/** A certificate from an authority may be late by this much: it is asked for every few hours. */
const RENEWAL_SLACK = 2 * DAY;
/** Clocks are put right by less than this. */
const CLOCK_SLACK = 300_000;
/** Files the server has open besides connections. */
const OWN_FILES = 64;
const MOST_FILES = 50_000;

/** Looks at the certificate, the clock and the limit of open files. */
export async function checkMachine(
  config: Config,
  facts: DatabaseFacts,
  now: number,
): Promise<Finding[]> {
  return [
    await checkCertificate(config, now),
    checkClock(facts.newest, now),
    checkFiles(config.limits.connections),
  ];
}

async function checkCertificate(config: Config, now: number): Promise<Finding> {
  const say = sayFor("certificate");
  if (config.tls === "off") return say("ok", "none: --tls off");
  if (config.acme !== undefined) return await checkIssued(config, now);
  if (config.tlsFiles === undefined) return await checkOwn(config, now);
  try {
    const { pair } = await givenCertificate(config.tlsFiles, { log: silentLog });
    return judge(new X509Certificate(pair.cert), config, now);
  } catch (error) {
    const words = wordsOf(config.tlsFiles.cert, error);
    return say("fail", words, "Name PEM files that belong together and that this user may read.");
  }
}

/** One that the server signed: of the authority that people trust, and of the leaf. */
async function checkOwn(config: Config, now: number): Promise<Finding> {
  const say = sayFor("certificate");
  const { dataDir } = config;
  try {
    const authority = await readAuthority(dataDir);
    if (authority === undefined) return say("ok", "none yet: it is made at the first start");
    if (!isPair(authority)) {
      return say("fail", `${join(dataDir, "ca.key")} is not the key of ca.pem`, AUTHORITY_CURE);
    }
    const cert = await Deno.readTextFile(join(dataDir, "server.pem"));
    const pair = { cert, key: await Deno.readTextFile(join(dataDir, "server.key")) };
    if (isPair(pair)) return judge(new X509Certificate(cert), config, now);
    return say("warn", "server.pem and server.key are damaged", RESTART);
  } catch (error) {
    if (error instanceof CertificateError) return say("fail", error.words, AUTHORITY_CURE);
    const words = wordsOf(dataDir, error);
    return say("fail", words, cureOf(words, dataDir, RESTART));
  }
}

const RESTART = "Restart the server: it signs another one.";

/** One from an authority: what the server was told last is the cure. */
async function checkIssued({ acme, dataDir }: Config, now: number): Promise<Finding> {
  const say = sayFor("certificate");
  const settings = acme!;
  try {
    const found = await readIssued(dataDir, settings);
    const problem = (await readTries(dataDir, settings))?.problem ?? "";
    const cure = problem === "" ? "Start the server: it asks for one." : problem;
    if (found === null) return say("warn", `none yet for ${settings.domain}`, cure);
    const left = Math.floor((found.until - now) / DAY);
    if (left < 0) return say("fail", `it ended on ${dateOf(found.until)}`, cure);
    const words = `for ${settings.domain}, ${left} days left`;
    return now < renewalAt(found) + RENEWAL_SLACK
      ? say("ok", words)
      : say("warn", `${words}; it should have been renewed`, cure);
  } catch (error) {
    const words = wordsOf(dataDir, error);
    return say(
      "fail",
      words,
      cureOf(words, dataDir, "Restart the server: it asks for another one."),
    );
  }
}

function judge(leaf: X509Certificate, config: Config, now: number): Finding {
  const say = sayFor("certificate");
  const own = config.tlsFiles === undefined;
  const cure = own
    ? "Restart the server: it renews its own certificate. Else check the clock."
    : "Renew it; the server takes up the new files by itself.";
  const [from, to] = [timeOf(leaf.validFrom), timeOf(leaf.validTo)];
  const days = Math.floor((to - now) / DAY);
  if (now < from) return say("fail", `it begins only on ${dateOf(from)}`, "Check the clock.");
  if (now >= to) return say("fail", `it ended on ${dateOf(to)}`, cure);
  const host = new URL(config.origin).hostname.replace(/^\[|\]$/g, "");
  const named = isIP(host) === 0 ? leaf.checkHost(host) : leaf.checkIP(host);
  if (named === undefined) {
    return say(
      "fail",
      `it is not for ${host}`,
      own ? cure : "Get one with that name, or fix --origin.",
    );
  }
  const state = days < (own ? RENEWED_DAYS : WARN_DAYS) ? "warn" : "ok";
  return say(state, `for ${host}, ${days} days left`, state === "ok" ? "" : cure);
}

/** Deno 2.4 writes the zone as +00:00, which Date does not read in this format. */
function timeOf(text: string): number {
  return Date.parse(text.replace(/ \+00:00$/, " GMT"));
}

function dateOf(time: number): string {
  return new Date(time).toISOString().slice(0, 10);
}

function checkClock(newest: number, now: number): Finding {
  const say = sayFor("clock");
  const cure = "Set the clock, and keep it right: timedatectl set-ntp true";
  const shown = new Date(now).toISOString().replace(/\.\d+Z$/, "Z");
  if (now < WRITTEN) return say("fail", `it says ${shown}`, cure);
  if (newest > now + CLOCK_SLACK) {
    return say("fail", `it says ${shown}, but the database knows ${dateOf(newest)} already`, cure);
  }
  return say("ok", shown);
}

const NULL_DEVICE = Deno.build.os === "windows" ? "NUL" : "/dev/null";

/** By opening as many: what the system says it allows is not always what it gives. */
export function checkFiles(connections: number, path = NULL_DEVICE): Finding {
  const say = sayFor("open files");
  const wanted = Math.min(connections + OWN_FILES, MOST_FILES);
  const opened = openMany(wanted, path);
  if (opened === null) {
    return say("warn", `not known: ${path} cannot be opened`, `Everybody may: chmod 666 ${path}`);
  }
  return opened >= wanted
    ? say("ok", `${wanted} at once, enough for ${connections} connections`)
    : say(
      "warn",
      `only ${opened} at once, ${connections} connections are allowed`,
      "LimitNOFILE=65536 in the systemd unit, or ulimit -n 65536, or less SNUG_LIMIT_CONNECTIONS.",
    );
}

/** How many there may be; null when it is something else that is in the way. */
function openMany(wanted: number, path: string): number | null {
  const files: Deno.FsFile[] = [];
  try {
    while (files.length < wanted) files.push(Deno.openSync(path));
  } catch (error) {
    if (!/EMFILE|ENFILE|too many open files/i.test(String(error))) return null;
    // This many it is.
  } finally {
    for (const file of files) file.close();
  }
  return files.length;
}
