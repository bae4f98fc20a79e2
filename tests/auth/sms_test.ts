import assert from "node:assert/strict";
import { createChannels } from "../../auth/channels.ts";
import { createLetterWriter, type Letter } from "../../auth/letters.ts";
import { createSmsChannel, signSms, SmsError } from "../../auth/sms.ts";
import { fakeRandom, makeWorld, NOON, ORIGIN, value, Visitor } from "../helpers/account_world.ts";
import { openSmsSink, type SmsSink } from "../helpers/sms_sink.ts";

const SECRET = "a secret of 16 or more";
const TO = { kind: "phone", address: "+491701234567", language: "en" } as const;
const letter = createLetterWriter(ORIGIN).code(TO, "sign-up", "012345", 10);
// node:http keeps handles for a moment after close.
const loose = { sanitizeOps: false, sanitizeResources: false };

interface Sender {
  readonly sink: SmsSink;
  readonly waits: number[];
  send(letter: Letter): Promise<void>;
}

async function sender(
  statuses: readonly number[],
  more: { secret?: string; location?: string; timeoutMs?: number } = {},
): Promise<Sender> {
  const { secret = SECRET, location, timeoutMs } = more;
  const now = () => NOON;
  const sink = await openSmsSink({ secret, now, statuses, ...(location ? { location } : {}) });
  const waits: number[] = [];
  const wait = (ms: number) => Promise.resolve(void waits.push(ms));
  const channel = createSmsChannel({
    ...{ url: sink.url, secret: SECRET, now, random: fakeRandom("sms"), wait },
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
  });
  return { sink, waits, send: (one) => channel.send(one) };
}

Deno.test({
  name: "a code for a phone is one signed POST, and the receiver can tell that it is ours",
  ...loose,
  async fn() {
    const { sink, waits, send } = await sender([204]);
    await send(letter);
    assert.equal(sink.requests.length, 1);
    const [{ method, to, text, id, signed }] = sink.requests as [typeof sink.requests[0] & object];
    assert.deepEqual([method, to, signed], ["POST", "+491701234567", true]);
    assert.match(text, /^012345 is your Snug code to sign up at chat\.example\.org\. Good for 10/);
    assert.match(id, /^[0-9a-f]{32}$/);
    assert.deepEqual(waits, []);
    await sink.close();
  },
});

Deno.test({
  name: "attack: under another secret, or at another time, the signature is not right",
  ...loose,
  async fn() {
    const other = await sender([204], { secret: "another secret of 16" });
    await other.send(letter);
    assert.equal(other.sink.requests[0]!.signed, false);
    await other.sink.close();
    assert.notEqual(signSms(SECRET, 1, "{}"), signSms(SECRET, 2, "{}"));
    assert.notEqual(signSms(SECRET, 1, "{}"), signSms(SECRET, 1, "{ }"));
    // RFC 4231 has no case of this shape; the example of docs/accounts.md.
    assert.equal(
      signSms("0123456789abcdef", 1_767_355_200, '{"id":"1","to":"+491701234567","text":"hi"}'),
      "0a46370829932e63b2d57948fdea22a231d9cedebdaf8272e0069e52c482fc3f",
    );
  },
});

Deno.test({
  name: "a server that is in trouble is asked again, under the same id, after growing waits",
  ...loose,
  async fn() {
    const { sink, waits, send } = await sender([503, 429, 200]);
    await send(letter);
    assert.equal(new Set(sink.requests.map(({ id }) => id)).size, 1);
    assert.deepEqual([sink.requests.length, waits], [3, [500, 2_000]]);
    assert.ok(sink.requests.every(({ signed }) => signed));
    await sink.close();
    const broken = await sender([500]);
    await assert.rejects(() => broken.send(letter), new SmsError("the webhook answers 500", true));
    assert.equal(broken.sink.requests.length, 3);
    await broken.sink.close();
  },
});

Deno.test({
  name: "who says no is not asked again",
  ...loose,
  async fn() {
    for (const status of [400, 401, 404, 410, 422]) {
      const { sink, waits, send } = await sender([status]);
      await assert.rejects(
        () => send(letter),
        new SmsError(`the webhook answers ${status}`, false),
      );
      assert.deepEqual([sink.requests.length, waits], [1, []]);
      await sink.close();
    }
  },
});

Deno.test({
  name: "attack: a redirect is not followed, so number and code go nowhere else",
  ...loose,
  async fn() {
    const elsewhere = await sender([204]);
    for (const status of [301, 302, 307, 308]) {
      const { sink, send } = await sender([status], { location: elsewhere.sink.url });
      await assert.rejects(() => send(letter), SmsError);
      assert.equal(sink.requests.length, 1);
      await sink.close();
    }
    assert.equal(elsewhere.sink.requests.length, 0);
    await elsewhere.sink.close();
  },
});

Deno.test({
  name: "who takes the message and never answers is given up, and so is who is not there",
  ...loose,
  async fn() {
    const { sink, waits, send } = await sender([0], { timeoutMs: 60 });
    await assert.rejects(() => send(letter), /does not answer \(TimeoutError\)/);
    assert.deepEqual([sink.requests.length, waits.length], [3, 2]);
    await sink.close();
    await assert.rejects(() => send(letter), /does not answer/);
  },
});

Deno.test("attack: nothing but a number in E.164 is handed to the webhook", async () => {
  const channel = createSmsChannel({
    ...{ url: "http://127.0.0.1:1/", secret: SECRET, now: () => NOON, random: fakeRandom("x") },
    wait: () => Promise.resolve(),
  });
  for (const to of ["ana@example.org", "+49\r\nX: y", "+491701234567,+4917", "", "0170"]) {
    await assert.rejects(() => channel.send({ ...letter, to }), RangeError);
  }
});

Deno.test({
  name: "somebody signs up with a phone number, and the code comes by the webhook",
  ...loose,
  async fn() {
    const { sink, send } = await sender([204]);
    const world = await makeWorld();
    world.mailer.send = send;
    const visitor = new Visitor(world);
    const form = { username: "ana", fullName: "Ana", contact: "+49 170 1234567" };
    value(await visitor.api.signUp(form));
    const code = /^\d{6}/.exec(sink.requests[0]!.text)![0];
    value(await visitor.api.confirm(code));
    world.close();
    await sink.close();
  },
});

Deno.test("each letter goes its own way, and to the console where there is none", async () => {
  const went: string[] = [];
  const way = (name: string) => ({
    send: () => Promise.resolve(void went.push(name)),
    close: () => void went.push(`${name} closed`),
  });
  const mail = { ...letter, kind: "email" } as const;
  const both = createChannels({ smtp: way("smtp"), sms: way("sms"), outbox: way("outbox") });
  await both.send(letter);
  await both.send(mail);
  both.close();
  const neither = createChannels({ smtp: null, sms: null, outbox: way("outbox") });
  await neither.send(letter);
  await neither.send(mail);
  neither.close();
  assert.deepEqual(went, [
    ...["sms", "smtp", "smtp closed", "outbox closed"],
    ...["outbox", "outbox", "outbox closed"],
  ]);
});
