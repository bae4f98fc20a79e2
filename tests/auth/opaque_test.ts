import assert from "node:assert/strict";
import { client, ready } from "@serenity-kit/opaque";
import { createOpaque, makeServerSetup } from "../../auth/opaque.ts";
import { randomId } from "../../protocol/ids.ts";

const keyStretching = { "argon2id-custom": { iterations: 1, memory: 8, parallelism: 1 } };

async function registered(password: string) {
  const opaque = createOpaque({
    opaqueSetup: await makeServerSetup(),
    codeKey: new Uint8Array(32),
  });
  const account = randomId<"account">();
  await ready;
  const { clientRegistrationState, registrationRequest } = client.startRegistration({ password });
  const registrationResponse = (await opaque.registrationResponse(account, registrationRequest))!;
  const { registrationRecord: record, exportKey } = client.finishRegistration({
    ...{ password, clientRegistrationState, registrationResponse, keyStretching },
  });
  return { opaque, account, record, exportKey };
}

Deno.test("the right password signs in and gives the same export key, a wrong one neither", async () => {
  const { opaque, account, record, exportKey } = await registered("right");
  const login = async (password: string) => {
    const { clientLoginState, startLoginRequest } = client.startLogin({ password });
    const started = (await opaque.startLogin(account, record, startLoginRequest))!;
    const loginResponse = started.response;
    const finished = client.finishLogin({
      clientLoginState,
      loginResponse,
      password,
      keyStretching,
    });
    return { state: started.state, finished };
  };
  const right = await login("right");
  assert.equal(right.finished!.exportKey, exportKey);
  assert.equal(await opaque.finishLogin(right.state, right.finished!.finishLoginRequest), true);
  const wrong = await login("wrong");
  assert.equal(wrong.finished, undefined);
  assert.equal(await opaque.finishLogin(wrong.state, right.finished!.finishLoginRequest), false);
});

Deno.test("a record is told from nonsense", async () => {
  const { opaque, record } = await registered("right");
  assert.equal(await opaque.isRecord(record), true);
  for (const bad of ["", "A", "A".repeat(256), record.slice(1), "!".repeat(256)]) {
    assert.equal(await opaque.isRecord(bad), false, bad.slice(0, 10));
  }
});

Deno.test("the record of one account is worthless under the id of another", async () => {
  const { opaque, record } = await registered("right");
  const { clientLoginState, startLoginRequest } = client.startLogin({ password: "right" });
  const started = (await opaque.startLogin(randomId<"account">(), record, startLoginRequest))!;
  const loginResponse = started.response;
  const password = "right";
  assert.equal(
    client.finishLogin({ clientLoginState, loginResponse, password, keyStretching }),
    undefined,
  );
});

Deno.test("a name that nobody has stands in by an id of its own, always the same", async () => {
  const { opaque } = await registered("x");
  assert.equal(opaque.standIn("nobody"), opaque.standIn("nobody"));
  assert.notEqual(opaque.standIn("nobody"), opaque.standIn("nobody2"));
});
