/** The socket half of the fake server: queues per device, submissions, deliveries, and lies about them. */
import type { Bytes } from "../../protocol/encoding.ts";
import { equalBytes, utf8 } from "../../protocol/encoding.ts";
import {
  type ClientItem,
  decodeClientFrame,
  type Deliver,
  encodeServerFrames,
  type Hello,
  type Refusal,
  type ServerItem,
  type Submit,
} from "../../protocol/frame.ts";
import { type DeviceList, type Signed, signedSchema } from "../../protocol/bundle.ts";
import { decode, encode } from "../../protocol/codec.ts";
import { listEntrySchema } from "../../protocol/bundle.ts";
import type { AccountId, DeviceId } from "../../protocol/ids.ts";
import type { Socket, SocketFactory, SocketHandlers } from "../../client/link.ts";

interface Queue {
  waiting: Deliver[];
  top: number;
  gaps: number;
  incarnation: Uint8Array | null;
}

interface Open {
  readonly account: AccountId;
  readonly device: DeviceId;
  readonly handlers: SocketHandlers;
  ended: boolean;
}

/** What the relay asks of the server it belongs to: who is signed in, and which devices there are. */
export interface RelayDirectory {
  readonly logins: ReadonlyMap<string, { readonly account: AccountId; readonly device: DeviceId }>;
  readonly accounts: ReadonlyMap<
    AccountId,
    { readonly list: DeviceList; readonly entries: readonly Signed[] }
  >;
}

export class FakeRelay {
  readonly now: () => number;
  readonly queues = new Map<DeviceId, Queue>();
  readonly submits = new Set<string>();
  /** What goes out to a device instead of this delivery: nothing, itself twice, something else. */
  deliver: (item: Deliver, to: DeviceId) => Deliver[] = (item) => [item];
  /** A refusal for this submission, instead of taking it. */
  refuse: (submit: Submit, from: DeviceId) => Refusal | null = () => null;
  /** Every envelope that ever came in, as the wire showed it. */
  readonly wire: { from: DeviceId; to: DeviceId; envelope: Bytes }[] = [];
  /** Submissions as they came, resent ones too. */
  readonly submitted: { from: DeviceId; submit: Submit }[] = [];
  /** Answers to submissions get lost on the way while true: committed, but nobody hears. */
  swallowAnswers = false;
  up = true;
  readonly #server: RelayDirectory;
  readonly #open = new Map<DeviceId, Open>();

  constructor(server: RelayDirectory, now: () => number) {
    this.#server = server;
    this.now = now;
  }

  readonly connect: SocketFactory = (login, handlers) => {
    const who = this.#server.logins.get(login ?? "");
    const open: Open = {
      ...who ?? { account: "" as AccountId, device: "" as DeviceId },
      handlers,
      ended: false,
    };
    queueMicrotask(() => {
      if (open.ended) return;
      if (!who || !this.up) return this.#end(open, 1006);
      const before = this.#open.get(who.device);
      if (before) this.#end(before, 4003);
      this.#open.set(who.device, open);
      handlers.opened();
    });
    const socket: Socket = {
      send: (frame) => {
        const items = decodeClientFrame(frame);
        queueMicrotask(() => {
          if (!open.ended) items.forEach((item) => this.#take(open, item));
        });
      },
      close: () => this.#end(open, 1000),
    };
    return socket;
  };

  queue(device: DeviceId): Queue {
    const kept = this.queues.get(device) ??
      { waiting: [], top: 0, gaps: 0, incarnation: null };
    this.queues.set(device, kept);
    return kept;
  }

  isConnected(device: DeviceId): boolean {
    return this.#open.has(device);
  }

  /** Ends a device's connection, as a lost network does. */
  cut(device: DeviceId): void {
    const open = this.#open.get(device);
    if (open) this.#end(open, 1006);
  }

  listChanged(account: AccountId, version: number): void {
    for (const open of this.#open.values()) {
      this.#send(open, [{ type: "notice", news: { kind: "list-changed", account, version } }]);
    }
  }

  /** Anything at all, straight into a device's socket. */
  inject(device: DeviceId, items: readonly ServerItem[]): void {
    const open = this.#open.get(device);
    if (open) this.#send(open, items);
  }

  /** An envelope the server made up, queued like any other. */
  forge(to: DeviceId, item: Omit<Deliver, "type" | "position" | "minute">): void {
    this.#place(to, item.account, item.device, item.envelope);
  }

  #take(open: Open, item: ClientItem): void {
    switch (item.type) {
      case "hello":
        return this.#hello(open, item);
      case "submit":
        return this.#submit(open, item);
      case "ack": {
        const queue = this.queue(open.device);
        queue.waiting = queue.waiting.filter(({ position }) => position > item.position);
        return;
      }
      case "ping":
        return this.#send(open, [{ type: "pong" }]);
    }
  }

