/** {@link PasswordClient} over the OPAQUE library itself: blocks its thread for the time Argon2id takes. */
import { client, ready } from "@serenity-kit/opaque";
import { KEY_STRETCHING, type PasswordClient } from "./password_client.ts";

export const opaqueClient: PasswordClient = {
  async startRegistration(password) {
    await ready;
    const { clientRegistrationState, registrationRequest } = client.startRegistration({ password });
    return { state: clientRegistrationState, request: registrationRequest };
  },

  async finishRegistration(password, state, response) {
    await ready;
    const { registrationRecord, exportKey } = client.finishRegistration({
      password,
      clientRegistrationState: state,
      registrationResponse: response,
      keyStretching: KEY_STRETCHING,
    });
    return { record: registrationRecord, exportKey };
  },

  async startLogin(password) {
    await ready;
    const { clientLoginState, startLoginRequest } = client.startLogin({ password });
    return { state: clientLoginState, request: startLoginRequest };
  },

  async finishLogin(password, state, response) {
    await ready;
    const finished = client.finishLogin({
      password,
      clientLoginState: state,
      loginResponse: response,
      keyStretching: KEY_STRETCHING,
    });
    return finished ? { finish: finished.finishLoginRequest, exportKey: finished.exportKey } : null;
  },
};
