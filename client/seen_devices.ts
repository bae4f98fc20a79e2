/** One's own devices as contacts' clients see them: from the same answer of the server, judged in the same way. */
import { sha256 } from "@noble/hashes/sha2.js";
import { toCrockford } from "../crypto/crockford.ts";
import type { DeviceKeys } from "../crypto/account.ts";
import { safetyNumberHalf } from "../crypto/safety_number.ts";
import { type DeviceEntry, verifyDeviceList } from "../protocol/bundle.ts";
import { equalBytes } from "../protocol/encoding.ts";
import { concat, utf8 } from "../protocol/encoding.ts";
import { VerifyError } from "../protocol/errors.ts";
import { outcomeOf, refuseBroken } from "./flow_refusals.ts";
import { type Contact, type MeRecord, META } from "./records.ts";
import type { LocalStore } from "./store.ts";
import type { Api } from "./transport.ts";
import { done, type Outcome, refused } from "./types.ts";

export interface SeenParts {
  readonly api: Pick<Api, "account">;
  /** Read only: a chat in another tab may be its writer. */
  readonly store: LocalStore;
}

export interface SeenDevice {
  readonly kind: DeviceEntry["kind"];
  /** Days since 1970. */
  readonly made: number;
  /** Of both its public keys: 16 characters in groups of four. */
  readonly fingerprint: string;
  /** The device that looks. */
  readonly current: boolean;
}

export interface SeenAccount {
  readonly devices: readonly SeenDevice[];
  /** How often the list has changed. */
  readonly version: number;
  /** 30 digits: this account's half of every safety number. */
  readonly half: string;
}

const LABEL = utf8("snug/1 device fingerprint\0");
/** 80 bits: sixteen characters to compare, and too many to find another key for. */
const FINGERPRINT_BYTES = 10;

/** Asks the server as a contact does. A list that does not go on from the one known here is refused. */
export async function seenByOthers({ api, store }: SeenParts): Promise<Outcome<SeenAccount>> {
  const me = await store.get<MeRecord>("meta", META.me);
  const own = await store.get<DeviceKeys>("device", "keys");
  if (!own || me?.state !== "active") {
    return refused("signed-out", "This browser is no device of yours any more. Sign in again.");
  }
  const asked = await api.account(own.account);
  if (!asked.ok) return outcomeOf(asked);
  try {
    const known = (await store.get<Contact>("accounts", own.account))?.list;
    const list = await verifyDeviceList(own.account, asked.value.entries, known);
    if (!equalBytes(list.aik, own.aik)) throw new VerifyError("key-changed");
    const { version, aik } = list;
    const devices = list.devices.map((one) => seen(one, own.device));
    return done({ devices, version, half: safetyNumberHalf({ account: own.account, aik }) });
  } catch (error) {
    return refuseBroken(error);
  }
}

function seen({ device, kind, made, sign, agree }: DeviceEntry, current: string): SeenDevice {
  const hash = sha256(concat(LABEL, sign, agree)).slice(0, FINGERPRINT_BYTES);
  const fingerprint = toCrockford(hash).match(/.{4}/g)!.join(" ");
  return { kind, made, fingerprint, current: device === current };
}
