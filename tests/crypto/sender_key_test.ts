import assert from "node:assert/strict";
import { createAccount } from "../../crypto/account.ts";
import {
  acceptSenderKey,
  giveSenderKey,
  makeSenderKey,
  missingRecipients,
  type OwnSenderKey,
  pruneSenderKeys,
  renewReason,
  senderKeyMessageSchema,
} from "../../crypto/sender_key.ts";
import { decode, encode } from "../../protocol/codec.ts";
import { randomId } from "../../protocol/ids.ts";
import { DAY_MS, MAX_KEYS_PER_SENDER, MAX_SENDER_KEY_MESSAGES } from "../../protocol/limits.ts";
import { roomRecipients } from "../../protocol/room.ts";
import { makeOwner, TODAY } from "../helpers/owners.ts";
import { Speaker, tell } from "../helpers/room_talk.ts";
import { idOf, NOW, TestRoom } from "../helpers/room_world.ts";

const [ana, ben, cleo] = await Promise.all([makeOwner(), makeOwner(2), makeOwner()]);
const own = ana.device.device;

/** A room of three and Ana's key, given to everybody. */
async function given(): Promise<{ room: TestRoom; key: OwnSenderKey }> {
  const room = await TestRoom.of(ana, ben, cleo);
  const key = await makeSenderKey(room.state.id, "portable", NOW);
  return { room, key: giveSenderKey(key, room.state, roomRecipients(room.state, own)).own };
}

Deno.test("a fresh key is needed when there is none, after 1,000 messages and after 7 days", async () => {
  const { room, key } = await given();
  const recipients = roomRecipients(room.state, own);
  assert.equal(renewReason(null, recipients, NOW), "first");
  assert.equal(renewReason(key, recipients, NOW), null);
  const used = { ...key, next: MAX_SENDER_KEY_MESSAGES };
  assert.equal(renewReason({ ...used, next: used.next - 1 }, recipients, NOW), null);
  assert.equal(renewReason(used, recipients, NOW), "count");
  assert.equal(renewReason(key, recipients, NOW + 7 * DAY_MS - 1), null);
  assert.equal(renewReason(key, recipients, NOW + 7 * DAY_MS), "age");
});

Deno.test("a clock that runs a day backwards does not keep a key for ever", async () => {
  const { room, key } = await given();
  const recipients = roomRecipients(room.state, own);
  assert.equal(renewReason(key, recipients, NOW - 1_000), null);
  assert.equal(renewReason(key, recipients, NOW - DAY_MS), "age");
});

Deno.test("a fresh key is needed when anybody who has it leaves, is removed or loses a device", async () => {
  const { room, key } = await given();
  const why = (state = room.state, withheld = {}) =>
    renewReason(key, roomRecipients(state, own, withheld), NOW);
  const [left, removed] = [room.fork(), room.fork()];
  await left.say(cleo, { kind: "leave" });
  await removed.remove(ana, ben);
  assert.deepEqual([why(left.state), why(removed.state)], ["left", "left"]);
  assert.equal(why(room.state, { removed: [idOf(ben)] }), "left");
  const revoked = { ...ben.list, devices: ben.list.devices.slice(1) };
  const newest = (account: string) => account === idOf(ben) ? revoked : undefined;
  assert.equal(why(room.state, { newest }), "left");
});

Deno.test("a newcomer needs the key, not a fresh one; one who came and went without it changes nothing", async () => {
  const { room, key } = await given();
  const dan = await makeOwner();
  await room.join(dan);
  const recipients = roomRecipients(room.state, own);
  assert.equal(renewReason(key, recipients, NOW), null);
  assert.deepEqual(missingRecipients(key, recipients).map((one) => one.account), [idOf(dan)]);
  await room.say(dan, { kind: "leave" });
  assert.equal(renewReason(key, roomRecipients(room.state, own), NOW), null);
});

