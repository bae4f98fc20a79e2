/** What `snug doctor` finds on the network: names, the port, the server itself, sockets, mail. */
import { isIP } from "node:net";
import { join } from "node:path";
import { createSmtpChannel, type SmtpChannel } from "./auth/mail.ts";
import { isEmailAddress } from "./auth/names.ts";
import { type Config, isLoopbackHost } from "./config.ts";
import { cannotWrite, cureOf, type Finding, sayFor } from "./doctor_data.ts";

const PATIENCE_MS = 8_000;
const MAX_ANSWER = 8_192;
/** node:http of Deno 2.4 never sends the answer to an upgrade that is refused. */
const OLD_RUNTIME = /^2\.[0-8]\./.test(Deno.version.deno);
const TEST_LETTER = "This is the letter that snug doctor was asked to send. Mail works.";

/** Looks at everything that needs the network. `mailTo` gets a letter; "" sends none. */
export async function checkNetwork(
  config: Config,
  mailTo: string,
  version: string,
): Promise<Finding[]> {
  const port = await checkPort("port", config.listen);
  const findings = [...await checkName(config), port];
  if (config.acme !== undefined) findings.push(await checkPort("port 80", config.acme.httpListen));
  if (port.state === "ok") findings.push(...await checkServer(config, version));
  return [...findings, await checkMail(config, mailTo)];
}

async function checkName(config: Config): Promise<Finding[]> {
  const say = sayFor("name");
  const host = new URL(config.origin).hostname.replace(/^\[|\]$/g, "");
  if (isLoopbackHost(host) || isIP(host) !== 0) return [];
  const found = (await Promise.all([resolve(host, "A"), resolve(host, "AAAA")])).flat();
  return [
    found.length > 0
      ? say("ok", `${host} is ${found.join(", ")}`)
      : say("fail", `${host} leads to no address`, `Add an A or AAAA record for ${host}.`),
  ];
}

async function resolve(host: string, kind: "A" | "AAAA"): Promise<string[]> {
  const signal = AbortSignal.timeout(PATIENCE_MS);
  return await Deno.resolveDns(host, kind, { signal }).catch(() => []);
}

/** "ok" means that somebody listens there; who, the next check says. */
async function checkPort(check: string, listen: Config["listen"]): Promise<Finding> {
  const { hostname, port } = listen;
  const say = sayFor(check);
  const place = `${hostname.includes(":") ? `[${hostname}]` : hostname}:${port}`;
  try {
    Deno.listen({ hostname, port }).close();
    return say("warn", `nothing listens on ${place}`, "Start the server: snug serve");
  } catch (error) {
    if (error instanceof Deno.errors.AddrInUse) return say("ok", `${place} is in use`);
    if (error instanceof Deno.errors.PermissionDenied) {
      // Below 1024 the system asks for the right before it looks who is there.
      if (await isAnswered(listen)) return say("ok", `${place} is in use`);
      const cure = "AmbientCapabilities=CAP_NET_BIND_SERVICE in the systemd unit, or " +
        "setcap cap_net_bind_service=+ep on the executable, or a port above 1023.";
      return say("fail", `this user may not listen on ${place}`, cure);
    }
    return say("fail", `${place} cannot be listened on`, "Name an address of this machine.");
  }
}

/** Does somebody take connections there? */
async function isAnswered(listen: Config["listen"]): Promise<boolean> {
  return await Deno.connect(listen).then((connection) => {
    connection.close();
    return true;
  }, () => false);
}

async function checkServer(config: Config, version: string): Promise<Finding[]> {
  const say = sayFor("server");
  const { origin } = config;
  const caCerts = await trusted(config);
  const running = await versionAt(origin, caCerts);
  if (running === null) {
    const cure =
      "Another program has the port, the name leads elsewhere, or a proxy is in the way.";
    return [say("fail", `${origin} does not answer as Snug`, cure)];
  }
  const socket = await checkSocket(origin, caCerts);
  return running === version
    ? [say("ok", `Snug ${running} answers at ${origin}`), socket]
    : [say("warn", `Snug ${running} runs, this is ${version}`, "Restart the server."), socket];
}

/** The own certificate authority; any other certificate must be good for everybody. */
async function trusted({ tls, dataDir }: Config): Promise<string[]> {
  if (tls !== "self-signed") return [];
  return await Deno.readTextFile(join(dataDir, "ca.pem")).then((ca) => [ca], () => []);
}

async function versionAt(origin: string, caCerts: string[]): Promise<string | null> {
  using client = Deno.createHttpClient({ caCerts, http2: false });
  try {
    const signal = AbortSignal.timeout(PATIENCE_MS);
    const request: RequestInit & { client: Deno.HttpClient } = {
      client,
      signal,
      redirect: "error",
    };
    const answer = await fetch(`${origin}/health`, request);
    const { status, version } = await answer.json() as { status?: unknown; version?: unknown };
    return status === "ok" && typeof version === "string" ? version : null;
  } catch {
    return null;
  }
}

