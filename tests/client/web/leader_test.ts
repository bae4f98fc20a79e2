import assert from "node:assert/strict";
import {
  type Channel,
  joinTabs,
  type Note,
  STALLED_AFTER,
  type Tab,
} from "../../../client/web/leader.ts";
import { type EngineEvent, NoDevice } from "../../../client/types.ts";
import { type AccountId, randomId } from "../../../protocol/ids.ts";
import { FakeEngine } from "../../helpers/fake_engine.ts";
import { fakeId } from "../../helpers/fake_scenario.ts";

const ben = fakeId<AccountId>("ben");

/** A browser with tabs: one lock, one channel, one device's storage, and timers that a test runs. */
class FakeBrowser {
  readonly engines: FakeEngine[] = [];
  readonly timers = new Set<() => void>();
  #waiting: (() => Promise<void>)[] = [];
  #held = false;
  #tabs = new Map<string, (note: Note) => void>();
  open = (): Promise<FakeEngine> => {
    const engine = new FakeEngine({ people: [{ username: "ben", name: "Ben" }] }, () => 0);
    this.engines.push(engine);
    return Promise.resolve(engine);
  };

  tab(name: string): Promise<Tab> {
    return joinTabs({
      name,
      channel: this.#channel(name),
      lock: (work) => this.#lock(work),
      open: () => this.open(),
      after: (ms, run) => {
        assert.equal(ms, STALLED_AFTER);
        this.timers.add(run);
        return () => void this.timers.delete(run);
      },
    });
  }

  /** The tab's process is gone: it hears nothing and says nothing more; the lock is free. */
  kill(name: string): void {
    this.#tabs.delete(name);
    this.#held = false;
    this.#next();
  }

  /** Something from nowhere on the channel. */
  say(note: Note): void {
    for (const take of this.#tabs.values()) take(note);
  }

  /** Everything that is on its way has arrived. */
  async quiet(): Promise<void> {
    for (let i = 0; i < 50; i++) await Promise.resolve();
  }

  #channel(name: string): Channel {
    return {
      listen: (take) => void this.#tabs.set(name, take),
      post: (note) => {
        if (!this.#tabs.has(name)) return;
        const copy = structuredClone(note);
        queueMicrotask(() => {
          for (const [other, take] of this.#tabs) if (other !== name) take(copy);
        });
      },
    };
  }

  #lock(work: () => Promise<void>): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#waiting.push(() =>
      work().then(resolve, reject).finally(() => {
        this.#held = false;
        this.#next();
      })
    );
    this.#next();
    return promise;
  }

  #next(): void {
    if (this.#held) return;
    const turn = this.#waiting.shift();
    if (turn === undefined) return;
    this.#held = true;
    void turn();
  }
}

async function twoTabs() {
  const browser = new FakeBrowser();
  const leader = await browser.tab("first");
  const follower = await browser.tab("second");
  return { browser, leader, follower };
}

Deno.test("only one tab opens the engine, and both ask it", async () => {
  const { browser, leader, follower } = await twoTabs();
  assert.equal(browser.engines.length, 1);
  assert.deepEqual(follower.me, leader.me);
  assert.deepEqual(await follower.conversations(), await leader.conversations());
});

Deno.test("what one tab sends, both tabs hear once", async () => {
  const { browser, leader, follower } = await twoTabs();
  const heard: string[] = [];
  const note = (tab: string) => (event: EngineEvent) => {
    if (event.kind === "message") heard.push(`${tab} ${event.message.text}`);
  };
  leader.on(note("leader"));
  follower.on(note("follower"));
  const outcome = await follower.send(ben, "hello", randomId<"message">());
  await browser.quiet();
  assert.ok(outcome.ok);
  assert.deepEqual(heard.sort(), ["follower hello", "leader hello"]);
});

Deno.test("a follower knows the connection's state", async () => {
  const { browser, follower } = await twoTabs();
  browser.engines[0]!.tell({ kind: "connection", state: "offline" });
  await browser.quiet();
  assert.equal(follower.connection, "offline");
});

