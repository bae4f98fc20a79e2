/** The examples of docs/protocol.md "Rooms", made again from their seeds, the message by primitives only. */
import assert from "node:assert/strict";
import { importAgreement } from "../../crypto/agreement.ts";
import { seal } from "../../crypto/aead.ts";
import { hkdf, hmac } from "../../crypto/kdf.ts";
import { importKem } from "../../crypto/kem.ts";
import { pad } from "../../crypto/padding.ts";
import { openRoomMessage } from "../../crypto/room_cipher.ts";
import { acceptSenderKey } from "../../crypto/sender_key.ts";
import { importSigning, sign } from "../../crypto/signature.ts";
import { encode } from "../../protocol/codec.ts";
import { counterSignedSchema, hashOf, listEntrySchema } from "../../protocol/device_list.ts";
import { type Bytes, concat, fromUtf8, toHex, utf8 } from "../../protocol/encoding.ts";
import { idBytes, idFrom } from "../../protocol/ids.ts";
import { roomBodySchema, type RoomEntry, type RoomState, verifyRoom } from "../../protocol/room.ts";
import { decodeRoomEnvelope, encodeRoomHeader } from "../../protocol/room_envelope.ts";

const repeat = (byte: number, count: number): Bytes => new Uint8Array(count).fill(byte);
const account = idFrom<"account">(repeat(0xac, 16));
const device = idFrom<"device">(repeat(0xd1, 16));
const accountKey = await importSigning(repeat(1, 32), "portable");
const deviceKey = await importSigning(repeat(2, 32), "portable");
const aik = accountKey.public;

/** Version 1 of a list with device 1 alone. */
async function list() {
  const agree = (await importAgreement(repeat(3, 32), "portable")).public;
  const names = { device, sign: deviceKey.public, agree };
  const structure = encode(counterSignedSchema, { account, aik, ...names });
  const counterSignature = await sign(deviceKey, "device", structure);
  const body = encode(listEntrySchema, {
    ...{ kind: "set", account, aik, version: 1, previous: null, vaultGeneration: 1 },
    devices: [{ ...names, kind: "browser", made: 20_454, counterSignature }],
    deposit: {
      agree: (await importAgreement(repeat(6, 32), "portable")).public,
      kem: (await importKem(repeat(7, 64), "portable")).public,
    },
  });
  return { body, signature: await sign(accountKey, "set", body) };
}

async function room(): Promise<{ entry: RoomEntry; state: RoomState }> {
  const set = await list();
  const join = await importSigning(repeat(0x0a, 32), "portable");
  const lookup = idFrom<"lookup">(repeat(0x0b, 16));
  const body = encode(roomBodySchema, {
    ...{ kind: "create", account, device, minute: 29_453_760, newcomers: "open" },
    ...{ aik, listVersion: 1, listHash: await hashOf(set) },
    code: { epoch: 1, lookup, joinKey: join.public, details: repeat(0x0c, 288) },
  });
  const signature = await sign(deviceKey, "log", body);
  const joinSignature = await sign(join, "join", body);
  const entry = { body, signature, joinSignature, lists: [set] };
  return { entry, state: await verifyRoom([entry]) };
}

async function message(state: RoomState) {
  const signer = await importSigning(repeat(0x0d, 32), "portable");
  const [chainKey, salt] = [repeat(0x0e, 32), repeat(0x0f, 16)];
  const key = idFrom<"sender-key">(repeat(0x10, 16));
  const head = { room: state.id, seq: state.seq, hash: state.hash };
  const header = encodeRoomHeader({ ...head, account, device, key, number: 0, salt });
  const messageKey = await hmac(chainKey, Uint8Array.of(1));
  const okm = await hkdf(messageKey, salt, utf8("snug/1 room message"), 44);
  const padded = pad(utf8("soup"));
  const ciphertext = await seal(okm.slice(0, 32), okm.slice(32), padded, header);
  const signature = await sign(signer, "sender", concat(header, ciphertext));
  const given = { ...head, key, verify: signer.public, chainKey, number: 0 };
  return { envelope: concat(header, ciphertext, signature), given };
}

Deno.test("the examples of rooms in docs/protocol.md are what the code makes, and it reads them", async () => {
  const { entry, state } = await room();
  const { envelope, given } = await message(state);
  const page = await Deno.readTextFile(new URL("../../docs/protocol.md", import.meta.url));
  const lines = page.matchAll(/^(room [A-Za-z0-9 -]+) = ([0-9a-f]+(?:\n {2}[0-9a-f]+)*)$/gm);
  const written = new Map([...lines].map((one) => [one[1]!, one[2]!.replaceAll(/\s/g, "")]));
  const made: Record<string, Bytes> = {
    "room create body": entry.body,
    "room create signature": entry.signature,
    "room create join signature": entry.joinSignature!,
    "room create hash": state.hash,
    "room id": idBytes(state.id),
    "room message envelope": envelope,
  };
  for (const [name, value] of Object.entries(made)) {
    assert.equal(written.get(name), toHex(value), name);
  }
  const outcome = acceptSenderKey(state, [], { account, device }, given, 0);
  assert.ok(outcome.kind === "accepted");
  const opened = await openRoomMessage(state, outcome.keys, decodeRoomEnvelope(envelope), 0);
  assert.ok(opened.kind === "content");
  assert.equal(fromUtf8(opened.content), "soup");
});