/**
 * A socket without a login is refused with 401 by the server itself: then the upgrade has come
 * through every proxy as an upgrade, and with the right origin.
 */
async function checkSocket(origin: string, caCerts: string[]): Promise<Finding> {
  const say = sayFor("socket");
  const status = await upgradeStatus(new URL(origin), caCerts).catch(() => null);
  if (status === 401) return say("ok", "an upgrade comes through to the server");
  if (status === 403) {
    return say("fail", "the server takes another address for its own", "Give doctor its --origin.");
  }
  if (status === null && OLD_RUNTIME) {
    return say("warn", "not known: Deno before 2.9 does not send refusals", "Use a release.");
  }
  const words = status === null
    ? "no answer to an upgrade"
    : `an upgrade is answered with ${status}`;
  const cure =
    "The proxy must pass Upgrade and Connection on: docs/self_hosting.md, Behind a proxy.";
  return say("fail", words, cure);
}

async function upgradeStatus(origin: URL, caCerts: string[]): Promise<number | null> {
  const connection = await connect(origin, caCerts);
  const timer = setTimeout(() => connection.close(), PATIENCE_MS);
  try {
    const request = [
      "GET /socket HTTP/1.1",
      `Host: ${origin.host}`,
      `Origin: ${origin.origin}`,
      "Connection: Upgrade",
      "Upgrade: websocket",
      "Sec-WebSocket-Version: 13",
      `Sec-WebSocket-Key: ${btoa("snug doctor sent")}`,
    ].join("\r\n") + "\r\n\r\n";
    await connection.write(new TextEncoder().encode(request));
    const buffer = new Uint8Array(MAX_ANSWER);
    const read = await connection.read(buffer) ?? 0;
    const answer = new TextDecoder().decode(buffer.subarray(0, read));
    return Number(/^HTTP\/1\.[01] (\d{3})/.exec(answer)?.[1] ?? NaN) || null;
  } finally {
    clearTimeout(timer);
    try {
      connection.close();
    } catch {
      // The timer was faster.
    }
  }
}

async function connect(origin: URL, caCerts: string[]): Promise<Deno.Conn> {
  const secure = origin.protocol === "https:";
  const hostname = origin.hostname.replace(/^\[|\]$/g, "");
  const port = Number(origin.port) || (secure ? 443 : 80);
  const plain = await Deno.connect({ hostname, port });
  if (!secure) return plain;
  return await Deno.startTls(plain, { hostname, caCerts, alpnProtocols: ["http/1.1"] });
}

async function checkMail(config: Config, mailTo: string): Promise<Finding> {
  const say = sayFor("mail");
  if (config.smtpUrl === undefined) {
    const problem = await outboxProblem(config.dataDir);
    if (problem !== null) return say("fail", ...problem);
    return config.onlyThisMachine && mailTo === ""
      ? say("ok", "none: codes go to the console and the outbox")
      : say("warn", "none: codes go to the console and the outbox", "Set --smtp and --mail-from.");
  }
  const channel = createSmtpChannel({ url: config.smtpUrl, from: config.mailFrom });
  try {
    await (mailTo === "" ? channel.verify() : sendTest(channel, mailTo));
    return say("ok", mailTo === "" ? "the mail server lets us in" : "the test letter was taken");
  } catch (error) {
    return say("fail", ...mailTrouble(error));
  } finally {
    channel.close();
  }
}

/** Where letters go without a mail server; it is made with the first one. */
async function outboxProblem(dataDir: string): Promise<[words: string, cure: string] | null> {
  const outbox = join(dataDir, "outbox");
  if (await Deno.lstat(outbox).then(() => false, () => true)) return null;
  const words = await cannotWrite(outbox);
  if (words === null) return null;
  return [words, cureOf(words, dataDir, "Move it away: a folder of that name is made.")];
}

async function sendTest(channel: SmtpChannel, to: string): Promise<void> {
  await channel.send({
    to,
    subject: "A test letter of your Snug server",
    text: TEST_LETTER + "\r\n",
    html: `<p>${TEST_LETTER}</p>`,
    code: null,
  });
}

/** By the library's code: its messages may quote the address, which may hold the password. */
function mailTrouble(error: unknown): [words: string, cure: string] {
  const code = (error as { code?: unknown }).code;
  if (code === "EAUTH") {
    return ["the mail server refuses the user or the password", "Check the URL in --smtp."];
  }
  if (code === "ETLS") {
    return ["the mail server offers no TLS that can be trusted", "Try smtps://…:465."];
  }
  if (code === "EENVELOPE" || code === "EMESSAGE") {
    return ["the mail server does not take the letter", "Check --mail-from and the address."];
  }
  return ["the mail server cannot be reached", "Check host and port in --smtp, and the firewall."];
}

/** May a letter be sent there? */
export function isMailAddress(text: string): boolean {
  return isEmailAddress(text);
}
