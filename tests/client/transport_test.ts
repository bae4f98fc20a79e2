import assert from "node:assert/strict";
import {
  accountAnswer,
  errorAnswer,
  meAnswer,
  personAnswer,
  signUpAnswer,
} from "../../protocol/api.ts";
import { encode } from "../../protocol/codec.ts";
import { randomId } from "../../protocol/ids.ts";
import { createApi } from "../../client/account_transport.ts";
import type { HttpRequest, HttpResponse } from "../../client/transport.ts";

const ORIGIN = "https://chat.example.org";

function answering(...answers: (HttpResponse | Error)[]) {
  const requests: HttpRequest[] = [];
  const send = (request: HttpRequest) => {
    requests.push(request);
    const answer = answers.shift()!;
    return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
  };
  return { requests, api: createApi({ origin: ORIGIN, send, terminal: true }) };
}

function response(status: number, body: Uint8Array, headers: Record<string, string> = {}) {
  return { status, headers: new Headers(headers), body: new Uint8Array(body) };
}

const me = {
  account: randomId<"account">(),
  device: randomId<"device">(),
  username: "ana",
  fullName: "Ana",
  listVersion: 1,
};

Deno.test("an answer is read by its schema, and anything else is no answer", async () => {
  const { api } = answering(
    response(200, encode(meAnswer, me)),
    response(
      200,
      encode(personAnswer, { account: me.account, username: "ana", fullName: "Ana", entries: [] }),
    ),
    response(200, new Uint8Array([0xff, 1, 2])),
  );
  assert.deepEqual(await api.me(), { ok: true, value: me });
  for (let i = 0; i < 2; i++) {
    const result = await api.me();
    assert.ok(!result.ok && result.code === "bad-answer", JSON.stringify(result));
  }
});

Deno.test("a refusal carries code, words and how long to wait", async () => {
  const body = encode(errorAnswer, { code: "rate-limited", message: "Slowly.", retryAfter: 7 });
  const { api } = answering(
    response(429, body),
    response(429, new Uint8Array(), { "retry-after": "9" }),
    response(502, new Uint8Array([60, 104])),
    new TypeError("no network"),
  );
  const read = async () => {
    const result = await api.me();
    return result.ok ? null : [result.status, result.code, result.retryAfter];
  };
  assert.deepEqual(await read(), [429, "rate-limited", 7]);
  assert.deepEqual(await read(), [429, "too-many", 9]);
  assert.deepEqual(await read(), [502, "internal", null]);
  assert.deepEqual(await read(), [0, "offline", null]);
});

Deno.test("a terminal holds its challenge and its login itself and sends both back", async () => {
  const challenge = "c".repeat(43);
  const login = "l".repeat(43);
  const { account, device, username } = me;
  const { api, requests } = answering(
    response(200, encode(signUpAnswer, { next: "code", challenge })),
    response(200, encode(accountAnswer, { account, device, username, login })),
    response(200, encode(meAnswer, me)),
  );
  await api.signUp({ username: "ana", fullName: "Ana & Co", contact: "ana@example.org" });
  assert.equal(requests[0]!.body, "username=ana&fullName=Ana+%26+Co&contact=ana%40example.org");
  assert.equal(requests[0]!.headers["snug-client"], "terminal");
  await api.createAccount({
    record: "r",
    aik: new Uint8Array(32),
    list: { body: new Uint8Array(), signature: new Uint8Array(64) },
    device,
    prekeys: {
      bundle: { body: new Uint8Array(), signature: new Uint8Array(64) },
      lastKem: { id: 1, key: new Uint8Array(1184), signature: new Uint8Array(64) },
      oneTime: [],
      kemOnce: [],
    },
    vault: { sealed: new Uint8Array(), generation: 1, wraps: [] },
  });
  assert.equal(requests[1]!.headers["snug-challenge"], challenge);
  assert.equal(api.login, login);
  await api.me();
  assert.equal(requests[2]!.headers["authorization"], `Bearer ${login}`);
});

Deno.test("a name from outside cannot leave its place in the path", async () => {
  const { api, requests } = answering(response(404, new Uint8Array()));
  await api.person("../admin?x=1#y");
  assert.equal(requests[0]!.path, "/api/people/..%2Fadmin%3Fx%3D1%23y");
});
