import assert from "node:assert/strict";
import { decode } from "../../protocol/codec.ts";
import { errorAnswer } from "../../protocol/api.ts";
import { REFUSALS, wordsOf } from "../../routes/refusals.ts";
import { HOUR, makeWorld, Visitor } from "../helpers/account_world.ts";
import { signUp } from "../helpers/members.ts";

const FORM = { username: "ana", fullName: "Ana", contact: "ana@example.org" };

Deno.test("the pages are whole, with the answer's nonce on every script, and are never cached", async () => {
  const world = await makeWorld();
  for (const path of ["/sign-up", "/sign-in"]) {
    const { status, headers, text } = await new Visitor(world, "browser").request(path);
    assert.equal(status, 200);
    assert.match(text, /^<!DOCTYPE html><html lang="en">/);
    const nonce = /script-src 'nonce-([^']+)'/.exec(headers.get("content-security-policy")!)?.[1];
    const scripts = [...text.matchAll(/<script [^>]*>/g)].map(([tag]) => tag);
    assert.ok(scripts.length >= 2 && nonce !== undefined);
    for (const script of scripts) assert.ok(script.includes(`nonce="${nonce}"`), script);
    assert.equal(headers.get("cache-control"), "no-store");
    assert.equal(headers.get("set-cookie"), null);
  }
  world.close();
});

Deno.test("a field is judged while it is typed, whether htmx sends it alone or with its form", async () => {
  const world = await makeWorld();
  await signUp(world, "ben");
  const visitor = new Visitor(world, "browser");
  const check = async (fields: Record<string, string>, source?: string) => {
    const headers = source === undefined ? {} : { "hx-source": source };
    const { status, text } = await visitor.form("/sign-up/check", fields, headers);
    return `${status} ${/data-state="(\w+)"[^>]*>([^<]*)/.exec(text)?.slice(1).join(" ")}`;
  };
  assert.equal(await check({ username: "ana" }), "200 ok That one is free.");
  assert.match(await check({ username: "Ben" }), /^200 bad That username is taken/);
  assert.match(await check({ username: "a" }), /^200 bad Use 3 to 32/);
  assert.match(await check({ username: "" }), /^200 quiet/);
  assert.match(await check({ ...FORM, contact: "nowhere" }, "input#contact"), /^200 bad/);
  assert.match(await check({ ...FORM, username: "ben" }, "input#fullName"), /^200 ok/);
  assert.match(await check({ contact: "ben@example.org" }), /^200 ok/, "used or not: the same");
  assert.match(await check({ ...FORM }), /^400/);
  assert.match(await check({ username: "ana", admin: "1" }), /^400/);
  world.close();
});

Deno.test("attack: asking for every name in the book is limited", async () => {
  const world = await makeWorld({ limits: { nameChecksPerIpHour: 5 } });
  const visitor = new Visitor(world, "browser");
  const states = [];
  for (let i = 0; i < 6; i++) {
    const { text } = await visitor.form("/sign-up/check", { username: `name_${i}` });
    states.push(/data-state="(\w+)"/.exec(text)?.[1]);
  }
  assert.deepEqual(states, ["ok", "ok", "ok", "ok", "ok", "bad"]);
  assert.ok(visitor.last!.headers.has("retry-after"));
  assert.equal((await visitor.form("/sign-up", FORM)).status, 429);
  world.clock.forward(HOUR);
  assert.equal((await visitor.form("/sign-up", FORM)).status, 200);
  world.close();
});

Deno.test("programs get CBOR, people get a part of the page, for one and the same refusal", async () => {
  const world = await makeWorld();
  const visitor = new Visitor(world, "browser");
  const bad = { ...FORM, contact: "nowhere" };
  const html = await visitor.form("/sign-up", bad);
  assert.equal(html.status, 422);
  assert.match(html.headers.get("content-type")!, /^text\/html/);
  assert.match(html.text, /^<form id="sign-up"/);
  const cbor = await visitor.form("/sign-up", bad, { accept: "application/cbor" });
  assert.equal(cbor.status, 422);
  const { code, message, retryAfter } = decode(errorAnswer, cbor.body);
  assert.deepEqual([code, retryAfter], ["bad-contact", null]);
  assert.ok(html.text.includes(message));
  world.close();
});

