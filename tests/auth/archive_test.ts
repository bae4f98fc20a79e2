import assert from "node:assert/strict";
import { archiveApi } from "../../client/archive_api.ts";
import {
  archiveKeyId,
  importArchiveKey,
  makeArchiveKey,
  sealSegment,
  segmentTag,
} from "../../crypto/archive.ts";
import { sealDeposit } from "../../crypto/archive_deposit.ts";
import type { DeviceKeys } from "../../crypto/account.ts";
import type { Bytes } from "../../protocol/encoding.ts";
import { utf8 } from "../../protocol/encoding.ts";
import { type AccountId, randomId } from "../../protocol/ids.ts";
import { readSegment, type Segment, segmentHash } from "../../protocol/segment.ts";
import { codeOf, makeWorld, value } from "../helpers/account_world.ts";
import { type Member, signInAgain, signUp } from "../helpers/members.ts";

/** Makes the segments of a device, one after the other. */
class Chain {
  #seq = 0;
  #previous: Bytes | null = null;
  readonly #secret = makeArchiveKey();

  constructor(readonly own: DeviceKeys) {}

  async next(to: AccountId, minute: number, text = "hello"): Promise<Segment> {
    const secret = await importArchiveKey(this.#secret, "portable");
    const segment = await sealSegment(this.own, secret, {
      ...{ key: await archiveKeyId(secret), tag: await segmentTag(secret, to) },
      ...{ seq: ++this.#seq, previous: this.#previous, minute, content: utf8(text) },
    });
    this.#previous = await segmentHash(segment.head);
    return segment;
  }
}

function apiOf(member: Member) {
  return archiveApi({ ask: (...call) => member.visitor.api.ask(...call) });
}

async function scene(limits: Parameters<typeof makeWorld>[0] = {}) {
  const world = await makeWorld(limits);
  const ana = await signUp(world, "ana");
  return { world, ana, api: apiOf(ana), chain: new Chain(ana.keys.device) };
}

const BEN = randomId<"account">();
const CLEO = randomId<"account">();

Deno.test("segments come back newest first, conversation by conversation, page by page", async () => {
  const { world, api, chain } = await scene();
  const segments: Segment[] = [];
  for (let i = 0; i < 10; i++) segments.push(await chain.next(i % 2 ? BEN : CLEO, 100 + i));
  assert.equal(value(await api.append({ segments })).seq, 10);
  const recent = value(await api.recent({ bytes: 0, before: null }));
  assert.deepEqual(recent.segments.map(({ at }) => at.minute), [109, 108], "the newest of each");
  const [{ segment }] = [recent.segments[0]!];
  assert.deepEqual(segment, segments[9]);
  const { tag } = readSegment(segment.head);
  const all = value(await api.read({ tag, before: null }));
  assert.deepEqual(all.segments.map(({ at }) => at.minute), [109, 107, 105, 103, 101]);
  const older = value(await api.read({ tag, before: all.segments[2]!.at }));
  assert.deepEqual(older.segments.map(({ at }) => at.minute), [103, 101]);
  assert.equal(value(await api.read({ tag, before: older.next })).next, null);
  world.close();
});

Deno.test("the same upload twice is there once; a chain goes on where it stopped", async () => {
  const { world, api, chain, ana } = await scene();
  const segments = [await chain.next(BEN, 1), await chain.next(BEN, 2)];
  value(await api.append({ segments }));
  value(await api.append({ segments }));
  const third = await chain.next(BEN, 3);
  assert.equal(value(await api.append({ segments: [segments[1]!, third] })).seq, 3);
  const state = value(await api.state());
  assert.deepEqual(state.chains, [{ device: ana.keys.device.device, seq: 3 }]);
  const { device } = ana.keys.device;
  assert.equal(value(await api.chain({ device, after: 0 })).heads.length, 3);
  const size = (one: Segment) => one.head.body.length + 64 + one.sealed.length;
  assert.equal(state.bytes, [...segments, third].reduce((sum, one) => sum + size(one), 0));
  world.close();
});

Deno.test("attack: segments of another device, out of order or with changed bytes are refused", async () => {
  const { world, api, chain, ana } = await scene();
  const other = new Chain((await signInAgain(ana)).keys);
  const [one, two, three] = [
    ...[await chain.next(BEN, 1), await chain.next(BEN, 2), await chain.next(BEN, 3)],
  ] as const;
  const sealed = one!.sealed.slice();
  sealed[40]! ^= 1;
  const bad = [
    [await other.next(BEN, 1)],
    [{ ...one!, sealed }],
    [one!, three!],
    [two!, one!],
    [{ ...two!, head: { ...two!.head, signature: one!.head.signature } }],
  ];
  for (const segments of bad) {
    assert.equal(codeOf(await api.append({ segments })), "bad-segment");
  }
  assert.equal(value(await api.state()).bytes, 0);
  world.close();
});

Deno.test("attack: nobody reads or erases another's archive", async () => {
  const { world, api, chain } = await scene();
  value(await api.append({ segments: [await chain.next(BEN, 1)] }));
  const ben = apiOf(await signUp(world, "ben"));
  assert.deepEqual(value(await ben.recent({ bytes: 9_999, before: null })).segments, []);
  const { device } = chain.own;
  assert.deepEqual(value(await ben.chain({ device, after: 0 })).heads, []);
  value(await ben.set({ on: true, erase: true }));
  assert.equal(value(await api.recent({ bytes: 0, before: null })).segments.length, 1);
  world.close();
});

Deno.test("attack: reading the archive over and over is limited; writing to it goes on", async () => {
  const { world, api, chain } = await scene({ limits: { archiveReadsPerHour: 3 } });
  const segment = await chain.next(BEN, 1);
  value(await api.append({ segments: [segment] }));
  const { tag } = readSegment(segment.head);
  const reads = [
    () => api.recent({ bytes: 0, before: null }),
    () => api.read({ tag, before: null }),
    () => api.chain({ device: chain.own.device, after: 0 }),
  ];
  for (const read of reads) assert.ok((await read()).ok);
  for (const read of reads) assert.equal(codeOf(await read()), "rate-limited");
  value(await api.append({ segments: [await chain.next(BEN, 2)] }));
  const ben = apiOf(await signUp(world, "ben"));
  assert.ok((await ben.recent({ bytes: 0, before: null })).ok, "others are not held up");
  world.close();
});

Deno.test("a full archive takes no more, and says so", async () => {
  const { world, api, chain } = await scene({ limits: { archiveBytes: 1_000 } });
  value(await api.append({ segments: [await chain.next(BEN, 1)] }));
  const more = { segments: [await chain.next(BEN, 2)] };
  assert.equal(codeOf(await api.append(more)), "archive-full");
  assert.equal(value(await api.state()).chains[0]!.seq, 1);
  value(await api.set({ on: true, erase: true }));
  assert.equal(value(await api.state()).bytes, 0);
  value(await api.append(more));
  world.close();
});

Deno.test("switched off, nothing more is taken from any device; what is there stays until erased", async () => {
  const { world, api, chain } = await scene();
  value(await api.append({ segments: [await chain.next(BEN, 1)] }));
  value(await api.set({ on: false, erase: false }));
  const more = { segments: [await chain.next(BEN, 2)] };
  assert.equal(codeOf(await api.append(more)), "archive-off");
  assert.equal(value(await api.state()).on, false);
  assert.equal(value(await api.recent({ bytes: 0, before: null })).segments.length, 1);
  value(await api.set({ on: true, erase: false }));
  value(await api.append(more));
  world.close();
});

Deno.test("a deposit waits for the vault and is given out at sign-in only", async () => {
  const { world, api, ana } = await scene();
  const epoch = { epoch: 1, list: ana.keys.list.hash, key: makeArchiveKey() };
  const entry = await sealDeposit(ana.keys.device, ana.keys.deposit, epoch);
  value(await api.deposit(entry));
  value(await api.deposit(entry));
  assert.deepEqual(await world.deps.store.archive.deposits(ana.account), [entry]);
  const forged = { ...entry, signature: entry.signature.toReversed() };
  assert.equal(codeOf(await api.deposit(forged)), "bad-segment");
  world.close();
});
