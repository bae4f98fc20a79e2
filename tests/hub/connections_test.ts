/** Which sockets are asked for a sign of life, and when. */
import assert from "node:assert/strict";
import type { Connection } from "../../hub/connection.ts";
import { BEAT_TICKS, Connections } from "../../hub/connections.ts";

function crowd(count: number) {
  const later: (() => void)[] = [];
  const connections = new Connections((work) => later.push(work));
  const beats: number[] = Array(count).fill(0);
  const all = beats.map((_, n) => {
    const user = { loginId: `login ${n}`, account: `account ${n}`, device: `device ${n}` };
    const one = { user, tick: () => {}, beat: () => beats[n]!++ } as unknown as Connection;
    connections.add(one);
    return one;
  });
  const turn = () => later.splice(0).forEach((work) => work());
  return { connections, all, beats, turn, waiting: () => later.length };
}

const sum = (numbers: readonly number[]) => numbers.reduce((all, one) => all + one, 0);

Deno.test("every socket is asked for a sign of life once in fourteen seconds", () => {
  const { connections, beats, turn, waiting } = crowd(10_000);
  for (let tick = 0; tick < BEAT_TICKS; tick++) {
    connections.tick();
    while (waiting() > 0) turn();
  }
  assert.ok(beats.every((one) => one === 1));
});

Deno.test("no turn has more than fifty pings", () => {
  const { connections, beats, turn, waiting } = crowd(10_000);
  let before = 0;
  const atMostFifty = () => {
    const fresh = sum(beats) - before;
    assert.ok(fresh <= 50, `${fresh} in one turn`);
    before += fresh;
  };
  connections.tick();
  atMostFifty();
  while (waiting() > 0) {
    turn();
    atMostFifty();
  }
  assert.equal(before, Math.ceil(10_000 / BEAT_TICKS));
});

Deno.test("a socket that ends between two turns is not pinged any more", () => {
  const { connections, all, beats, turn, waiting } = crowd(2_000);
  connections.tick();
  const spared = all.filter((_, n) => beats[n] === 0);
  for (const one of spared) connections.remove(one);
  while (waiting() > 0) turn();
  assert.equal(sum(beats), 50);
});