Deno.test("without htmx a refused form comes back as a whole page", async () => {
  const world = await makeWorld();
  const visitor = new Visitor(world, "browser");
  const sent = await visitor.request("/sign-up", {
    method: "POST",
    headers: { "content-type": "application/x-www-form-urlencoded" },
    body: new URLSearchParams({ ...FORM, username: "a" }).toString(),
  });
  assert.equal(sent.status, 422);
  assert.match(sent.text, /^<!DOCTYPE html>/);
  world.close();
});

Deno.test("attack: other kinds of body, broken CBOR and fields that nobody knows are refused", async () => {
  const world = await makeWorld();
  const visitor = new Visitor(world);
  const post = async (path: string, type: string, body: string | Uint8Array<ArrayBuffer>) =>
    (await visitor.request(path, { method: "POST", headers: { "content-type": type }, body }))
      .status;
  const cborPaths = [
    "/sign-in",
    "/sign-in/finish",
    "/sign-up/password",
    "/sign-up/account",
    "/api/login",
  ];
  for (const path of cborPaths) {
    assert.equal(await post(path, "application/json", "{}"), 415);
    assert.equal(await post(path, "application/cbor", ""), 400);
    assert.equal(await post(path, "application/cbor", new Uint8Array([0xa0])), 400);
    assert.equal(await post(path, "application/cbor", new Uint8Array(50_000).fill(0x81)), 400);
  }
  for (const path of ["/sign-up", "/sign-up/code", "/sign-up/check", "/sign-up/resend"]) {
    assert.equal(await post(path, "application/cbor", new Uint8Array([0xa0])), 415);
    assert.equal(await post(path, "application/x-www-form-urlencoded", "__proto__=1&x=2"), 400);
    assert.equal(await post(path, "application/x-www-form-urlencoded", "a=1".repeat(10_000)), 400);
  }
  world.close();
});

Deno.test("attack: markup in every field of the form comes back as text", async () => {
  const world = await makeWorld();
  const evil = '"><img src=x onerror=alert(1)><script>alert(1)</script>';
  const visitor = new Visitor(world, "browser");
  const back = await visitor.form("/sign-up", {
    username: evil,
    fullName: evil,
    contact: evil,
    invite: evil,
  });
  assert.doesNotMatch(back.text, /<img|<script/);
  world.close();
});

Deno.test("attack: an invite in an address, where every proxy would log it, is not taken", async () => {
  const world = await makeWorld({ registration: "invite" });
  const visitor = new Visitor(world, "browser");
  const secret = "A".repeat(43);
  const page = await visitor.request(`/sign-up?invite=${secret}`);
  assert.equal(page.status, 403);
  assert.match(page.text, /takes people by invitation/);
  assert.ok(!page.text.includes(secret));
  world.close();
});

Deno.test("the page of a refused sign-up and every refusal say what to do", () => {
  for (const [code, { status, words }] of Object.entries(REFUSALS)) {
    assert.ok(status >= 400 && status < 600, code);
    assert.match(words, /^[A-Z].{10,}\.$/, code);
    assert.doesNotMatch(words, /error|invalid|fail|token/i, code);
  }
});

Deno.test("waits and tries are told in words", () => {
  const limited = (retryAfter: number) => wordsOf({ code: "rate-limited", retryAfter });
  assert.match(limited(1), /Wait a second, then try again\.$/);
  assert.match(limited(45), /Wait 45 seconds/);
  assert.match(limited(600), /Wait 10 minutes/);
  assert.match(limited(7_200), /Wait 2 hours/);
  assert.match(wordsOf({ code: "bad-code", triesLeft: 1 }), /one try left/);
});
