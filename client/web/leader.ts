/**
 * Several tabs, one writer. The tab that holds the lock "snug-writer" runs the engine; the others
 * send it commands over a BroadcastChannel and hear its events. When the leader goes, the next tab
 * in line opens the engine, and commands without an answer are asked again. Commands are repeatable:
 * a message has its id from the tab that wrote it, and the engine sends one id once.
 */
import {
  type ConnectionState,
  type Engine,
  type EngineEvent,
  type Me,
  type PeopleEngine,
  refused,
  type RoomsEngine,
} from "../types.ts";
import {
  ASKED,
  type EngineMethod,
  HISTORY_METHODS,
  type Method,
  ONCE,
  type PageEngine,
  type Part,
  PEOPLE_METHODS,
  ROOM_METHODS,
} from "./tab_methods.ts";

export type { PageEngine };

/** An engine that may run in another tab. */
export interface Tab extends
  Pick<
    PageEngine,
    EngineMethod | "me" | "connection" | "on" | "rooms" | "people" | "history"
  > {
  /** The leader changed: events may have been missed, so everything shown is to be read again. */
  onReset(listener: () => void): void;
  /** The engine could not be opened when this tab's turn came; the tab is of no use any more. */
  onFailure(listener: (cause: unknown) => void): void;
  /** True while the leader leaves a command unanswered for long, false when it answers again. */
  onStalled(listener: (stalled: boolean) => void): void;
  /** Closes the engine, if it runs here, and lets the next tab have its turn. */
  leave(): void;
}

/** The part of a BroadcastChannel that is used: what is posted reaches all tabs but this one. */
export interface Channel {
  post(note: Note): void;
  listen(take: (note: Note) => void): void;
}

export interface TabParts {
  readonly channel: Channel;
  /** Runs `work` while this tab alone holds the lock; waits in line for it. */
  readonly lock: (work: () => Promise<void>) => Promise<void>;
  /** Opens this device's engine, not yet connected. Called while holding the lock. */
  readonly open: () => Promise<PageEngine>;
  /** A random name for this tab. */
  readonly name: string;
  /** Runs something later; returns the way to call it off. */
  readonly after: (ms: number, run: () => void) => () => void;
}

/** What crosses the channel: structured-cloneable values of our own origin. */
export type Note =
  | { readonly kind: "who" }
  | {
    readonly kind: "here";
    readonly leader: string;
    readonly me: Me;
    readonly connection: ConnectionState;
  }
  | {
    readonly kind: "call";
    readonly leader: string;
    readonly tab: string;
    readonly call: number;
    readonly method: Method;
    readonly args: readonly unknown[];
  }
  | {
    readonly kind: "answer";
    readonly tab: string;
    readonly call: number;
    readonly result: { readonly value: unknown } | { readonly failure: string };
  }
  | { readonly kind: "event"; readonly leader: string; readonly event: EngineEvent };

interface Pending {
  readonly method: Method;
  readonly args: readonly unknown[];
  readonly resolve: (value: unknown) => void;
  readonly reject: (cause: unknown) => void;
  readonly callOff: () => void;
  /** Some leader has heard it. */
  isAsked: boolean;
}

/** Silence of the leader after which the person is told. Milliseconds. */
export const STALLED_AFTER = 10_000;

/**
 * Joins the tabs of this browser. Resolves once some tab's engine is open.
 * @throws what `open` threw, when it was this tab's turn to open the engine
 */
export async function joinTabs(parts: TabParts): Promise<Tab> {
  const tab = new SharedTab(parts);
  await tab.ready;
  return tab;
}

class SharedTab implements Tab {
  readonly ready: Promise<void>;
  readonly #parts: TabParts;
  readonly #pending = new Map<number, Pending>();
  readonly #listeners = new Set<(event: EngineEvent) => void>();
  #reset: () => void = () => {};
  #failure: (cause: unknown) => void = () => {};
  #stalled: (stalled: boolean) => void = () => {};
  #isStalled = false;
  #engine: PageEngine | null = null;
  #leader: string | null = null;
  #me: Me | null = null;
  #connection: ConnectionState = "connecting";
  #calls = 0;
  #release: () => void = () => {};