Deno.test("attack: an account that was reset comes back under its old device id; it is not the same device", async () => {
  const { room, key } = await given();
  const made = await createAccount(idOf(cleo), "browser", "portable", TODAY);
  await room.join({ ...made, entries: [made.entry], devices: [made.device] });
  const members = room.state.members.map((one) => {
    if (one.account !== idOf(cleo)) return one;
    const devices = one.pin.devices.map((each) => ({ ...each, device: cleo.device.device }));
    return { ...one, pin: { ...one.pin, devices } };
  });
  const recipients = roomRecipients({ ...room.state, members }, own);
  assert.equal(renewReason(key, recipients, NOW), "left");
  assert.equal(missingRecipients(key, recipients).length, 1);
});

Deno.test("a key is given as it stands: chain and number of the next message, never an earlier one", async () => {
  const { room } = await given();
  const [a, b] = [new Speaker(ana, room.state), new Speaker(ben, room.state)];
  const first = a.own ?? (await tell(a, "0", [b]), a.own!);
  const { message } = giveSenderKey(a.own!, room.state, []);
  assert.equal(message.number, 1);
  assert.deepEqual(message.chainKey, first.chainKey);
  const bytes = encode(senderKeyMessageSchema, message);
  assert.deepEqual(decode(senderKeyMessageSchema, bytes), message);
});

Deno.test("5 keys of a device are kept, the newest ones, and old ones for 30 days", async () => {
  const { room } = await given();
  const [a, b] = [new Speaker(ana, room.state), new Speaker(ben, room.state)];
  const sent = [];
  for (let i = 0; i < MAX_KEYS_PER_SENDER + 1; i++) {
    a.own = null;
    sent.push(await a.send(`${i}`, NOW + i));
    b.learn(a, sent[i]!.given.message, NOW + i);
  }
  const keys = b.keys.get(own)!;
  assert.equal(keys.length, MAX_KEYS_PER_SENDER);
  assert.equal(await b.hear(sent[0]!.envelope), "(unknown-key)");
  assert.equal(await b.hear(sent[1]!.envelope), "1");
  assert.equal(keys[0]!.replacedAt, null);
  assert.equal(pruneSenderKeys(keys, NOW + 31 * DAY_MS).length, 1);
});

Deno.test("keys of another room, another log or somebody who is not in the room are not taken", async () => {
  const { room, key } = await given();
  const { message } = giveSenderKey(key, room.state, []);
  const from = { account: idOf(ana), device: own };
  const outcome = (change: object, who = from) =>
    acceptSenderKey(room.state, [], who, { ...message, ...change }, NOW).kind;
  assert.equal(outcome({}), "accepted");
  assert.equal(outcome({ seq: 4 }), "newer");
  assert.equal(outcome({ hash: room.states[0]!.hash }), "fork");
  assert.equal(outcome({}, { ...from, device: randomId<"device">() }), "not-member");
  assert.throws(() => outcome({ room: randomId<"room">() }), { code: "wrong-room" });
});

Deno.test("attack: who was sent away, or never was in the room, stops it with a key under a false head", async () => {
  const [ana, ben, cleo, dora] = [
    await makeOwner(),
    await makeOwner(),
    await makeOwner(),
    await makeOwner(),
  ];
  const room = await TestRoom.of(ana, ben, cleo);
  const now = await makeSenderKey(room.state.id, "sealed", NOW);
  await room.remove(ana, cleo);
  const honest = giveSenderKey(now, room.state, []).message;
  const forked = { ...honest, hash: new Uint8Array(32) };
  const offer = ({ list, device: { device } }: typeof ana) => {
    return acceptSenderKey(room.state, [], { account: list.account, device }, forked, NOW).kind;
  };
  assert.equal(offer(cleo), "not-member");
  assert.equal(offer(dora), "not-member");
  assert.equal(offer(ben), "fork", "whoever is in the room is believed");
});

Deno.test("attack: a server-made device or member offers a key: it is not in the log, so it is not taken", async () => {
  const { room, key } = await given();
  const { message } = giveSenderKey(key, room.state, []);
  const ghost = { account: randomId<"account">(), device: randomId<"device">() };
  assert.equal(acceptSenderKey(room.state, [], ghost, message, NOW).kind, "not-member");
});
