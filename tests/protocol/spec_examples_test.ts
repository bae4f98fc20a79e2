/** The examples of docs/protocol.md, made again from their seeds: a second implementation can trust them. */
import assert from "node:assert/strict";
import { importAgreement } from "../../crypto/agreement.ts";
import { importKem } from "../../crypto/kem.ts";
import { importSigning, sign } from "../../crypto/signature.ts";
import { kemSignedSchema, prekeyBundleSchema } from "../../protocol/bundle.ts";
import { bool, bytes, encode, nullable, record, text, uint } from "../../protocol/codec.ts";
import {
  appendEntry,
  counterSignedSchema,
  type DeviceEntry,
  type DeviceList,
  hashOf,
  listEntrySchema,
  type Signed,
} from "../../protocol/device_list.ts";
import { type Bytes, fromHex, toHex } from "../../protocol/encoding.ts";
import { idFrom } from "../../protocol/ids.ts";
import { sha256, signedBytes } from "../../protocol/verify.ts";

const DAY = 20_454;
const repeat = (byte: number, count: number): Bytes => new Uint8Array(count).fill(byte);
const account = idFrom<"account">(repeat(0xac, 16));
const accountKey = await importSigning(repeat(1, 32), "portable");
const aik = accountKey.public;

interface Example {
  readonly entry: DeviceEntry;
  readonly sign: Awaited<ReturnType<typeof importSigning>>;
  readonly structure: Bytes;
}

async function device(idByte: number, seed: number): Promise<Example> {
  const pair = await importSigning(repeat(seed, 32), "portable");
  const agree = (await importAgreement(repeat(seed + 1, 32), "portable")).public;
  const names = { device: idFrom<"device">(repeat(idByte, 16)), sign: pair.public, agree };
  const structure = encode(counterSignedSchema, { account, aik, ...names });
  const counterSignature = await sign(pair, "device", structure);
  const entry: DeviceEntry = { ...names, kind: "browser", made: DAY, counterSignature };
  return { entry, sign: pair, structure };
}

const one = await device(0xd1, 2);
const two = await device(0xd2, 4);

async function listExamples() {
  const agree = (await importAgreement(repeat(6, 32), "portable")).public;
  const kem = (await importKem(repeat(7, 64), "portable")).public;
  const set = encode(listEntrySchema, {
    ...{ kind: "set", account, aik, version: 1, previous: null, vaultGeneration: 1 },
    devices: [one.entry, two.entry],
    deposit: { agree, kem },
  });
  const first: Signed = { body: set, signature: await sign(accountKey, "set", set) };
  const list = await appendEntry(null, account, first);
  const revoke = encode(listEntrySchema, {
    ...{ kind: "revoke", account, version: 2, previous: list.hash },
    ...{ devices: [two.entry.device], signer: one.entry.device },
  });
  const second: Signed = { body: revoke, signature: await sign(one.sign, "revoke", revoke) };
  await appendEntry(list, account, second);
  return { first, second, list };
}

async function prekeyExamples(list: DeviceList) {
  const key = (await importAgreement(repeat(8, 32), "portable")).public;
  const kem = (await importKem(repeat(9, 64), "portable")).public;
  const body = encode(prekeyBundleSchema, {
    ...{ account, aik, device: one.entry.device, day: DAY },
    ...{ signedPrekey: { id: 1, key }, lastKem: { id: 1, key: kem } },
    ...{ listVersion: list.version, listHash: list.hash, archive: null },
  });
  const structure = encode(kemSignedSchema, {
    ...{ account, device: one.entry.device, id: 1, key: kem },
  });
  return {
    "bundle body SHA-256": await sha256(body),
    "bundle signature": await sign(one.sign, "bundle", body),
    "kem-last structure SHA-256": await sha256(structure),
    "kem-last signature": await sign(one.sign, "kem-last", structure),
  };
}

async function examples(): Promise<Record<string, Bytes>> {
  const map = record({ id: uint(), key: bytes(2), note: nullable(text({ max: 9 })), ok: bool });
  const { first, second, list } = await listExamples();
  return {
    "map": encode(map, { id: 300, key: fromHex("0102"), note: null, ok: true }),
    "account key": aik,
    "device 1 sign": one.entry.sign,
    "device 1 agree": one.entry.agree,
    "signed bytes": signedBytes("device", one.structure),
    "counter-signature": one.entry.counterSignature,
    "set body SHA-256": await sha256(first.body),
    "set signature": first.signature,
    "set hash": await hashOf(first),
    "revoke body": second.body,
    "revoke signature": second.signature,
    "revoke hash": await hashOf(second),
    ...await prekeyExamples(list),
  };
}

/** Lines `name = hex` of the specification; hex may go on in indented lines. */
async function written(): Promise<Map<string, string>> {
  const page = await Deno.readTextFile(new URL("../../docs/protocol.md", import.meta.url));
  const lines = page.matchAll(/^([A-Za-z0-9 -]+) = ([0-9a-f]+(?:\n {2}[0-9a-f]+)*)$/gm);
  return new Map([...lines].map((line) => [line[1]!, line[2]!.replaceAll(/\s/g, "")]));
}

Deno.test("the examples of docs/protocol.md are what the code makes", async () => {
  const page = await written();
  for (const [name, value] of Object.entries(await examples())) {
    assert.equal(page.get(name), toHex(value), name);
  }
});
