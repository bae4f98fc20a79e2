import assert from "node:assert/strict";
import { DecryptError } from "../../crypto/errors.ts";
import { makeSenderKey } from "../../crypto/sender_key.ts";
import { encryptForRoom } from "../../crypto/room_cipher.ts";
import { randomBytes } from "../../crypto/random.ts";
import { type Bytes, toHex, utf8 } from "../../protocol/encoding.ts";
import { DAY_MS, MAX_SENDER_KEY_MESSAGES } from "../../protocol/limits.ts";
import { decodeRoomEnvelope, ROOM_HEADER_BYTES } from "../../protocol/room_envelope.ts";
import { bitFlips } from "../helpers/mutations.ts";
import { makeOwner } from "../helpers/owners.ts";
import { Speaker, tell } from "../helpers/room_talk.ts";
import { NOW, TestRoom } from "../helpers/room_world.ts";

const [ana, ben, cleo] = await Promise.all([makeOwner(), makeOwner(2), makeOwner()]);

async function three() {
  const room = await TestRoom.of(ana, ben, cleo);
  const [a, b, c] = [ana, ben, cleo].map((one) => new Speaker(one, room.state));
  return { room, a: a!, b: b!, c: c! };
}

async function refused(work: () => Promise<unknown>): Promise<void> {
  await assert.rejects(work, DecryptError);
}

Deno.test("one encryption is read by every device in the room, and everybody answers", async () => {
  const { room, a, b, c } = await three();
  const second = new Speaker(ben, room.state, 1);
  assert.deepEqual((await tell(a, "hello", [b, second, c])).heard, ["hello", "hello", "hello"]);
  assert.deepEqual((await tell(c, "hi", [a, b, second])).heard, ["hi", "hi", "hi"]);
  assert.deepEqual((await tell(a, "so", [b, second, c])).heard, ["so", "so", "so"]);
  assert.equal(a.renewed, null);
});

Deno.test("messages are read in any order, each once, and what is missing is counted", async () => {
  const { a, b } = await three();
  const first = await a.send("0");
  b.learn(a, first.given.message);
  const sent = [first.envelope];
  for (const text of ["1", "2", "3"]) sent.push((await a.send(text)).envelope);
  const [zero, one, two, three_] = sent as [Bytes, Bytes, Bytes, Bytes];
  const last = await b.open(three_);
  assert.ok(last.kind === "content" && last.gap === 3 && !last.late);
  const early = await b.open(one);
  assert.ok(early.kind === "content" && early.gap === 0 && early.late);
  assert.deepEqual([await b.hear(zero), await b.hear(two)], ["0", "2"]);
  for (const again of sent) await refused(() => b.hear(again));
});

Deno.test("a message that waited for its key is read when the key comes, on request, if it is not older", async () => {
  const { a, b, c } = await three();
  const { envelope, given } = await a.send("first");
  assert.equal(await b.hear(envelope), "(unknown-key)");
  assert.equal(b.learn(a, given.message), "accepted");
  assert.equal(await b.hear(envelope), "first");
  assert.equal(c.learn(a, a.give([]).message), "accepted");
  await refused(() => c.hear(envelope));
  assert.equal(await c.hear((await a.send("second")).envelope), "second");
});

Deno.test("a key that comes again changes nothing: what was read is not readable again", async () => {
  const { a, b } = await three();
  const { envelope, given } = await a.send("once");
  b.learn(a, given.message);
  assert.equal(await b.hear(envelope), "once");
  assert.equal(b.learn(a, given.message), "known");
  await refused(() => b.hear(envelope));
});

Deno.test("a newcomer decrypts nothing from before, on ciphertext as it went out", async () => {
  const { room, a, b } = await three();
  const early = (await tell(a, "before", [b])).envelope;
  const dan = await makeOwner();
  await room.join(dan);
  const d = new Speaker(dan, room.state);
  a.room = b.room = room.state;
  const { envelope, heard } = await tell(a, "after", [b, d]);
  assert.deepEqual(heard, ["after", "after"]);
  assert.equal(a.renewed, null);
  await refused(() => d.hear(early));
  await refused(() => d.hear(envelope));
});

Deno.test("a removed member's device decrypts nothing sent after, whatever it is shown", async () => {
  const { room, a, b, c } = await three();
  await tell(a, "with you", [b, c]);
  await tell(b, "all", [a, c]);
  await room.remove(ana, cleo);
  a.room = b.room = room.state;
  const [from, answer] = [await tell(a, "without", [b]), await tell(b, "yes", [a])];
  assert.deepEqual([a.renewed, b.renewed], ["left", "left"]);
  assert.deepEqual([from.heard, answer.heard], [["without"], ["yes"]]);
  assert.equal(await c.hear(from.envelope), "(newer)");
  c.room = room.state;
  for (const { envelope } of [from, answer]) assert.equal(await c.hear(envelope), "(unknown-key)");
  // With its whole store and even the new public names, the old chain opens nothing.
  const [old] = c.keys.get(a.name.device)!;
  const { id, sign } = a.own!;
  c.keys.set(a.name.device, [{ ...old!, id, verify: sign.public }]);
  await refused(() => c.hear(from.envelope));
});

Deno.test("whatever a removed member still sends is dropped, under the old head and the new", async () => {
  const { room, a, b, c } = await three();
  await tell(c, "hello", [a, b]);
  const late = (await c.send("still here")).envelope;
  await room.remove(ana, cleo);
  b.room = room.state;
  assert.equal(await b.hear(late), "(not-member)");
  c.room = room.state;
  const { envelope, given } = await c.send("and here");
  assert.equal(await b.hear(envelope), "(not-member)");
  assert.equal(b.learn(c, given.message), "not-member");
});

