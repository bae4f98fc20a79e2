/**
 * ejabberd and prosody as targets: XMPP over plain TCP (RFC 6120), offline storage on. They tell no
 * sender that a message is safe, and keep what is under way to somebody online in memory only.
 */
import { connect, type Socket } from "node:net";
import { installed, pinned, randomPort, until } from "../tools/load_process.ts";
import type { LoadClient, LoadTarget, Told } from "../tools/load_target.ts";

const OPEN = "<?xml version='1.0'?><stream:stream to='localhost' xmlns='jabber:client' " +
  "xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>";
const END = new TextEncoder().encode("</message>");

/** Starts the one that is asked for; null where it is not installed. */
export async function startXmpp(
  kind: "ejabberd" | "prosody",
  cpu: number,
  envelopeBytes: number,
): Promise<LoadTarget | null> {
  if (installed(kind === "ejabberd" ? "ejabberdctl" : "prosody") === null) return null;
  const folder = await Deno.makeTempDir({ prefix: "snug-xmpp-" });
  const port = randomPort();
  const { command, env } = await (kind === "ejabberd" ? ejabberd : prosody)(folder, port);
  const [program, ...args] = pinned(cpu, command);
  const child = new Deno.Command(program!, {
    ...{ args, env, stdin: "null", stdout: "null", stderr: "null", cwd: folder },
  }).spawn();
  await until(port, child);
  const body = "x".repeat(envelopeBytes);
  const known = new Set<number>();
  const register = async (index: number) => {
    if (known.has(index)) return;
    known.add(index);
    const stream = await XmppStream.open(port, index);
    await stream.register();
    stream.close();
  };
  const signedIn = async (index: number) => {
    await register(index);
    const stream = await XmppStream.open(port, index);
    await stream.signIn();
    return stream;
  };
  return {
    ...{ name: kind, accepts: false, pid: child.pid, prepare: register },
    connect: async (index, told) => await (await signedIn(index)).client(told, body),
    async store(index, messages) {
      const stream = await signedIn(index);
      await stream.store(messages, body);
      stream.close();
    },
    async stop() {
      child.kill("SIGKILL");
      await child.status;
      await Deno.remove(folder, { recursive: true });
    },
  };
}

async function prosody(folder: string, port: number) {
  const path = `${folder}/prosody.cfg.lua`;
  await Deno.writeTextFile(
    path,
    `daemonize = false; run_as_root = true; pidfile = "${folder}/pid"; data_path = "${folder}"
modules_enabled = { "roster", "saslauth", "register", "offline" }
modules_disabled = { "s2s", "tls" }; allow_registration = true
authentication = "internal_plain"; storage = "internal"
c2s_require_encryption = false; allow_unencrypted_plain_auth = true
interfaces = { "127.0.0.1" }; c2s_ports = { ${port} }; s2s_ports = {}
log = { error = "${folder}/log" }
VirtualHost "localhost"
`,
  );
  return { command: ["prosody", "--config", path, "-F"], env: {} };
}

async function ejabberd(folder: string, port: number) {
  const path = `${folder}/ejabberd.yml`;
  await Deno.writeTextFile(
    path,
    `hosts: [localhost]
loglevel: none
listen:
  - {port: ${port}, ip: "127.0.0.1", module: ejabberd_c2s, max_stanza_size: 262144, starttls: false}
auth_method: internal
auth_password_format: plain
registration_timeout: infinity
acl: {local: {user_regexp: ""}}
access_rules: {all_in: {allow: all}}
shaper_rules: {waiting: {100000: all}, user_sessions: 10}
modules:
  mod_offline: {access_max_user_messages: waiting}
  mod_register: {access: all_in, ip_access: all, password_strength: 0}
  mod_roster: {}
`,
  );
  const command = [
    ...["erl", "+K", "true", "+P", "250000", "+S", "1:1", "-noinput"],
    ...["-mnesia", "dir", `"${folder}"`, "-s", "ejabberd"],
  ];
  const env = {
    ...{ EJABBERD_CONFIG_PATH: path, EJABBERD_LOG_PATH: `${folder}/log` },
    ...{ ERL_LIBS: "/usr/lib/x86_64-linux-gnu", HOME: folder },
  };
  return { command, env };
}

