/** A new password where a passkey stands in for the old one, or for none. */
import { encode } from "../protocol/codec.ts";
import { fromBase64Url } from "../protocol/encoding.ts";
import { passwordByPasskeyAnswer, passwordByPasskeyRequest } from "../protocol/passkey_api.ts";
import { wipe } from "../crypto/wipe.ts";
import { outcomeOf, refuseBroken } from "./flow_refusals.ts";
import { nextPasswordEdition } from "./password_change.ts";
import type { PasswordClient } from "./password_client.ts";
import { type PasskeyParts, useOwnPasskey } from "./passkeys.ts";
import { done, type Outcome, refused } from "./types.ts";

/** Sets the password `next`, already judged by `adviseOnPassword`; every other login of the account ends. */
export async function setPasswordByPasskey(
  parts: PasskeyParts & { readonly password: PasswordClient },
  next: string,
): Promise<Outcome<null>> {
  const { api, password } = parts;
  const start = await password.startRegistration(next);
  const used = await useOwnPasskey(parts);
  if (!used.ok) return used;
  const { proof, prf } = used.value;
  if (prf === null) {
    return refused("not-available", "That passkey cannot open your vault. Use another one.");
  }
  const request = encode(passwordByPasskeyRequest, { registration: start.request, proof });
  const asked = await api.ask("/settings/password/passkey", request, passwordByPasskeyAnswer);
  if (!asked.ok) return outcomeOf(asked);
  const { registration, proven } = asked.value;
  const made = await password.finishRegistration(next, start.state, registration);
  const nextKey = fromBase64Url(made.exportKey);
  try {
    const edition = await nextPasswordEdition(proven, { kind: "passkey", secret: prf }, nextKey);
    const request = { proof: proven.proof, record: made.record, ...edition };
    const changed = await api.changePassword(request);
    return changed.ok ? done(null) : outcomeOf(changed);
  } catch (error) {
    return refuseBroken(error);
  } finally {
    wipe(prf, nextKey);
  }
}
