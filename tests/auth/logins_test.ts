import assert from "node:assert/strict";
import { cookieValue } from "../../auth/logins.ts";
import { codeOf, DAY, HOUR, makeWorld, value, Visitor } from "../helpers/account_world.ts";
import {
  accountMaterial,
  confirmContact,
  registerPassword,
  renew,
  signInAgain,
  signUp,
} from "../helpers/members.ts";

Deno.test("a browser gets its login as a cookie that no script can read, and never in an answer", async () => {
  const world = await makeWorld();
  const visitor = new Visitor(world, "browser");
  const account = await confirmContact(visitor, "ana");
  const { request } = await accountMaterial(world, account, await registerPassword(visitor, "p"));
  const answer = value(await visitor.api.createAccount(request));
  assert.equal(answer.login, null);
  const set = visitor.last!.headers.getSetCookie();
  const login = set.find((cookie) => cookie.startsWith("__Host-snug="))!;
  assert.match(
    login,
    /^__Host-snug=[\w-]{43}; Path=\/; Secure; HttpOnly; SameSite=Strict; Max-Age=2592000$/,
  );
  assert.ok(set.some((cookie) => /^__Host-snug-challenge=;.*Max-Age=0$/.test(cookie)));
  assert.equal(value(await visitor.api.me()).account, account);
  world.close();
});

Deno.test("attack: a page that says it is a terminal gets its secrets as cookies all the same", async () => {
  const world = await makeWorld();
  const visitor = new Visitor(world, "browser");
  const sent = await visitor.form("/sign-up", {
    username: "ana",
    fullName: "Ana",
    contact: "ana@example.org",
  }, { "snug-client": "terminal", accept: "application/cbor" });
  assert.equal(sent.status, 200);
  const carried = visitor.cookies.get("__Host-snug-challenge")!;
  assert.equal(carried.length, 43);
  assert.ok(!sent.text.includes(carried));
  world.close();
});

Deno.test("only the hash of a login is in the database", async () => {
  const world = await makeWorld();
  const ana = await signUp(world, "ana");
  const stored = JSON.stringify(
    world.db.prepare("select * from logins").all(),
    (_, one) => one instanceof Uint8Array ? String.fromCharCode(...one) : one,
  );
  assert.ok(!stored.includes(ana.visitor.api.login!));
  const row = world.db.prepare("select hash from logins").get()!;
  assert.equal((row["hash"] as Uint8Array).length, 32);
  world.close();
});

Deno.test("a login ends after seven idle days, and after thirty however much it is used", async () => {
  const world = await makeWorld();
  const ana = await signUp(world, "ana");
  for (let day = 0; day < 6; day++) {
    world.clock.forward(4 * DAY);
    value(await ana.visitor.api.me());
  }
  world.clock.forward(6 * DAY);
  assert.equal(codeOf(await ana.visitor.api.me()), "sign-in-needed", "30 days");
  value(await renew(ana.visitor, ana.keys.device));
  world.clock.forward(7 * DAY);
  assert.equal(codeOf(await ana.visitor.api.me()), "sign-in-needed", "7 idle days");
  const [told, rest] = [world.ended.length, world.db.prepare("select id from logins").all()];
  await world.auth.purge();
  assert.equal(world.db.prepare("select count(*) as n from logins").get()!["n"], 0);
  const ended = rest.map(({ id }) => id);
  assert.equal(ended.length, 1);
  assert.deepEqual(world.ended.slice(told), ended, "an open socket does not outlive its login");
  world.close();
});

Deno.test("signing out ends the login on the server and tells the hub", async () => {
  const world = await makeWorld();
  const ana = await signUp(world, "ana");
  const login = await world.auth.logins.authenticate(
    new Headers({ authorization: `Bearer ${ana.visitor.api.login}` }),
  );
  const headers = { authorization: `Bearer ${ana.visitor.api.login}` };
  const out = await ana.visitor.request("/sign-out", { method: "POST", headers });
  assert.equal(out.status, 204);
  assert.deepEqual(world.ended, [login!.id]);
  assert.equal(codeOf(await ana.visitor.api.me()), "sign-in-needed");
  const twice = await ana.visitor.request("/sign-out", { method: "POST", headers });
  assert.equal(twice.status, 204);
  world.close();
});

Deno.test("ending the other logins leaves this one", async () => {
  const world = await makeWorld();
  const ana = await signUp(world, "ana");
  const second = await signInAgain(ana);
  const headers = new Headers({ authorization: `Bearer ${second.visitor.api.login}` });
  const login = (await world.auth.logins.authenticate(headers))!;
  await world.auth.logins.endOthers(login);
  assert.equal(codeOf(await ana.visitor.api.me()), "sign-in-needed");
  value(await second.visitor.api.me());
  assert.equal(world.ended.length, 1);
  world.close();
});

Deno.test("attack: a bearer login counts neither beside a cookie nor with an Origin", async () => {
  const world = await makeWorld();
  const ana = await signUp(world, "ana");
  const bearer = `Bearer ${ana.visitor.api.login}`;
  const who = (headers: Record<string, string>) =>
    world.auth.logins.authenticateDevice(new Headers(headers));
  assert.ok(await who({ authorization: bearer }));
  assert.equal(await who({ authorization: bearer, cookie: "a=b" }), null);
  assert.equal(await who({ authorization: bearer, origin: "https://chat.example.org" }), null);
  assert.equal(await who({ authorization: bearer.slice(0, -1) }), null);
  assert.equal(await who({ authorization: `${bearer}A` }), null);
  assert.equal(await who({ authorization: `Basic ${ana.visitor.api.login}` }), null);
  world.close();
});

Deno.test("attack: a login that somebody plants beside the real one makes both worthless", () => {
  assert.equal(cookieValue("a=1; __Host-snug=x; b=2", "__Host-snug"), "x");
  assert.equal(cookieValue("__Host-snug=x; __Host-snug=y", "__Host-snug"), undefined);
  assert.equal(cookieValue("__Host-snug-challenge=x", "__Host-snug"), undefined);
  assert.equal(cookieValue("x__Host-snug=x", "__Host-snug"), undefined);
});

Deno.test("attack: login fixation; a login that somebody chose is worth nothing", async () => {
  const world = await makeWorld();
  const chosen = "A".repeat(43);
  const visitor = new Visitor(world, "browser");
  visitor.cookies.set("__Host-snug", chosen);
  const account = await confirmContact(visitor, "ana");
  const { request } = await accountMaterial(world, account, await registerPassword(visitor, "p"));
  value(await visitor.api.createAccount(request));
  assert.notEqual(visitor.cookies.get("__Host-snug"), chosen);
  world.close();
});

Deno.test("the front page leads to the chat or to sign-in", async () => {
  const world = await makeWorld();
  const to = async (headers: Record<string, string>) =>
    (await new Visitor(world).request("/", { headers })).headers.get("location");
  const ana = await signUp(world, "ana");
  assert.equal(await to({}), "/sign-in");
  assert.equal(await to({ authorization: `Bearer ${ana.visitor.api.login}` }), "/chat");
  world.close();
});

Deno.test("a clock that is set back an hour signs nobody in whose login is from later", async () => {
  const world = await makeWorld();
  const ana = await signUp(world, "ana");
  world.clock.forward(-HOUR);
  assert.equal(codeOf(await ana.visitor.api.me()), "sign-in-needed");
  value(await renew(ana.visitor, ana.keys.device));
  world.close();
});
