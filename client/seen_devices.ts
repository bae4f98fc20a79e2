/** One's own devices as contacts' clients see them: from the same answer of the server, judged in the same way. */
import { sha256 } from "@noble/hashes/sha2.js";
import { toCrockford } from "../crypto/crockford.ts";
import { safetyNumberHalf } from "../crypto/safety_number.ts";
import type { DeviceEntry } from "../protocol/bundle.ts";
import { concat, equalBytes, utf8 } from "../protocol/encoding.ts";
import { VerifyError } from "../protocol/errors.ts";
import { refuseBroken } from "./flow_refusals.ts";
import { fetchOwnList, type OwnListParts } from "./own_list.ts";
import { done, type Outcome } from "./types.ts";

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
export async function seenByOthers(parts: OwnListParts): Promise<Outcome<SeenAccount>> {
  const fetched = await fetchOwnList(parts);
  if (!fetched.ok) return fetched;
  const { own, list: { version, aik, devices: listed } } = fetched.value;
  if (!equalBytes(aik, own.aik)) return refuseBroken(new VerifyError("key-changed"));
  const devices = listed.map((one) => seen(one, own.device));
  return done({ devices, version, half: safetyNumberHalf({ account: own.account, aik }) });
}

function seen({ device, kind, made, sign, agree }: DeviceEntry, current: string): SeenDevice {
  const hash = sha256(concat(LABEL, sign, agree)).slice(0, FINGERPRINT_BYTES);
  const fingerprint = toCrockford(hash).match(/.{4}/g)!.join(" ");
  return { kind, made, fingerprint, current: device === current };
}