  constructor(parts: TabParts) {
    this.#parts = parts;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.ready = promise;
    parts.channel.listen((note) => this.#take(note, resolve));
    parts.channel.post({ kind: "who" });
    this.#waitForTurn(resolve, (cause) => {
      reject(cause);
      this.#failure(cause);
    });
  }

  get me(): Me {
    if (this.#me === null) throw new Error("no tab has opened the engine yet");
    return this.#me;
  }

  get connection(): ConnectionState {
    return this.#engine?.connection ?? this.#connection;
  }

  on(listener: (event: EngineEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  onReset(listener: () => void): void {
    this.#reset = listener;
  }

  onFailure(listener: (cause: unknown) => void): void {
    this.#failure = listener;
  }

  onStalled(listener: (stalled: boolean) => void): void {
    this.#stalled = listener;
  }

  leave(): void {
    this.#release();
  }

  readonly startConversation = this.#remote("startConversation");
  readonly conversations = this.#remote("conversations");
  readonly messages = this.#remote("messages");
  readonly send = this.#remote("send");
  readonly retry = this.#remote("retry");
  readonly markRead = this.#remote("markRead");
  readonly mute = this.#remote("mute");
  readonly safetyNumber = this.#remote("safetyNumber");
  readonly setVerified = this.#remote("setVerified");
  readonly acceptChange = this.#remote("acceptChange");
  readonly devices = this.#remote("devices");
  readonly alarms = this.#remote("alarms");
  readonly acceptDevice = this.#remote("acceptDevice");
  readonly revokeDevice = this.#remote("revokeDevice");
  readonly rooms = this.#remoteAll("rooms", ROOM_METHODS) as unknown as RoomsEngine;
  readonly people = this.#remoteAll("people", PEOPLE_METHODS) as unknown as PeopleEngine;
  readonly history = this.#remoteAll("history", HISTORY_METHODS) as unknown as Tab["history"];

  /** A method that runs here or in the leader's tab, whichever it is when its turn comes. */
  #remote<M extends EngineMethod>(method: M): Engine[M] {
    const call = (...args: unknown[]) => this.#call(method, args);
    return call as unknown as Engine[M];
  }

  #remoteAll<M extends string>(owner: Part, methods: readonly M[]) {
    return Object.fromEntries(methods.map((method) => {
      return [method, (...args: unknown[]) => this.#call(`${owner}.${method}` as Method, args)];
    }));
  }

  #call(method: Method, args: readonly unknown[]): Promise<unknown> {
    if (this.#engine) return run(this.#engine, method, args);
    const call = this.#calls++;
    return new Promise((resolve, reject) => {
      const callOff = this.#parts.after(STALLED_AFTER, () => this.#setStalled(true));
      this.#pending.set(call, { method, args, resolve, reject, callOff, isAsked: false });
      if (this.#leader !== null) this.#post(call, this.#leader);
    });
  }

  #post(call: number, leader: string): void {
    const pending = this.#pending.get(call)!;
    const { method, args } = pending;
    const tab = this.#parts.name;
    pending.isAsked = true;
    this.#parts.channel.post({ kind: "call", leader, tab, call, method, args });
  }

  /** Holds the lock, and with it the engine, until this tab leaves or is closed. */
  #waitForTurn(ready: () => void, failed: (cause: unknown) => void): void {
    const left = new Promise<void>((resolve) => this.#release = resolve);
    const turn = this.#parts.lock(async () => {
      const engine = await this.#parts.open();
      this.#lead(engine, ready);
      await left;
      this.#engine = null;
      await engine.close();
    });
    turn.catch(failed);
  }

  #lead(engine: PageEngine, ready: () => void): void {
    const takesOver = this.#leader !== null;
    const { channel, name } = this.#parts;
    this.#engine = engine;
    this.#leader = name;
    this.#me = engine.me;
    engine.on((event) => {
      channel.post({ kind: "event", leader: name, event });
      this.#tell(event);
    });
    this.#sayHere();
    engine.connect();
    this.#giveUpOnce();
    for (const [call, { method, args, resolve, reject }] of [...this.#pending]) {
      this.#settle(call);
      run(engine, method, args).then(resolve, reject);
    }
    ready();
    if (takesOver) this.#reset();
  }

  /** The leader went with the answer to what must not be asked twice. */
  #giveUpOnce(): void {
    for (const [call, { method, isAsked, resolve }] of [...this.#pending]) {
      if (!isAsked || !ONCE.has(method)) continue;
      this.#settle(call);
      resolve(refused("internal", NOBODY_KNOWS));
    }
  }

  #sayHere(): void {
    const engine = this.#engine;
    if (engine === null) return;
    const { me, connection } = engine;
    this.#parts.channel.post({ kind: "here", leader: this.#parts.name, me, connection });
  }

  #take(note: Note, ready: () => void): void {
    if (note.kind === "who") this.#sayHere();
    else if (note.kind === "here") this.#follow(note, ready);
    else if (note.kind === "call" && note.leader === this.#parts.name) this.#answer(note);
    else if (note.kind === "answer" && note.tab === this.#parts.name) this.#answered(note);
    else if (note.kind === "event" && note.leader === this.#leader) this.#tell(note.event);
  }

  #follow(note: Note & { kind: "here" }, ready: () => void): void {
    if (this.#engine !== null) return;
    const before = this.#leader;
    this.#leader = note.leader;
    this.#me = note.me;
    this.#connection = note.connection;
    ready();
    if (before === note.leader) return;
    this.#giveUpOnce();
    for (const call of this.#pending.keys()) this.#post(call, note.leader);
    if (before !== null) this.#reset();
  }

  #answer({ tab, call, method, args }: Note & { kind: "call" }): void {
    const { channel } = this.#parts;
    const engine = this.#engine;
    if (engine === null || !ASKED.has(method)) return;
    run(engine, method, args).then(
      (value) => channel.post({ kind: "answer", tab, call, result: { value } }),
      (cause) => channel.post({ kind: "answer", tab, call, result: { failure: String(cause) } }),
    );
  }

  #answered({ call, result }: Note & { kind: "answer" }): void {
    const pending = this.#pending.get(call);
    if (pending === undefined) return;
    this.#settle(call);
    if ("value" in result) pending.resolve(result.value);
    else pending.reject(new Error(result.failure));
  }

  #settle(call: number): void {
    this.#pending.get(call)?.callOff();
    this.#pending.delete(call);
    this.#setStalled(false);
  }

  #setStalled(stalled: boolean): void {
    if (stalled === this.#isStalled) return;
    this.#isStalled = stalled;
    this.#stalled(stalled);
  }

  #tell(event: EngineEvent): void {
    if (event.kind === "connection") this.#connection = event.state;
    for (const listener of this.#listeners) listener(event);
  }
}

const NOBODY_KNOWS =
  "The tab that was doing this was closed. Look whether it happened before you try again.";

async function run(engine: PageEngine, method: Method, args: readonly unknown[]): Promise<unknown> {
  const [, part, inside] = /^(rooms|people|history)\.(.*)$/.exec(method) ?? [];
  const owner = part === undefined ? engine : engine[part as Part];
  const name = inside ?? method;
  const call = Reflect.get(owner, name) as (...args: unknown[]) => Promise<unknown>;
  return await call.apply(owner, [...args]);
}