Deno.test("a message under a newer head is held, one under another log is a fork, if its sender signed it", async () => {
  const { room, a, b } = await three();
  await tell(a, "hello", [b]);
  const other = room.fork();
  await room.say(cleo, { kind: "leave" });
  await other.recode(ana);
  a.room = other.state;
  const { envelope } = await a.send("on the other side");
  assert.equal(await b.hear(envelope), "(newer)");
  b.room = room.state;
  assert.equal(await b.hear(envelope), "(fork)");
  b.keys.clear();
  assert.equal(await b.hear(envelope), "(unknown-key)");
  assert.equal(b.learn(a, a.give([]).message), "fork");
});

Deno.test("attack: the server writes another head into a message to raise a false alarm", async () => {
  const { a, b } = await three();
  await tell(a, "hello", [b]);
  const { envelope } = await a.send("honest");
  const bent = new Uint8Array(envelope);
  bent[22]! ^= 1;
  await refused(() => b.hear(bent));
  assert.equal(await b.hear(envelope), "honest");
});

Deno.test("every bit of an envelope is bound, and a refused one leaves the keys as they were", async () => {
  const { a, b } = await three();
  const { envelope, given } = await a.send("x");
  b.learn(a, given.message);
  const before = JSON.stringify([...b.keys.values()]);
  for (const bent of bitFlips(envelope, 11)) {
    const outcome = await b.hear(bent).catch((error) => error.name);
    assert.ok(
      ["DecryptError", "FormatError", "(unknown-key)", "(not-member)", "(newer)"].includes(outcome),
    );
  }
  assert.equal(JSON.stringify([...b.keys.values()]), before);
  assert.equal(await b.hear(envelope), "x");
});

Deno.test("attack: a message is replayed in another room of the same people", async () => {
  const { a, b } = await three();
  const other = await three();
  const { envelope } = await tell(a, "for this room", [b]);
  await tell(other.a, "hello", [other.b]);
  await refused(() => other.b.hear(envelope));
  const known = b.keys.get(a.name.device)!;
  other.b.keys.set(a.name.device, known);
  const moved = new Uint8Array(envelope);
  moved.set((await other.a.send("")).envelope.subarray(0, 54));
  assert.equal(await other.b.hear(moved), "(unknown-key)");
});

Deno.test("attack: a member forges as another, with every key it was given", async () => {
  const { room, a, b, c } = await three();
  await tell(a, "hello", [b, c]);
  const [known] = c.keys.get(a.name.device)!;
  const mallory = await makeSenderKey(room.state.id, "portable", NOW);
  const { chainKey, next } = known!.chain;
  const stolen = { ...mallory, id: known!.id, chainKey: chainKey!, next };
  const { envelope } = await encryptForRoom(stolen, room.state, a.name, utf8("I am Ana"));
  await refused(() => b.hear(envelope));
  const own = { ...a.give([]).message, key: (await c.send("")).given.message.key };
  assert.equal(b.learn(c, own), "accepted");
  assert.equal(await b.hear((await a.send("it was not me")).envelope), "it was not me");
});

Deno.test("attack: a member gives out another's key id as its own; both stay apart", async () => {
  const { a, b, c } = await three();
  await tell(a, "hello", [b, c]);
  const given = a.give([]);
  assert.equal(b.learn(c, given.message), "accepted");
  assert.equal(await b.hear((await a.send("mine")).envelope), "mine");
  assert.throws(() => b.learn(a, { ...given.message, verify: randomBytes(32) }), {
    code: "duplicate",
  });
});

Deno.test("two plaintexts never meet under one key and IV, even from a store that went back in time", async () => {
  const { room, a } = await three();
  await a.send("");
  const own = a.own!;
  const [one, two] = await Promise.all(["left", "right"].map((text) => {
    return encryptForRoom(own, room.state, a.name, utf8(text));
  }));
  const salts = [one!, two!].map(({ envelope }) => toHex(decodeRoomEnvelope(envelope).salt));
  assert.notEqual(salts[0], salts[1]);
});

Deno.test("a key is used up after 1,000 messages, and nobody is made to run further", async () => {
  const { room, a, b } = await three();
  const { given } = await a.send("0");
  b.learn(a, given.message);
  const own = { ...a.own!, next: MAX_SENDER_KEY_MESSAGES };
  await assert.rejects(() => encryptForRoom(own, room.state, a.name, utf8("too many")), RangeError);
  a.own = { ...a.own!, next: MAX_SENDER_KEY_MESSAGES };
  await a.send("fresh");
  assert.equal(a.renewed, "count");
});

Deno.test("keys of messages that do not come are forgotten after 30 days", async () => {
  const { a, b } = await three();
  const first = await a.send("lost");
  b.learn(a, first.given.message);
  assert.equal(await b.hear((await a.send("came")).envelope), "came");
  const late = NOW + 31 * DAY_MS;
  await tell(a, "a month later", [b], late);
  await refused(() => b.hear(first.envelope, late));
});

Deno.test("contents of one bucket look alike, and the envelope is 122 bytes, ciphertext and signature", async () => {
  const { a } = await three();
  const sizes = await Promise.all(["", "x".repeat(255)].map(async (text) => {
    return (await a.send(text)).envelope.length;
  }));
  assert.deepEqual(sizes, Array(2).fill(ROOM_HEADER_BYTES + 256 + 16 + 64));
});
