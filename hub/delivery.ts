/**
 * The one door into the queues. Everything that all sockets ask for in one turn of the event loop
 * goes into one transaction; answers and deliveries leave after its commit.
 *
 * Measured: one sync per turn beats fixed timers, because a turn that takes long (many messages, a
 * slow disk) gathers the next batch by itself.
 */
import type {
  AckWork,
  ConfirmWork,
  HelloWork,
  QueueResults,
  QueueStore,
  RoomSubmissionWork,
  SubmissionResult,
  SubmissionWork,
} from "../db/queue.ts";
import type { Log } from "../log.ts";
import type { DeviceId } from "../protocol/ids.ts";
import type { Bus } from "./bus.ts";
import type { Connection } from "./connection.ts";
import type { Meter } from "./meter.ts";

/** What delivery is built from. */
export interface DeliveryParts {
  readonly queue: Pick<QueueStore, "commit">;
  /** The connection of a device on this node. */
  readonly connectionOf: (device: DeviceId) => Connection | undefined;
  readonly bus: Bus;
  readonly now: () => number;
  /** Runs its argument when this turn of the event loop is over. */
  readonly afterTurn: (work: () => void) => void;
  /** Runs its argument some 20 ms later. */
  readonly soon: (work: () => void) => void;
  readonly meter: Meter;
  readonly log: Log;
}

interface Asked<W> {
  readonly connection: Connection;
  readonly work: W;
}

type Submission = Asked<SubmissionWork | RoomSubmissionWork> & { readonly ref: number };

/** What all sockets asked for in one turn. */
interface Turn {
  readonly hellos: readonly Asked<HelloWork>[];
  readonly confirms: readonly ConfirmWork[];
  readonly submissions: readonly Submission[];
  readonly acks: ReadonlyMap<DeviceId, number>;
}

/** Devices whose acks may wait for their time. */
const MANY_ACKS = 1_000;
const CLOSE_TRY_LATER = 1013;
/** Seconds after which a device may try again when the disk would not take it. */
const RETRY_SECONDS = 2;
const MINUTE_MS = 60_000;

const NO_ACKS: ReadonlyMap<DeviceId, number> = new Map();

/** See the head of this file. */
export class Delivery {
  readonly #parts: DeliveryParts;
  #hellos: Asked<HelloWork>[] = [];
  #confirms: ConfirmWork[] = [];
  #submissions: Submission[] = [];
  #acks = new Map<DeviceId, number>();
  /** Of the acks that wait: a time is set, they go with the next transaction, they go at once. */
  #acksTime: "none" | "set" | "ripe" | "come" = "none";
  #scheduled = false;
  #running: Promise<void> | null = null;

  constructor(parts: DeliveryParts) {
    this.#parts = parts;
  }

  hello(connection: Connection, work: HelloWork): void {
    this.#hellos.push({ connection, work });
    this.#schedule();
  }

  /** Rides with whatever the device does first; alone it starts nothing. */
  confirm(work: ConfirmWork): void {
    this.#confirms.push(work);
  }

  submit(
    connection: Connection,
    ref: number,
    work: SubmissionWork | RoomSubmissionWork,
  ): void {
    this.#submissions.push({ connection, ref, work });
    this.#schedule();
  }

  /**
   * Written a little later: an ack that a crash loses costs one delivery more, which the device knows
   * by its position. Rows that came together then go together, with something that is to be written
   * anyway, or a little later by themselves.
   */
  ack(device: DeviceId, position: number): void {
    this.#keepAck(device, position);
    if (this.#acksTime === "come" || this.#acks.size >= MANY_ACKS) return this.#acksCome();
    if (this.#acksTime !== "none") return;
    this.#acksTime = "set";
    this.#parts.soon(() => this.#acksRipen());
  }

  #acksRipen(): void {
    if (this.#acksTime !== "set") return;
    this.#acksTime = "ripe";
    this.#parts.soon(() => this.#acksTime === "ripe" && this.#acksCome());
  }

  #acksCome(): void {
    this.#acksTime = "come";
    this.#schedule();
  }

  /** Commits what is pending now, after what is being committed. */
  async flush(): Promise<void> {
    await this.#running;
    this.#acksTime = "come";
    if (this.#pending()) await this.#start();
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#parts.afterTurn(() => {
      this.#scheduled = false;
      if (this.#running === null && this.#pending()) this.#start();
    });
  }

  #pending(): boolean {
    const acks = this.#acksTime === "come" ? this.#acks.size : 0;
    return this.#hellos.length + this.#submissions.length + acks > 0;
  }