  #hello(open: Open, { previous, next }: Hello): void {
    const queue = this.queue(open.device);
    const known = queue.incarnation;
    const fits = known === null || equalBytes(known, previous) || equalBytes(known, next);
    const { waiting, gaps } = queue;
    const welcome = { type: "welcome", restored: !fits, queued: waiting.length, gaps } as const;
    this.#send(open, [welcome]);
    if (!fits) return this.#end(open, 4002);
    queue.incarnation = next;
    for (const item of [...waiting]) this.#offer(open, item);
  }

  #submit(open: Open, item: Submit): void {
    this.submitted.push({ from: open.device, submit: item });
    const { ref } = item;
    const name = `${open.device} ${item.submit}`;
    if (!this.submits.has(name)) {
      const refusal = this.refuse(item, open.device) ?? this.#judge(open, item);
      if (refusal) return this.#send(open, [{ type: "refused", ref, refusal }]);
      this.submits.add(name);
      for (const { envelopes } of item.destinations) {
        for (const { device, envelope } of envelopes) {
          if (envelope.length === 0) continue;
          this.wire.push({ from: open.device, to: device, envelope: new Uint8Array(envelope) });
          this.#place(device, open.account, open.device, envelope);
        }
      }
    }
    if (!this.swallowAnswers) this.#send(open, [{ type: "accepted", ref }]);
  }

  #judge(open: Open, item: Submit): Refusal | null {
    const stale = [];
    for (const { account, listVersion, envelopes } of item.destinations) {
      const known = this.#server.accounts.get(account);
      if (!known) return { code: "unknown-recipient", account };
      const wanted = known.list.devices.map(({ device }) => device)
        .filter((device) => device !== open.device).sort().join();
      const given = envelopes.map(({ device }) => device).sort().join();
      if (listVersion === known.list.version && wanted === given) continue;
      const entries = known.entries.filter(({ body }) => {
        return decode(listEntrySchema, body).version > listVersion;
      }).map((entry) => decode(signedSchema, encode(signedSchema, entry)));
      stale.push({ account, version: known.list.version, entries });
    }
    return stale.length > 0 ? { code: "stale", lists: stale } : null;
  }

  #place(to: DeviceId, account: AccountId, device: DeviceId, envelope: Uint8Array): void {
    const queue = this.queue(to);
    const item: Deliver = {
      type: "deliver",
      position: ++queue.top,
      account,
      device,
      minute: Math.floor(this.now() / 60_000),
      envelope: new Uint8Array(envelope),
    };
    queue.waiting.push(item);
    const open = this.#open.get(to);
    if (open) this.#offer(open, item);
  }

  #offer(open: Open, item: Deliver): void {
    const items = this.deliver(item, open.device);
    if (items.length > 0) this.#send(open, items);
  }

  #send(open: Open, items: readonly ServerItem[]): void {
    for (const frame of encodeServerFrames(items)) {
      queueMicrotask(() => {
        if (!open.ended) open.handlers.received(frame);
      });
    }
  }

  #end(open: Open, code: number): void {
    if (open.ended) return;
    open.ended = true;
    if (this.#open.get(open.device) === open) this.#open.delete(open.device);
    queueMicrotask(() => open.handlers.closed(code));
  }
}

/** Bytes that look like nothing. */
export const GARBAGE = utf8("this is not an envelope");
