import assert from "node:assert/strict";
import { client, ready, server } from "@serenity-kit/opaque";
import * as api from "../../protocol/api.ts";
import { decode, encode } from "../../protocol/codec.ts";
import { FormatError } from "../../protocol/errors.ts";
import { randomId } from "../../protocol/ids.ts";

const SCALES = { "argon2id-custom": { iterations: 1, memory: 8, parallelism: 1 } };

Deno.test("every OPAQUE message fits its field exactly, and one character more does not", async () => {
  await ready;
  const serverSetup = server.createSetup();
  const userIdentifier = randomId<"account">();
  const password = "a password";
  const start = client.startRegistration({ password });
  const { registrationResponse } = server.createRegistrationResponse({
    serverSetup,
    userIdentifier,
    registrationRequest: start.registrationRequest,
  });
  const { registrationRecord } = client.finishRegistration({
    password,
    registrationResponse,
    clientRegistrationState: start.clientRegistrationState,
    keyStretching: SCALES,
  });
  const login = client.startLogin({ password });
  const { startLoginRequest } = login;
  const { loginResponse } = server.startLogin({
    ...{ serverSetup, registrationRecord, startLoginRequest, userIdentifier },
  });
  const finished = client.finishLogin({
    ...{ password, loginResponse, clientLoginState: login.clientLoginState },
    keyStretching: SCALES,
  })!;
  const fits = (text: string, check: (text: string) => unknown) => {
    check(text);
    assert.throws(() => check(`${text}A`), FormatError);
  };
  fits(start.registrationRequest, (request) => encode(api.registrationRequest, { request }));
  fits(registrationResponse, (response) => encode(api.registrationAnswer, { response }));
  fits(registrationRecord, (record) => encode(api.accountRequest.fields.record, record));
  fits(startLoginRequest, (request) => encode(api.signInRequest, { username: "ana", request }));
  fits(loginResponse, (response) => encode(api.signInAnswer, { response, attempt: "" }));
  fits(finished.finishLoginRequest, (finish) => encode(api.finishRequest, { attempt: "", finish }));
});

Deno.test("what a device signs names account, device, origin and challenge, in one encoding", () => {
  const proof = {
    account: randomId<"account">(),
    device: randomId<"device">(),
    origin: "https://chat.example.org",
    challenge: crypto.getRandomValues(new Uint8Array(32)),
  };
  const signed = api.loginProofBytes(proof);
  assert.deepEqual(decode(api.loginProof, signed), proof);
  for (const other of [{ account: randomId<"account">() }, { origin: "https://evil.org" }]) {
    assert.notDeepEqual(api.loginProofBytes({ ...proof, ...other }), signed);
  }
});

Deno.test("the vault's wraps are of known kinds, and the vault has a largest size", () => {
  const wrap = { kind: "password" as const, sealed: new Uint8Array(85) };
  const vault = { sealed: new Uint8Array(api.MAX_VAULT_BYTES), generation: 1, wraps: [wrap] };
  assert.deepEqual(decode(api.vaultSchema, encode(api.vaultSchema, vault)), vault);
  const big = { ...vault, sealed: new Uint8Array(api.MAX_VAULT_BYTES + 1) };
  assert.throws(() => encode(api.vaultSchema, big), FormatError);
  const odd = { ...vault, wraps: [{ kind: "pin" as never, sealed: new Uint8Array(1) }] };
  assert.throws(() => encode(api.vaultSchema, odd), FormatError);
});
