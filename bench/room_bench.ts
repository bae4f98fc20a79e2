/** Rooms: one encryption, 32 decryptions, logs to verify. */
import { deriveRoomKeys, makeRoomCode } from "../crypto/room_code.ts";
import { encryptForRoom, openRoomMessage } from "../crypto/room_cipher.ts";
import { acceptSenderKey, giveSenderKey, makeSenderKey } from "../crypto/sender_key.ts";
import type { OwnSenderKey, PeerSenderKey } from "../crypto/sender_key.ts";
import { generateSigning, sign, verifySignature } from "../crypto/signature.ts";
import { randomBytes } from "../crypto/random.ts";
import type { Bytes } from "../protocol/encoding.ts";
import { type RoomEntry, verifyRoom } from "../protocol/room.ts";
import { decodeRoomEnvelope } from "../protocol/room_envelope.ts";
import { makeOwner } from "../tests/helpers/owners.ts";
import { idOf, NOW, TestRoom } from "../tests/helpers/room_world.ts";
import { figure, rate } from "./measure.ts";

const READERS = 32;

/** Every figure of this file, one JSON line each. Takes about half a minute. */
export async function roomBench(): Promise<void> {
  await messages();
  await logs();
  const [code, server] = [makeRoomCode(), randomBytes(16)];
  await rate("room: keys of a code", () => deriveRoomKeys(code, server, "sealed"));
}

async function messages(): Promise<void> {
  const owner = await makeOwner();
  const { state: room } = await TestRoom.create(owner);
  const names = { account: idOf(owner), device: owner.device.device };
  const content = randomBytes(64);
  const fresh = await makeSenderKey(room.id, "sealed", NOW);
  const { message } = giveSenderKey(fresh, room, []);
  const outcome = acceptSenderKey(room, [], names, message, NOW);
  if (outcome.kind !== "accepted") throw new Error(outcome.kind);
  const send = async (own: OwnSenderKey) => await encryptForRoom(own, room, names, content);
  await rate("room: encrypt, 64 bytes", () => send(fresh));
  const { envelope } = await send(fresh);
  await rate("room: decrypt, 64 bytes", () => read(envelope, outcome.keys));
  await rate(`room: encrypt once and decrypt ${READERS} times`, async () => {
    const sent = await send(fresh);
    for (let i = 0; i < READERS; i++) await read(sent.envelope, outcome.keys);
  });
  await floor(envelope);

  function read(bytes: Bytes, keys: readonly PeerSenderKey[]) {
    return openRoomMessage(room, keys, decodeRoomEnvelope(bytes), NOW);
  }
}

/** The one signature and its check, without which nothing above could be. */
async function floor(envelope: Bytes): Promise<void> {
  const pair = await generateSigning("sealed");
  const structure = envelope.slice(0, -64);
  const signature = await sign(pair, "sender", structure);
  await rate("floor of a room message sent: its signature", () => sign(pair, "sender", structure));
  await rate(
    "floor of a room message read: its verification",
    () => verifySignature(pair.public, "sender", structure, signature),
  );
}

async function logs(): Promise<void> {
  const people = await Promise.all(Array.from({ length: READERS }, () => makeOwner()));
  const [first, ...others] = people;
  const room = await TestRoom.of(first!, ...others);
  await measureLog(`room: verify a log of ${READERS} members`, room.entries);
  for (let i = 0; i < 100; i++) {
    await room.say(first!, { kind: "close", newcomers: i % 2 ? "open" : "approve" });
  }
  await measureLog(`room: verify ${READERS} members and 100 more entries`, room.entries);
  const bytes = room.entries.slice(0, READERS).reduce((sum, { body, lists }) => {
    return sum + body.length + 128 + lists.reduce((all, one) => all + one.body.length + 64, 0);
  }, 0);
  figure("room: bytes of a join with its proof", "bytes", Math.round(bytes / READERS));
}

async function measureLog(name: string, entries: readonly RoomEntry[]): Promise<void> {
  await rate(name, () => verifyRoom(entries));
}

if (import.meta.main) await roomBench();