Deno.test("when the leader dies, the next tab takes over and the unanswered message is sent once, under its id", async () => {
  const { browser, follower } = await twoTabs();
  let resets = 0;
  follower.onReset(() => resets++);
  const id = randomId<"message">();
  // The leader never gets to answer: it is gone in the same moment.
  const sending = follower.send(ben, "in between", id);
  browser.kill("first");
  const outcome = await sending;
  assert.equal(browser.engines.length, 2);
  assert.ok(outcome.ok && outcome.value.id === id);
  assert.equal(resets, 1);
  assert.deepEqual(browser.engines[1]!.calls, ["send in between"]);
});

Deno.test("a third tab asks its unanswered commands again when the second takes over", async () => {
  const { browser } = await twoTabs();
  const third = await browser.tab("third");
  let resets = 0;
  third.onReset(() => resets++);
  const id = randomId<"message">();
  const sending = third.send(ben, "from the third", id);
  browser.kill("first");
  const outcome = await sending;
  assert.ok(outcome.ok && outcome.value.id === id);
  assert.equal(resets, 1);
  assert.equal(browser.engines.length, 2);
});

Deno.test("a tab that leaves closes its engine before the next one opens it", async () => {
  const { browser, leader, follower } = await twoTabs();
  let closedFirst = false;
  const open = browser.open;
  browser.open = () => {
    closedFirst = browser.engines[0]!.closed;
    return open();
  };
  leader.leave();
  await browser.quiet();
  assert.ok(closedFirst);
  assert.equal((await follower.conversations()).length, 1);
});

Deno.test("without a device every tab hears that, and the lock is free again", async () => {
  const browser = new FakeBrowser();
  browser.open = () => Promise.reject(new NoDevice());
  await assert.rejects(browser.tab("first"), NoDevice);
  await assert.rejects(browser.tab("second"), NoDevice);
});

Deno.test("a failure of the engine comes back as a rejection in the tab that asked", async () => {
  const { browser, follower } = await twoTabs();
  browser.engines[0]!.conversations = () => Promise.reject(new Error("disk"));
  await assert.rejects(follower.conversations(), /disk/);
});

Deno.test("a leader that does not answer for long is told of, until it answers", async () => {
  const { browser, follower } = await twoTabs();
  const said: boolean[] = [];
  follower.onStalled((stalled) => said.push(stalled));
  const answer = Promise.withResolvers<never[]>();
  browser.engines[0]!.conversations = () => answer.promise;
  const asked = follower.conversations();
  assert.equal(browser.timers.size, 1);
  for (const run of browser.timers) run();
  answer.resolve([]);
  await asked;
  assert.deepEqual(said, [true, false]);
  assert.equal(browser.timers.size, 0);
});

Deno.test("attack: a method outside the list is not called from another tab", async () => {
  const { browser } = await twoTabs();
  const call = { kind: "call", leader: "first", tab: "x", call: 1, method: "close", args: [] };
  browser.say(call as unknown as Note);
  await browser.quiet();
  assert.equal(browser.engines[0]!.closed, false);
});

Deno.test("rooms are asked of the leader like everything else", async () => {
  const { browser, leader, follower } = await twoTabs();
  const made = await follower.rooms.createRoom("Kitchen");
  assert.ok(made.ok);
  const seen = await leader.rooms.room(made.value.id);
  assert.deepEqual(seen, made);
  await browser.quiet();
  assert.deepEqual(browser.engines[0]!.calls, ["createRoom Kitchen", "room"]);
});

Deno.test("what must not be done twice is not asked of a second leader; what may be is", async () => {
  const { browser, follower } = await twoTabs();
  const making = follower.rooms.createRoom("Kitchen");
  const looking = follower.rooms.previewRoom("K7QF-9XWD-2MVP-8TNC");
  browser.kill("first");
  const outcome = await making;
  assert.ok(!outcome.ok);
  assert.match(outcome.words, /Look whether it happened/);
  assert.ok(!(await looking).ok);
  assert.deepEqual(browser.engines[1]!.calls, ["previewRoom K7QF-9XWD-2MVP-8TNC"]);
});

Deno.test("attack: a note on the channel cannot call what is no command", async () => {
  const { browser, leader } = await twoTabs();
  for (const method of ["close", "constructor", "rooms.constructor", "rooms.put", "tell"]) {
    const call = { kind: "call", leader: "first", tab: "x", call: 1, method, args: [] };
    browser.say(call as unknown as Note);
  }
  await browser.quiet();
  assert.equal(browser.engines[0]!.closed, false);
  assert.deepEqual((await leader.rooms.rooms()).length, 0);
});
