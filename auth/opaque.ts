/**
 * OPAQUE (RFC 9807), the server's half. The server never sees a password: it keeps a record that
 * is useless without its own setup, and answers about unknown names exactly as about known ones.
 */
import { client, ready, server } from "@serenity-kit/opaque";
import type { AccountId } from "../protocol/ids.ts";
import { idFrom } from "../protocol/ids.ts";
import { macOf } from "./digest.ts";
import type { Secrets } from "./secrets.ts";

/** A new long-term secret. */
export async function makeServerSetup(): Promise<string> {
  await ready;
  return server.createSetup();
}

/** The server's half of both exchanges. Null or false: the other side sent nonsense or a wrong password. */
export interface Opaque {
  registrationResponse(account: AccountId, request: string): Promise<string | null>;
  /** Whether a finished registration can be read back later. */
  isRecord(record: string): Promise<boolean>;
  /** `record` is null for a name that nobody has; the answer does not show it. */
  startLogin(
    account: AccountId,
    record: string | null,
    request: string,
  ): Promise<{ response: string; state: string } | null>;
  finishLogin(state: string, finish: string): Promise<boolean>;
  /** The id that stands for a name nobody has: always the same, so that asking twice tells nothing. */
  standIn(username: string): AccountId;
}

/** OPAQUE under the server's secrets. */
export function createOpaque({ opaqueSetup: serverSetup, codeKey }: Secrets): Opaque {
  const attempt = async <T>(work: () => T): Promise<T | null> => {
    await ready;
    try {
      return work();
    } catch {
      return null;
    }
  };
  const startLogin: Opaque["startLogin"] = (account, record, startLoginRequest) =>
    attempt(() => {
      const { loginResponse, serverLoginState } = server.startLogin({
        ...{ serverSetup, registrationRecord: record, startLoginRequest, userIdentifier: account },
      });
      return { response: loginResponse, state: serverLoginState };
    });
  return {
    startLogin,
    registrationResponse: (account, registrationRequest) =>
      attempt(() =>
        server.createRegistrationResponse({
          ...{ serverSetup, registrationRequest, userIdentifier: account },
        }).registrationResponse
      ),
    async isRecord(record) {
      await ready;
      const { startLoginRequest } = client.startLogin({ password: "" });
      return await startLogin("" as AccountId, record, startLoginRequest) !== null;
    },
    finishLogin: async (serverLoginState, finishLoginRequest) =>
      await attempt(() => server.finishLogin({ serverLoginState, finishLoginRequest })) !== null,
    standIn: (username) => idFrom(macOf(codeKey, "nobody", username).subarray(0, 16)),
  };
}
