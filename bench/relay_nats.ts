/** NATS JetStream as a target: a work queue on disk, one durable push consumer a receiver, explicit acks. */
import { connect, type Socket } from "node:net";
import { installed, pinned, randomPort, until } from "../tools/load_process.ts";
import type { LoadTarget } from "../tools/load_target.ts";

/** Starts one; null where it is not installed. */
export async function startNats(cpu: number, envelopeBytes: number): Promise<LoadTarget | null> {
  if (installed("nats-server") === null) return null;
  const folder = await Deno.makeTempDir({ prefix: "snug-nats-" });
  const port = randomPort();
  const [command, ...args] = pinned(cpu, [
    ...["nats-server", "-a", "127.0.0.1", "-p", String(port), "-js", "-sd", folder],
  ]);
  const child = new Deno.Command(command!, {
    ...{ args, stdin: "null", stdout: "null", stderr: "null", env: { GOMAXPROCS: "1" } },
  }).spawn();
  await until(port, child);
  const first = await NatsLine.open(port, () => {});
  const stream = { name: "S", subjects: ["m.*"], storage: "file", retention: "workqueue" };
  await first.ask("$JS.API.STREAM.CREATE.S", JSON.stringify(stream));
  first.close();
  const envelope = "x".repeat(envelopeBytes);
  const connectAs: LoadTarget["connect"] = async (index, told) => {
    const line = await NatsLine.open(port, (subject, reply) => {
      if (subject === "accepted") return told.accepted(1);
      line.write(`PUB ${reply} 0\r\n\r\n`);
      told.delivered(1);
    });
    line.write(`SUB d.${index} 2\r\nSUB accepted.${index} 3\r\n`);
    const config = {
      ...{ durable_name: `c${index}`, deliver_subject: `d.${index}`, max_ack_pending: 20_000 },
      ...{ filter_subject: `m.${index}`, ack_policy: "explicit", deliver_policy: "all" },
    };
    const api = `$JS.API.CONSUMER.DURABLE.CREATE.S.c${index}`;
    await line.ask(api, JSON.stringify({ stream_name: "S", config }));
    const message = `PUB m.${index ^ 1} accepted.${index} ${envelopeBytes}\r\n${envelope}\r\n`;
    return {
      send: (count) => line.write(message.repeat(count)),
      close: () => line.close(),
    };
  };
  return {
    ...{ name: "nats jetstream", accepts: true, pid: child.pid, connect: connectAs },
    // A work queue keeps what a consumer is there for.
    prepare: async (index) => (await connectAs(index, { accepted() {}, delivered() {} })).close(),
    async stop() {
      child.kill("SIGKILL");
      await child.status;
      await Deno.remove(folder, { recursive: true });
    },
  };
}

type OnMessage = (kind: "accepted" | "delivered", reply: string) => void;

/** One connection, in the text protocol of https://docs.nats.io/reference/reference-protocols/nats-protocol. */
class NatsLine {
  readonly #socket: Socket;
  readonly #onMessage: OnMessage;
  #text = "";
  #answered: (text: string) => void = () => {};
  #pending = "";

  private constructor(socket: Socket, onMessage: OnMessage) {
    this.#socket = socket;
    this.#onMessage = onMessage;
    socket.setEncoding("latin1");
    socket.on("data", (chunk) => this.#take(String(chunk)));
    socket.on("error", () => socket.destroy());
  }

  static async open(port: number, onMessage: OnMessage): Promise<NatsLine> {
    const socket = connect({ port, host: "127.0.0.1", noDelay: true });
    const line = new NatsLine(socket, onMessage);
    line.write('CONNECT {"verbose":false}\r\nSUB answer.* 1\r\n');
    await Promise.resolve();
    return line;
  }

  /** A request of the JetStream API. @throws when it is refused */
  async ask(subject: string, body: string): Promise<void> {
    const inbox = `answer.${crypto.randomUUID()}`;
    const answered = new Promise<string>((resolve) => this.#answered = resolve);
    this.write(
      `UNSUB 1\r\nSUB ${inbox} 1\r\nPUB ${subject} ${inbox} ${body.length}\r\n${body}\r\n`,
    );
    const answer = await answered;
    if (/"error":/.test(answer) && !/already/.test(answer)) throw new Error(`NATS: ${answer}`);
  }

  write(words: string): void {
    if (this.#pending === "") queueMicrotask(() => this.#flush());
    this.#pending += words;
  }

  close(): void {
    this.#socket.destroy();
  }

  #flush(): void {
    this.#socket.write(this.#pending, "latin1");
    this.#pending = "";
  }

  #take(chunk: string): void {
    this.#text += chunk;
    let at = 0;
    for (let end = this.#text.indexOf("\r\n", at); end >= 0; end = this.#text.indexOf("\r\n", at)) {
      const words = this.#text.slice(at, end).split(" ");
      if (words[0] !== "MSG") {
        if (words[0] === "PING") this.write("PONG\r\n");
        at = end + 2;
        continue;
      }
      const next = end + 2 + Number(words.at(-1)) + 2;
      if (next > this.#text.length) break;
      this.#message(words, this.#text.slice(end + 2, next - 2));
      at = next;
    }
    this.#text = this.#text.slice(at);
  }

  #message([, , sid, reply]: string[], body: string): void {
    if (sid === "1") this.#answered(body);
    else this.#onMessage(sid === "3" ? "accepted" : "delivered", reply ?? "");
  }
}
