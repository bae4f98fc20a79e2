/**
 * A forgotten password, with the recovery key: the vault is opened with it here, its key wrapped by
 * the new password, and this store becomes a device. Code and second factor have come before.
 */
import { parseRecoveryKey } from "../crypto/recovery_key.ts";
import { DecryptError } from "../crypto/errors.ts";
import { wipe } from "../crypto/wipe.ts";
import {
  accountAnswer,
  accountRequest,
  finishAnswer,
  registrationAnswer,
  registrationRequest,
} from "../protocol/api.ts";
import { encode } from "../protocol/codec.ts";
import type { Bytes } from "../protocol/encoding.ts";
import { nothingSchema } from "../protocol/passkey_api.ts";
import {
  type ResetChangeRequest,
  resetChangeRequest,
  type ResetVaultAnswer,
  resetVaultAnswer,
} from "../protocol/reset_api.ts";
import {
  type AccountDoor,
  becomeDevice,
  type ConfirmedSignUp,
  finishSignUp,
  type FlowParts,
  registerPassword,
  type SignedIn,
  type SignedUp,
} from "./account_flow.ts";
import { outcomeOf, refuseBroken } from "./flow_refusals.ts";
import { nextPasswordEdition } from "./password_change.ts";
import type { Api } from "./transport.ts";
import { done, type Outcome, refused } from "./types.ts";

/** What somebody typed. */
export interface RecoveryForm {
  readonly recoveryKey: string;
  /** Already judged by `adviseOnPassword`. */
  readonly password: string;
}

const PROBLEMS = {
  character: "That has a character that is in no recovery key. They have 0-9 and letters but U.",
  length: "A recovery key is nine groups of four characters. Some are missing, or too many.",
  checksum: "One character of that is not right. Compare it with the key you kept.",
} as const;

/**
 * Sets a new password with the recovery key and makes this store a device. Ends every login of the
 * account. `wrong-password`: it is well written, but does not open this vault.
 */
export async function recoverAccount(
  parts: FlowParts,
  { recoveryKey, password }: RecoveryForm,
): Promise<Outcome<SignedIn>> {
  const parsed = await parseRecoveryKey(recoveryKey);
  if (!parsed.ok) return refused("wrong-password", PROBLEMS[parsed.problem]);
  try {
    const offered = await parts.api.ask(
      "/forgot/vault",
      encode(nothingSchema, {}),
      resetVaultAnswer,
    );
    if (!offered.ok) return outcomeOf(offered);
    return await setPassword(parts, offered.value, parsed.key, password);
  } finally {
    wipe(parsed.key);
  }
}

async function setPassword(
  parts: FlowParts,
  offered: ResetVaultAnswer,
  recoveryKey: Bytes,
  password: string,
): Promise<Outcome<SignedIn>> {
  const registered = await registerPassword(parts.password, doorOf(parts.api), password);
  if (!registered.ok) return registered;
  const { record, exportKey } = registered.value;
  const next = await rewrap(offered, recoveryKey, exportKey);
  if (!next.ok) return next;
  const body = encode(resetChangeRequest, { record, ...next.value });
  const changed = await parts.api.ask("/forgot/change", body, finishAnswer);
  if (!changed.ok) return outcomeOf(changed);
  if (changed.value.next !== "device") {
    return refused("internal", "The server asks for a second factor twice.");
  }
  return await becomeDevice(parts, changed.value, { kind: "password", secret: exportKey });
}

type NextEdition =
  & Awaited<ReturnType<typeof nextPasswordEdition>>
  & Pick<ResetChangeRequest, "of">;

/**
 * The wrap is sealed: what does not open is the wrong key, whatever else the server may have sent. A
 * key of before the account was started over opens what was there then, and brings it back.
 */
async function rewrap(
  { former, ...current }: ResetVaultAnswer,
  secret: Bytes,
  exportKey: Bytes,
): Promise<Outcome<NextEdition>> {
  const opener = { kind: "recovery", secret } as const;
  try {
    return done({ of: "current", ...await nextPasswordEdition(current, opener, exportKey) });
  } catch (error) {
    if (!(error instanceof DecryptError)) return refuseBroken(error);
  }
  try {
    if (former === null) throw new DecryptError();
    return done({ of: "former", ...await nextPasswordEdition(former, opener, exportKey) });
  } catch (error) {
    if (!(error instanceof DecryptError)) return refuseBroken(error);
    const words = "That recovery key is not the one of this account. Perhaps it is of another one.";
    return refused("wrong-password", words);
  }
}

/**
 * New keys for an account of which nothing is left but the letter box. As at sign-up; every other
 * device of the account is one no more.
 */
export function startOver(parts: FlowParts, form: ConfirmedSignUp): Promise<Outcome<SignedUp>> {
  return finishSignUp(parts, form, doorOf(parts.api));
}

/** The doors of a forgotten password, which have the shape of sign-up's. */
function doorOf(api: Api): AccountDoor {
  return {
    registerPassword: (request) =>
      api.ask("/forgot/password", encode(registrationRequest, { request }), registrationAnswer),
    createAccount: (request) =>
      api.ask("/forgot/start-over", encode(accountRequest, request), accountAnswer),
  };
}