/** One connection. Everything it is told is ASCII. */
class XmppStream {
  readonly #socket: Socket;
  readonly #index: number;
  #text = "";
  #wake: () => void = () => {};

  private constructor(socket: Socket, index: number) {
    this.#socket = socket;
    this.#index = index;
    socket.on("data", this.#onText);
    socket.on("error", () => socket.destroy());
  }

  static async open(port: number, index: number): Promise<XmppStream> {
    const localAddress = `127.0.${1 + (index >> 7)}.${1 + index % 128}`;
    const stream = new XmppStream(
      connect({ port, host: "127.0.0.1", localAddress, noDelay: true }),
      index,
    );
    await stream.#ask(OPEN, "</stream:features>");
    return stream;
  }

  readonly #onText = (chunk: Uint8Array) => {
    this.#text += new TextDecoder().decode(chunk);
    this.#wake();
  };

  async #ask(words: string, answer: string): Promise<void> {
    this.#text = "";
    this.#socket.write(words);
    while (!this.#text.includes(answer)) {
      if (this.#socket.destroyed) throw new Error(`XMPP: ${this.#text}`);
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
  }

  async register(): Promise<void> {
    const fields = `<username>u${this.#index}</username><password>p</password>`;
    await this.#ask(
      `<iq type='set' id='r'><query xmlns='jabber:iq:register'>${fields}</query></iq>`,
      "<iq",
    );
    if (!/type=.result/.test(this.#text)) throw new Error(`XMPP: ${this.#text}`);
  }

  async signIn(): Promise<void> {
    const secret = btoa(`\0u${this.#index}\0p`);
    const sasl = "urn:ietf:params:xml:ns:xmpp-sasl";
    await this.#ask(`<auth xmlns='${sasl}' mechanism='PLAIN'>${secret}</auth>`, "<success");
    await this.#ask(OPEN, "</stream:features>");
    const bind = "<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>r</resource></bind>";
    await this.#ask(`<iq type='set' id='b'>${bind}</iq>`, "</iq>");
  }

  /**
   * Is there, and knows that the server knows: it tells everybody of their own presence. From here
   * on only messages are counted; those that waited may have come along.
   */
  async client(told: Told, body: string): Promise<LoadClient> {
    await this.#ask("<presence/>", "<presence");
    const count = counter(END, told.delivered);
    this.#socket.off("data", this.#onText);
    this.#socket.on("data", count);
    count(new TextEncoder().encode(this.#text));
    const message = this.#message(body);
    return {
      send: (count) => void this.#socket.write(message.repeat(count)),
      close: () => this.close(),
    };
  }

  /**
   * Sends, then asks for the list of contacts: one stream is worked through in order, so the answer
   * says that everything before it was dealt with.
   */
  async store(count: number, body: string): Promise<void> {
    const question = "<iq type='get' id='after'><query xmlns='jabber:iq:roster'/></iq>";
    await this.#ask(this.#message(body).repeat(count) + question, "after");
  }

  #message(body: string): string {
    return `<message to='u${this.#index ^ 1}@localhost' type='chat'><body>${body}</body></message>`;
  }

  close(): void {
    this.#socket.destroy();
  }
}

/** Counts how often `end` comes by, over the borders of chunks too. */
function counter(end: Uint8Array, found: (count: number) => void): (chunk: Uint8Array) => void {
  let matched = 0;
  return (chunk) => {
    let count = 0;
    for (let at = 0; at < chunk.length; at++) {
      if (matched === 0) {
        at = chunk.indexOf(end[0]!, at);
        if (at < 0) break;
      }
      if (chunk[at] === end[matched]) matched++;
      else matched = chunk[at] === end[0] ? 1 : 0;
      if (matched < end.length) continue;
      matched = 0;
      count++;
    }
    if (count > 0) found(count);
  };
}