  #start(): Promise<void> {
    const running = this.#run().catch((error) => {
      this.#parts.log.error("delivery.failed", { error });
      return false;
    }).then((isWritten) => {
      this.#running = null;
      // What came in during the commit waits for the end of its own turn. Acks alone may wait longer:
      // after a failure they would go round and round.
      const others = this.#hellos.length + this.#submissions.length;
      if (others > 0 || isWritten && this.#pending()) this.#schedule();
    });
    this.#running = running;
    return running;
  }

  /** Whether it was written. */
  async #run(): Promise<boolean> {
    const asked = this.#take();
    const minute = Math.floor(this.#parts.now() / MINUTE_MS);
    const results = await this.#commit(asked, minute);
    if (results === null) this.#refuseAll(asked);
    else this.#settle(asked, results, minute);
    return results !== null;
  }

  /** Acks come along when it is their time, or when a device asks anew what waits for it. */
  #take(): Turn {
    const isTime = this.#acksTime === "ripe" || this.#acksTime === "come";
    const withAcks = isTime || this.#hellos.length > 0;
    const taken = {
      hellos: this.#hellos,
      confirms: this.#confirms,
      submissions: this.#submissions,
      acks: withAcks ? this.#acks : NO_ACKS,
    };
    [this.#hellos, this.#confirms, this.#submissions] = [[], [], []];
    if (withAcks) {
      this.#acks = new Map();
      this.#acksTime = "none";
    }
    return taken;
  }

  /** Null when nothing of it was written: a full disk, a lock held from outside. */
  async #commit(turn: Turn, minute: number): Promise<QueueResults | null> {
    const { hellos, confirms, submissions, acks } = turn;
    const start = performance.now();
    try {
      return await this.#parts.queue.commit({
        minute,
        hellos: hellos.map(({ work }) => work),
        confirms,
        submissions: submissions.map(({ work }) => work),
        acks: [...acks].map(([device, position]): AckWork => ({ device, position })),
      });
    } catch (error) {
      this.#parts.meter.failedCommits++;
      this.#parts.log.warn("queue.unavailable", { error, count: submissions.length });
      return null;
    } finally {
      this.#parts.meter.commitSeconds.observe((performance.now() - start) / 1_000);
      this.#parts.meter.batch.observe(submissions.length);
    }
  }

  #settle({ hellos, submissions }: Turn, results: QueueResults, minute: number): void {
    const { bus } = this.#parts;
    hellos.forEach(({ connection }, i) => connection.welcome(results.hellos[i]!));
    const elsewhere = new Set<DeviceId>();
    submissions.forEach((asked, i) => {
      this.#answer(asked, results.submissions[i]!, minute, elsewhere);
    });
    if (elsewhere.size > 0) bus.publish({ kind: "wake", devices: [...elsewhere] });
    for (const [device, gaps] of results.gaps) bus.publish({ kind: "gap", device, gaps });
  }

  #answer(
    { connection, ref, work }: Submission,
    result: SubmissionResult,
    minute: number,
    elsewhere: Set<DeviceId>,
  ): void {
    if (result.kind === "gone") return connection.signOut();
    if (result.kind === "refused") return connection.refused(ref, result.refusal);
    this.#parts.meter.accepted++;
    connection.accepted(ref);
    for (const { device, position, envelope } of result.placed) {
      const peer = this.#parts.connectionOf(device);
      if (peer === undefined) elsewhere.add(device);
      else peer.offer({ position, sender: work.sender, minute, envelope });
    }
  }

  #refuseAll({ hellos, confirms, submissions, acks }: Turn): void {
    for (const { connection } of hellos) connection.close(CLOSE_TRY_LATER, "try again later");
    // What came in meanwhile goes the same way: taken now, it would arrive before what was just refused.
    for (const { connection, ref } of [...submissions, ...this.#submissions.splice(0)]) {
      connection.refused(ref, { code: "unavailable", retryAfter: RETRY_SECONDS });
    }
    // These ride with the next batch: the devices will not say them again on this connection.
    this.#confirms.push(...confirms);
    for (const [device, position] of acks) this.#keepAck(device, position);
    if (acks.size > 0) this.#acksTime = "come";
  }

  #keepAck(device: DeviceId, position: number): void {
    this.#acks.set(device, Math.max(position, this.#acks.get(device) ?? 0));
  }
}
