/**
 * Was this device removed from its account? The server's word is not enough: only a list that goes on
 * from the one known here, and leaves this device out, makes it erase anything.
 */
import type { DeviceKeys } from "../crypto/account.ts";
import { loginRequest } from "../protocol/api.ts";
import { type DeviceList, findDevice, verifyDeviceList } from "../protocol/bundle.ts";
import { encode } from "../protocol/codec.ts";
import { removedAnswer } from "../protocol/device_api.ts";
import { equalBytes } from "../protocol/encoding.ts";
import { FormatError, VerifyError } from "../protocol/errors.ts";
import { signLogin } from "./device_login.ts";
import type { EngineApi } from "./transport.ts";

/** True only with the proof in hand; a refusal, silence and a list that does not hold are all false. */
export async function wasRemoved(
  api: EngineApi,
  own: DeviceKeys,
  known: DeviceList | undefined,
): Promise<boolean> {
  const asked = await api.challenge(own.device);
  if (!asked.ok) return false;
  const { challenge } = asked.value;
  const signature = await signLogin(own, api.origin, challenge);
  const { account, device } = own;
  const request = encode(loginRequest, { account, device, challenge, signature });
  const answer = await api.ask("/api/login/removed", request, removedAnswer);
  if (!answer.ok) return false;
  try {
    const list = await verifyDeviceList(account, answer.value.entries, known);
    return equalBytes(list.aik, own.aik) && findDevice(list, device) === null;
  } catch (error) {
    if (error instanceof VerifyError || error instanceof FormatError) return false;
    throw error;
  }
}
