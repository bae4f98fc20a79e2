import assert from "node:assert/strict";
import { encodeServerFrames, type ServerItem } from "../../protocol/frame.ts";
import { type After, Link, type SocketHandlers } from "../../client/link.ts";

/** A link on a clock of its own, with sockets that do what the test says. */
function scene(random = () => 1, saysAtOnce = false) {
  const timers = new Set<{ at: number; run: () => void }>();
  const clock = { now: 0 };
  const after: After = (ms, run) => {
    const timer = { at: clock.now + ms, run };
    timers.add(timer);
    return () => timers.delete(timer);
  };
  const pass = (ms: number) => {
    const end = clock.now + ms;
    for (;;) {
      const due = [...timers].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (!due) break;
      timers.delete(due);
      clock.now = due.at;
      due.run();
    }
    clock.now = end;
  };
  const sockets: { handlers: SocketHandlers; sent: number; closed: boolean; at: number }[] = [];
  const seen: string[] = [];
  const link = new Link({
    open: (_login, handlers) => {
      const socket = { handlers, sent: 0, closed: false, at: clock.now };
      sockets.push(socket);
      const close = () => {
        const first = !socket.closed;
        socket.closed = true;
        if (first && saysAtOnce) handlers.closed(1000);
      };
      return { send: () => socket.sent++, close };
    },
    login: () => null,
    after,
    random,
    handlers: {
      opened: () => seen.push("opened"),
      items: (items) => seen.push(...items.map(({ type }) => type)),
      closed: (code, wasOpen) => seen.push(`closed ${code} ${wasOpen}`),
    },
  });
  const frame = (...items: ServerItem[]) => encodeServerFrames(items)[0]!;
  return { link, sockets, seen, pass, frame, timers };
}

Deno.test("waits between tries grow, are jittered, and end at half a minute", () => {
  const { link, sockets, pass } = scene();
  link.start();
  const waits = [500, 1_000, 2_000, 4_000, 8_000, 16_000, ...Array(4).fill(30_000)];
  for (const [tries, wait] of waits.entries()) {
    sockets.at(-1)!.handlers.closed(1006);
    pass(wait - 1);
    assert.equal(sockets.length, tries + 1);
    pass(1);
    assert.equal(sockets.length, tries + 2);
  }
  const lucky = scene(() => 0);
  lucky.link.start();
  lucky.sockets[0]!.handlers.closed(1006);
  lucky.pass(250);
  assert.equal(lucky.sockets.length, 2, "half the wait is random");
});

Deno.test("a server that says try again later is tried again, less and less often, until it is settled", () => {
  const { link, sockets, seen, pass } = scene();
  link.start();
  for (const wait of [500, 1_000, 2_000, 4_000]) {
    sockets.at(-1)!.handlers.opened();
    sockets.at(-1)!.handlers.closed(1013);
    const before = sockets.length;
    pass(wait - 1);
    assert.equal(sockets.length, before);
    pass(1);
    assert.equal(sockets.length, before + 1);
  }
  assert.equal(seen.filter((word) => word === "closed 1013 true").length, 4);
});

Deno.test("starting again while waiting connects at once; a settled link waits briefly again", () => {
  const { link, sockets, pass } = scene();
  link.start();
  for (let i = 0; i < 6; i++) {
    sockets.at(-1)!.handlers.closed(1006);
    link.start();
  }
  assert.equal(sockets.length, 7);
  sockets.at(-1)!.handlers.opened();
  link.settled();
  sockets.at(-1)!.handlers.closed(1001);
  pass(500);
  assert.equal(sockets.length, 8);
});

Deno.test("attack: a server that never answers a socket is given up, and tried again", () => {
  const { link, sockets, seen, pass } = scene();
  link.start();
  pass(14_999);
  assert.deepEqual(seen, []);
  pass(1);
  assert.equal(sockets[0]!.closed, true);
  assert.deepEqual(seen, ["closed 1006 false"]);
  pass(500);
  assert.equal(sockets.length, 2);
  sockets[1]!.handlers.opened();
  pass(20_000);
  assert.equal(sockets[1]!.closed, false, "one that opened has the time of any other");
});

Deno.test("attack: a server that never answers is not counted twice where a socket says at once that it ends", () => {
  const { link, sockets, seen, pass } = scene(() => 1, true);
  link.start();
  for (const wait of [500, 1_000, 2_000, 4_000]) {
    const before = sockets.length;
    pass(15_000 + wait - 1);
    assert.equal(sockets.length, before);
    pass(1);
    assert.equal(sockets.length, before + 1);
  }
  assert.deepEqual(seen, Array(4).fill("closed 1006 false"));
});

Deno.test("a link that is stopped leaves no timer behind, whatever it was doing", () => {
  const doing: Readonly<Record<string, (one: ReturnType<typeof scene>) => void>> = {
    opening: () => {},
    open: ({ sockets }) => sockets[0]!.handlers.opened(),
    asking: ({ sockets, pass }) => {
      sockets[0]!.handlers.opened();
      pass(30_000);
    },
    waiting: ({ sockets }) => sockets[0]!.handlers.closed(1006),
    "given up": ({ pass }) => pass(15_000),
  };
  for (const [what, happens] of Object.entries(doing)) {
    for (const saysAtOnce of [false, true]) {
      const one = scene(() => 1, saysAtOnce);
      one.link.start();
      happens(one);
      one.link.stop();
      assert.equal(one.timers.size, 0, what);
      one.pass(600_000);
      assert.equal(one.sockets.length, 1, what);
    }
  }
});

Deno.test("a silent server is pinged, and given up when it stays silent", () => {
  const { link, sockets, seen, pass, frame } = scene();
  link.start();
  sockets[0]!.handlers.opened();
  pass(25_000);
  assert.equal(sockets[0]!.sent, 1);
  sockets[0]!.handlers.received(frame({ type: "pong" }));
  pass(24_000);
  assert.equal(sockets[0]!.closed, false);
  pass(22_000);
  assert.equal(sockets[0]!.closed, true);
  assert.deepEqual(seen, ["opened", "pong", "closed 1006 true"]);
});

Deno.test("garbage from the server ends the connection, not the program", () => {
  const { link, sockets, seen, pass } = scene();
  link.start();
  sockets[0]!.handlers.opened();
  sockets[0]!.handlers.received(new Uint8Array([1, 2, 3]));
  assert.deepEqual(seen, ["opened", "closed 1007 true"]);
  assert.equal(sockets[0]!.closed, true);
  pass(500);
  assert.equal(sockets.length, 2);
});

Deno.test("a socket that was given up is not listened to any more", () => {
  const { link, sockets, seen, frame } = scene();
  link.start();
  sockets[0]!.handlers.opened();
  link.restart();
  sockets[0]!.handlers.received(frame({ type: "pong" }));
  sockets[0]!.handlers.closed(1006);
  assert.deepEqual(seen, ["opened"]);
  link.stop();
});
