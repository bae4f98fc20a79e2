/** Devices, prekeys and sessions to test with, made without account keys or a server. */
import assert from "node:assert/strict";
import { generateAgreement } from "../../crypto/agreement.ts";
import type { DeviceKeys } from "../../crypto/account.ts";
import { generateKem } from "../../crypto/kem.ts";
import type { StoredPrekey } from "../../crypto/prekeys.ts";
import { exportPrivate } from "../../crypto/private_key.ts";
import { randomBytes } from "../../crypto/random.ts";
import {
  acceptOpening,
  type Context,
  type Decrypted,
  decryptMessage,
  encryptMessage,
  openSession,
  type PrekeyLookup,
  type SessionState,
  type UsedPrekeys,
} from "../../crypto/session.ts";
import { generateSigning, type KeyMode } from "../../crypto/signature.ts";
import type { DeviceList, VerifiedBundle } from "../../protocol/bundle.ts";
import { type Bytes, fromUtf8, toHex, utf8 } from "../../protocol/encoding.ts";
import { decodeEnvelope } from "../../protocol/envelope.ts";
import { randomId, type SessionId } from "../../protocol/ids.ts";
import { sha256 } from "../../protocol/verify.ts";

/** 2026-01-01T00:00:00Z in ms: the time of tests that do not care. */
export const NOON = 1_767_225_600_000;
const TODAY = NOON / 86_400_000;

/** One device with its device list and the private halves of its prekeys. */
export interface TestParty {
  readonly keys: DeviceKeys;
  readonly list: DeviceList;
  readonly prekeys: Map<string, StoredPrekey>;
  readonly lookup: PrekeyLookup;
}

/** A device that is the only one of its account, with one prekey of each kind. */
export async function makeParty(mode: KeyMode = "portable"): Promise<TestParty> {
  const [sign, agree] = await Promise.all([generateSigning(mode), generateAgreement(mode)]);
  const account = randomId<"account">();
  const keys = { account, aik: randomBytes(32), device: randomId<"device">(), sign, agree };
  const prekeys = new Map<string, StoredPrekey>();
  for (const kind of ["signed", "once", "kem-once", "kem-last"] as const) {
    await addPrekey(prekeys, kind, 1, mode);
  }
  const lookup: PrekeyLookup = (kind, id) => Promise.resolve(prekeys.get(`${kind} ${id}`));
  return { keys, list: listOf(keys), prekeys, lookup };
}

/** Another prekey of a party. */
export async function addPrekey(
  prekeys: Map<string, StoredPrekey>,
  kind: StoredPrekey["kind"],
  id: number,
  mode: KeyMode = "portable",
): Promise<void> {
  const pair = kind.startsWith("kem") ? await generateKem(mode) : await generateAgreement(mode);
  prekeys.set(`${kind} ${id}`, { kind, id, made: TODAY, ...pair });
}

/** What the verifier of `protocol/bundle.ts` would return for this party. */
export function bundleOf(
  party: TestParty,
  { oneTime = true, kem = "once" as "once" | "last", id = 1 } = {},
): VerifiedBundle {
  const { account, aik, device, sign, agree } = party.keys;
  const key = (kind: StoredPrekey["kind"]) => party.prekeys.get(`${kind} ${id}`)!.public;
  return {
    ...{ account, aik, device, sign: sign.public, agree: agree.public },
    signedPrekey: { id: 1, key: party.prekeys.get("signed 1")!.public },
    kem: kem === "once" ? { kind: kem, id, key: key("kem-once") } : {
      kind: kem,
      id: 1,
      key: party.prekeys.get("kem-last 1")!.public,
    },
    oneTime: oneTime ? { id, key: key("once") } : null,
    ...{ day: TODAY, listVersion: party.list.version, listHash: party.list.hash, archive: null },
  };
}

function listOf({ account, aik, device, sign, agree }: DeviceKeys): DeviceList {
  const hash = randomBytes(32);
  return {
    ...{ account, aik, version: 1, hash, head: "set", previous: null, hashes: [hash] },
    devices: [{
      ...{ device, kind: "browser", sign: sign.public, agree: agree.public, made: TODAY },
      counterSignature: new Uint8Array(64),
    }],
    deposit: { agree: randomBytes(32), kem: randomBytes(1184) },
    vaultGeneration: 1,
  };
}

/** A new session of `from` towards `to`, nothing sent yet. */
export async function open(
  from: TestParty,
  to: TestParty,
  choice: Parameters<typeof bundleOf>[1] = {},
  supersedes: readonly SessionId[] = [],
  now = NOON,
): Promise<SessionState> {
  return await openSession(from.keys, from.list, bundleOf(to, choice), supersedes, now);
}

/** One side of a conversation: its session, kept across calls. */
export class Side {
  constructor(readonly party: TestParty, public state: SessionState) {}

  async send(text: string, context: Context = "pairwise"): Promise<Bytes> {
    const { state, envelope } = await encryptMessage(this.state, utf8(text), context);
    this.state = state;
    return envelope;
  }

  async receive(envelope: Bytes, now = NOON): Promise<string> {
    return (await this.receiveAll(envelope, now)).text;
  }

  async receiveAll(envelope: Bytes, now = NOON): Promise<Decrypted & { text: string }> {
    const opened = await decryptMessage(this.state, decodeEnvelope(envelope), now);
    this.state = opened.state;
    return { ...opened, text: fromUtf8(opened.content) };
  }
}

/** What {@link accept} gives. */
export interface Accepted extends Decrypted {
  readonly used: UsedPrekeys;
  readonly side: Side;
  readonly text: string;
}

/** Opens `envelope` as the first message of a session and returns the receiving side. */
export async function accept(
  to: TestParty,
  from: TestParty,
  envelope: Bytes,
  now = NOON,
): Promise<Accepted> {
  const opened = await acceptOpening(
    to.keys,
    decodeEnvelope(envelope),
    from.list,
    to.lookup,
    now,
  );
  const text = fromUtf8(opened.content);
  return { ...opened, side: new Side(to, opened.state), text };
}

/** Two sides that have each heard the other. */
export async function talking(): Promise<{ alice: Side; bob: Side }> {
  const [a, b] = await Promise.all([makeParty(), makeParty()]);
  const alice = new Side(a, await open(a, b));
  const { side: bob } = await accept(b, a, await alice.send("hello"));
  await alice.receive(await bob.send("hello yourself"));
  return { alice, bob };
}

/** SHA-256 in hex over every byte of a state, private keys included: equal exactly when nothing changed. */
export async function fingerprint(state: SessionState): Promise<string> {
  return toHex(await sha256(utf8(JSON.stringify(await plain(state)))));
}

async function plain(value: unknown): Promise<unknown> {
  if (value instanceof Uint8Array) return toHex(value);
  if (value instanceof CryptoKey) return toHex(await exportPrivate(value));
  if (Array.isArray(value)) return await Promise.all(value.map(plain));
  if (typeof value !== "object" || value === null) return value;
  const prototype = Object.getPrototypeOf(value);
  assert.equal(prototype, Object.prototype, "states hold plain objects only");
  const fields = Object.entries(value).map(async ([key, inner]) => [key, await plain(inner)]);
  return await Promise.all(fields);
}
