/** The end of an account: the password is proven once more, then the server forgets. */
import { wipe } from "../crypto/wipe.ts";
import { encode } from "../protocol/codec.ts";
import { deleteRequest } from "../protocol/departure_api.ts";
import { doneAnswer } from "../protocol/passkey_api.ts";
import { outcomeOf } from "./flow_refusals.ts";
import { proveByPassword } from "./passkeys.ts";
import type { PasswordClient } from "./password_client.ts";
import type { Api } from "./transport.ts";
import { done, type Outcome } from "./types.ts";

/** Deletes the account that `api` is signed in to. Needs a login by password of the last 30 days. */
export async function deleteAccount(
  api: Api,
  password: PasswordClient,
  secret: string,
): Promise<Outcome<null>> {
  const door = await proveByPassword({ api }, password, secret);
  if (!door.ok) return door;
  const { proven: { proof }, opener } = door.value;
  wipe(opener.secret);
  const gone = await api.ask("/settings/delete", encode(deleteRequest, { proof }), doneAnswer);
  return gone.ok ? done(null) : outcomeOf(gone);
}
