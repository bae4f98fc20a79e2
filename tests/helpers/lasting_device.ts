/**
 * A device whose store outlives every server: what it sent and nobody accepted it sends again, what
 * it got it keeps, and it notices at once when anything is lost, doubled, altered or out of order.
 */
import { WebSocket } from "ws";
import {
  type ClientItem,
  decodeServerFrame,
  type Deliver,
  encodeClientFrames,
  type Refusal,
  type ServerItem,
  type Submit,
} from "../../protocol/frame.ts";
import type { DeviceId, SubmitId } from "../../protocol/ids.ts";
import { destination, nextId, type Person } from "./relay_world.ts";

/** What the devices of one run share. */
export interface Run {
  readonly chance: (most: number) => number;
  /** Something that must never happen did. */
  readonly broken: (words: string) => void;
  /** Any device got on: somebody may be waiting for that. */
  readonly progress: () => void;
  /** The server may be unable to write for a while: refused messages are sent again when it says. */
  readonly patient?: boolean;
}

const IN_FLIGHT = 12;
/** Number of the message, then bytes that follow from it. */
const HEAD_BYTES = 4;

export class LastingDevice {
  /** Sent or to be sent, in order, and not accepted. */
  readonly #outbox: Submit[] = [];
  /** What came at which position: "device number". */
  readonly #inbox = new Map<number, string>();
  /** The last number that came from each device. */
  readonly #last = new Map<DeviceId, number>();
  #incarnation: { previous: Uint8Array<ArrayBuffer>; next: Uint8Array<ArrayBuffer> | null } = {
    previous: new Uint8Array(16),
    next: null,
  };
  #socket: WebSocket | null = null;
  #number = 0;
  #ref = 0;
  #received = 0;
  #talking = false;
  #pong: () => void = () => {};
  #again: ReturnType<typeof setTimeout> | undefined;
  accepted = 0;
  /** Messages that the server could not write. */
  refused = 0;
  online = false;
  connecting = false;

  constructor(
    readonly me: Person,
    readonly device: DeviceId,
    readonly peer: Person,
    readonly run: Run,
  ) {}

  /** The number of its newest message. */
  get sent(): number {
    return this.#number;
  }

  /** The last number that came from a device. */
  lastFrom(device: DeviceId): number {
    return this.#last.get(device) ?? 0;
  }

  get idle(): boolean {
    return this.#outbox.length === 0;
  }

  /** Connects; from the welcome on it sends what is left over and, if it is to talk, more and more. */
  connect(port: number, talking: boolean): void {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/socket`, {
      perMessageDeflate: false,
      headers: {
        host: "relay.invalid",
        authorization: `Bearer ${this.me.account} ${this.device}`,
      },
    });
    this.#socket = socket;
    this.connecting = true;
    this.#talking = talking;
    this.#received = 0;
    socket.on("error", () => {});
    socket.on("open", () => this.#hello());
    socket.on("message", (frame) => {
      for (const item of decodeServerFrame(new Uint8Array(frame as Uint8Array))) this.#take(item);
      this.run.progress();
    });
    socket.on("close", () => {
      if (this.#socket !== socket) return;
      this.online = this.connecting = false;
      this.run.progress();
    });
  }

  /** Sends nothing new any more; what is under way still arrives. */
  hush(): void {
    this.#talking = false;
  }

  /** Resolves to the milliseconds until the server answers a ping: it had to get through its turn. */
  async ping(): Promise<number> {
    const start = performance.now();
    const answered = new Promise<void>((resolve) => this.#pong = resolve);
    this.#send([{ type: "ping" }]);
    await answered;
    return performance.now() - start;
  }

  /** Forgets the connection, not the store. */
  async disconnect(): Promise<void> {
    const socket = this.#socket;
    this.#socket = null;
    this.online = this.connecting = false;
    clearTimeout(this.#again);
    this.#again = undefined;
    if (socket === null || socket.readyState === socket.CLOSED) return;
    const closed = new Promise((resolve) => socket.once("close", resolve));
    socket.terminate();
    await closed;
  }

  /** The next incarnation is in the store before it is sent, and the pair is sent until it is answered. */
  #hello(): void {
    const next = this.#incarnation.next ?? crypto.getRandomValues(new Uint8Array(16));
    this.#incarnation.next = next;
    const { previous } = this.#incarnation;
    this.#send([{ type: "hello", previous, next, windowSize: 64 }]);
  }

  #take(item: ServerItem): void {
    switch (item.type) {
      case "welcome":
        if (item.restored) this.run.broken("a good store is called a restored one");
        if (item.gaps > 0) this.run.broken(`${item.gaps} gaps`);
        this.#incarnation = { previous: this.#incarnation.next!, next: null };
        this.online = true;
        this.connecting = false;
        this.#send(this.#outbox);
        return this.#sendMore();
      case "deliver":
        return this.#deliver(item);
      case "accepted":
        return this.#accepted(item.ref);
      case "pong":
        return this.#pong();
      case "refused":
        return this.#refused(item.refusal);
      default:
        return;
    }
  }

  #accepted(ref: number): void {
    const first = this.#outbox.shift();
    if (first?.ref !== ref) this.run.broken(`${ref} accepted before ${first?.ref}`);
    this.accepted++;
    this.#sendMore();
  }

  #refused(refusal: Refusal): void {
    if (!this.run.patient || refusal.code !== "unavailable") {
      return this.run.broken(`refused: ${refusal.code}`);
    }
    this.refused++;
    this.#again ??= setTimeout(() => {
      this.#again = undefined;
      this.#send(this.#outbox);
    }, refusal.retryAfter * 1_000 + 50);
  }

  #deliver({ position, device, envelope }: Deliver): void {
    const number = new DataView(envelope.buffer, envelope.byteOffset).getUint32(0);
    const name = `${device} ${number}`;
    if (position <= this.#received) this.run.broken(`position ${position} after ${this.#received}`);
    this.#received = position;
    if (!envelope.subarray(HEAD_BYTES).every((byte) => byte === number % 256)) {
      this.run.broken(`${name} is altered`);
    }
    const known = this.#inbox.get(position);
    if (known !== undefined && known !== name) {
      this.run.broken(`position ${position} was ${known} and is ${name}`);
    }
    if (known === undefined) this.#keep(position, device, number, name);
    // Not always: what is not acknowledged has to come again.
    if (this.run.chance(4) > 0) this.#send([{ type: "ack", position }]);
  }

  #keep(position: number, device: DeviceId, number: number, name: string): void {
    const expected = this.lastFrom(device) + 1;
    if (number !== expected) this.run.broken(`${name} came where ${expected} was to come`);
    this.#last.set(device, number);
    this.#inbox.set(position, name);
  }

  #sendMore(): void {
    if (!this.#talking || this.#again !== undefined) return;
    const fresh: Submit[] = [];
    while (this.#outbox.length < IN_FLIGHT) {
      const submit = this.#message(++this.#number);
      this.#outbox.push(submit);
      fresh.push(submit);
    }
    this.#send(fresh);
  }

  /** To all devices of the other person and the own others, as a real one does. */
  #message(number: number): Submit {
    const envelope = new Uint8Array(HEAD_BYTES + 40 + this.run.chance(900)).fill(number % 256);
    new DataView(envelope.buffer).setUint32(0, number);
    const destinations = [
      destination(this.peer, envelope),
      destination(this.me, envelope, 1, this.device),
    ];
    return { type: "submit", ref: ++this.#ref, submit: nextId<SubmitId>(), destinations };
  }

  #send(items: readonly ClientItem[]): void {
    if (this.#socket?.readyState !== WebSocket.OPEN) return;
    for (const frame of encodeClientFrames(items)) this.#socket.send(frame);
  }
}
