import assert from "node:assert/strict";
import { confirmSignIn } from "../../client/account_flow.ts";
import { DAY, HOUR, makeWorld, MINUTE, Visitor } from "../helpers/account_world.ts";
import {
  codesIn,
  enrol,
  flowAt,
  type Guarded,
  scan,
  signInAt,
  signInToCode,
  signUpGuarded,
} from "../helpers/guarded.ts";
import {
  deviceMaterial,
  enterFirstFactor,
  enterPassword,
  renew,
  signUp,
} from "../helpers/members.ts";

const PATH = "/settings/second-factor";

/** Signs in at a new place with a code; the refusal's name, or "in". */
async function enter(who: Guarded, code: string, visitor = new Visitor(who.world)) {
  const waiting = await signInToCode(visitor, who);
  const outcome = await confirmSignIn(flowAt(visitor), waiting, code);
  return outcome.ok ? "in" : outcome.code;
}

const subjects = (who: Guarded) =>
  who.world.mailer.letters.filter(({ to }) => to === who.contact).map(({ subject }) => subject);

Deno.test("somebody sets up an app, and from then on signs in with password and code", async () => {
  const world = await makeWorld();
  const ana = await signUpGuarded(world, "ana");
  const { app, codes } = await enrol(ana);
  assert.equal(codes.length, 10);
  const visitor = new Visitor(world);
  assert.equal(await enter(ana, app.code(), visitor), "in");
  const me = await visitor.api.me();
  assert.ok(me.ok && me.value.listVersion === 2);
  assert.deepEqual(subjects(ana).slice(1), [
    "Your Snug account now asks for an authenticator code",
    "A new device signed in to your Snug account",
  ]);
  world.close();
});

Deno.test("nothing is asked for until a code of the app was right", async () => {
  const world = await makeWorld();
  const ana = await signUpGuarded(world, "ana");
  const app = await scan(ana);
  const wrong = await ana.visitor.form(`${PATH}/confirm`, { code: app.code(5) });
  assert.equal(wrong.status, 422);
  assert.ok(!wrong.text.includes(app.secret.slice(0, 4)), "the key is not shown twice");
  const first = await signInAt(new Visitor(world), ana);
  assert.ok(first.ok && !("codeNeeded" in first.value));
  world.close();
});

Deno.test("a square that nobody scanned is worth nothing after a quarter of an hour", async () => {
  const world = await makeWorld();
  const ana = await signUpGuarded(world, "ana");
  const app = await scan(ana);
  world.clock.forward(15 * MINUTE + 1);
  assert.equal((await ana.visitor.form(`${PATH}/confirm`, { code: app.code() })).status, 409);
  await world.auth.purge();
  assert.equal(world.db.prepare("select count(*) as n from totp_offers").get()!["n"], 0);
  world.close();
});

Deno.test("attack: TOTP replay; a code and every earlier one is refused once it was used", async () => {
  const world = await makeWorld();
  const ana = await signUpGuarded(world, "ana");
  const { app } = await enrol(ana);
  const ahead = app.code(1);
  assert.equal(await enter(ana, ahead), "in");
  assert.equal(await enter(ana, ahead), "bad-code");
  assert.equal(await enter(ana, app.code()), "bad-code", "the step before a used one");
  world.clock.forward(MINUTE);
  assert.equal(await enter(ana, app.code()), "in");
  world.close();
});

Deno.test("attack: TOTP replay; the code that switched it on signs nobody in", async () => {
  const world = await makeWorld();
  const ana = await signUpGuarded(world, "ana");
  const app = await scan(ana);
  const code = app.code();
  assert.equal((await ana.visitor.form(`${PATH}/confirm`, { code })).status, 200);
  assert.equal(await enter(ana, code), "bad-code");
  world.close();
});

Deno.test("attack: clock skew beyond one step signs nobody in", async () => {
  const world = await makeWorld();
  const ana = await signUpGuarded(world, "ana");
  const { app } = await enrol(ana);
  assert.equal(await enter(ana, app.code(-2)), "bad-code");
  assert.equal(await enter(ana, app.code(2)), "bad-code");
  assert.equal(await enter(ana, app.code(1)), "in");
  world.close();
});

Deno.test("attack: thirty guesses at once count as thirty; five are compared, then the door is shut", async () => {
  const world = await makeWorld();
  const ana = await signUpGuarded(world, "ana");
  const { app } = await enrol(ana);
  const visitor = new Visitor(world);
  await signInToCode(visitor, ana);
  const guess = (code: string) => visitor.api.secondFactor(code);
  const wrong = Array.from({ length: 29 }, (_, i) => String(100_000 + i));
  const answers = await Promise.all([...wrong, app.code()].map(guess));
  assert.equal(answers.filter(({ ok }) => ok).length, 0);
  const codes = answers.map((answer) => answer.ok ? "in" : answer.code);
  assert.equal(codes.filter((code) => code === "bad-code").length, 5);
  assert.equal(codes.filter((code) => code === "second-factor-locked").length, 25);
  const late = await guess(app.code());
  assert.equal(late.ok ? "in" : late.code, "second-factor-locked");
  world.close();
});

Deno.test("attack: a new sign-in brings no new tries; the wait grows with the account", async () => {
  const world = await makeWorld();
  const ana = await signUpGuarded(world, "ana");
  const { app } = await enrol(ana);
  for (let i = 0; i < 5; i++) assert.equal(await enter(ana, `00000${i}`), "bad-code");
  assert.equal(await enter(ana, app.code()), "rate-limited");
  world.clock.forward(15_000);
  assert.equal(await enter(ana, "000009"), "bad-code");
  world.clock.forward(15_000);
  assert.equal(await enter(ana, app.code()), "rate-limited", "now it is 30 seconds");
  world.clock.forward(15_000);
  assert.equal(await enter(ana, app.code()), "in");
  world.close();
});

Deno.test("attack: the settings are no second door to guess codes at", async () => {
  const world = await makeWorld();
  const ana = await signUpGuarded(world, "ana");
  const { app } = await enrol(ana);
  const statuses = [];
  for (let i = 0; i < 7; i++) {
    const path = i % 2 ? `${PATH}/off` : `${PATH}/recovery-codes`;
    statuses.push((await ana.visitor.form(path, { code: `00000${i}` })).status);
  }
  assert.deepEqual(statuses, [422, 422, 422, 422, 422, 429, 429]);
  assert.equal((await ana.visitor.form(`${PATH}/off`, { code: app.code() })).status, 429);
  assert.equal(await enter(ana, app.code()), "rate-limited");
  world.close();
});

Deno.test("attack: a recovery code works once, even when it is sent thirty times at once", async () => {
  const world = await makeWorld();
  const ana = await signUpGuarded(world, "ana");
  const { codes } = await enrol(ana);
  const [first = "", second = ""] = codes;
  assert.equal(await enter(ana, first.toUpperCase().replace("-", " ")), "in");
  assert.equal(await enter(ana, first), "bad-code");
  assert.ok(subjects(ana).includes("A recovery code of your Snug account was used"));
  const visitors = Array.from({ length: 4 }, () => new Visitor(world));
  for (const visitor of visitors) await signInToCode(visitor, ana);
  const answers = await Promise.all(visitors.map(({ api }) => api.secondFactor(second)));
  assert.equal(answers.filter(({ ok }) => ok).length, 1);
  world.close();
});

Deno.test("attack: another account's recovery code and app open nothing", async () => {
  const world = await makeWorld();
  const [ana, ben] = [await signUpGuarded(world, "ana"), await signUpGuarded(world, "ben")];
  const { app, codes } = await enrol(ben);
  await enrol(ana);
  assert.equal(await enter(ana, codes[0]!), "bad-code");
  assert.equal(await enter(ana, app.code()), "bad-code");
  world.close();
});

Deno.test("attack: a login that waits for its code reaches no other route and opens no vault", async () => {
  const world = await makeWorld();
  const ana = await signUpGuarded(world, "ana");
  await enrol(ana);
  const visitor = new Visitor(world, "browser");
  const told = await enterFirstFactor(visitor, "ana", ana.password);
  const ways = ["app", "recovery-code"];
  assert.deepEqual(told, { ok: true, value: { next: "second-factor", ways, login: null } });
  for (const [method, path] of ROUTES) {
    const headers = { accept: "application/cbor", "content-type": "application/cbor" };
    const body = method === "POST" ? new Uint8Array([0xa0]) : null;
    const { status } = await visitor.request(path, { method, headers, body });
    assert.equal(status, 401, `${method} ${path}`);
  }
  const page = await visitor.request("/settings", { headers: { accept: "text/html" } });
  assert.deepEqual([page.status, page.headers.get("location")], [303, "/sign-in?next=/settings"]);
  assert.equal((await visitor.request("/")).headers.get("location"), "/sign-in");
  world.close();
});

const ROUTES: readonly ["GET" | "POST", string][] = [
  ["GET", "/api/me"],
  ["GET", "/api/people/ana"],
  ["GET", "/api/prekeys"],
  ["POST", "/api/prekeys"],
  ["GET", "/settings"],
  ["GET", "/settings/what-the-server-sees"],
  ["GET", "/settings/second-factor"],
  ["POST", "/settings/second-factor/begin"],
  ["POST", "/settings/second-factor/confirm"],
  ["POST", "/settings/second-factor/off"],
  ["POST", "/settings/second-factor/recovery-codes"],
  ["POST", "/settings/profile"],
  ["POST", "/settings/logins/end"],
  ["POST", "/settings/logins/end-others"],
  ["GET", "/settings/password"],
  ["POST", "/settings/password/start"],
  ["POST", "/settings/password/prove"],
  ["POST", "/settings/password/change"],
];

Deno.test("attack: second factor bypass; a new device cannot be named before the code", async () => {
  const world = await makeWorld();
  const member = await signUp(world, "ana", new Visitor(world, "browser"));
  const ana = { ...member, world } as unknown as Guarded;
  await enrol(ana);
  const visitor = new Visitor(world);
  await signInToCode(visitor, ana);
  // All that a thief of the account key could make; only the code is missing.
  const entries = await world.deps.store.devices.entries(member.account, 0, 10);
  const { request } = await deviceMaterial(member, {
    ...{ next: "device", account: member.account, aik: member.keys.list.aik, entries },
    deposits: [],
    ...{ username: "ana", challenge: new Uint8Array(32), login: null },
    vault: { sealed: new Uint8Array(), generation: 1, wraps: [] },
  });
  const refused = await visitor.api.addDevice(request);
  assert.equal(refused.ok ? "in" : refused.code, "sign-in-needed");
  const head = await world.deps.store.devices.head(member.account);
  assert.equal(head?.version, 1);
  world.close();
});

Deno.test("attack: second factor bypass; a sign-in begun before it was switched on has ended", async () => {
  const world = await makeWorld();
  const member = await signUp(world, "ana", new Visitor(world, "browser"));
  const ana = { ...member, world } as unknown as Guarded;
  const thief = new Visitor(world);
  const finish = await enterPassword(thief, "ana", member.password);
  assert.ok(finish.ok);
  await enrol(ana);
  const { request } = await deviceMaterial(member, finish.value);
  const refused = await thief.api.addDevice(request);
  assert.equal(refused.ok ? "in" : refused.code, "sign-in-needed");
  world.close();
});

Deno.test("a device renews its login by its key as before, without a code", async () => {
  const world = await makeWorld();
  const member = await signUp(world, "ana", new Visitor(world, "browser"));
  await enrol({ ...member, world } as unknown as Guarded);
  const renewed = await renew(new Visitor(world), member.keys.device);
  assert.ok(renewed.ok);
  world.close();
});

Deno.test("switching off and new recovery codes need a code, and the owner hears of both", async () => {
  const world = await makeWorld();
  const ana = await signUpGuarded(world, "ana");
  const { app, codes } = await enrol(ana);
  assert.equal((await ana.visitor.form(`${PATH}/off`, { code: "" })).status, 422);
  const renewed = await ana.visitor.form(`${PATH}/recovery-codes`, { code: app.code() });
  const fresh = codesIn(renewed.text);
  assert.equal(fresh.length, 10);
  assert.equal(await enter(ana, codes[0]!), "bad-code", "the old ones are gone");
  const off = await ana.visitor.form(`${PATH}/off`, { code: fresh[0]! });
  assert.equal(off.headers.get("location"), "/settings?done=second-factor-off");
  const first = await signInAt(new Visitor(world), ana);
  assert.ok(first.ok && !("codeNeeded" in first.value));
  for (const table of ["totp", "recovery_codes", "totp_offers"] as const) {
    assert.equal(countOf(world.db, table), 0, table);
  }
  assert.deepEqual(
    subjects(ana).filter((subject) => /recovery codes$|no longer/.test(subject)),
    [
      "Your Snug account has new recovery codes",
      "Your Snug account no longer asks for an authenticator code",
    ],
  );
  world.close();
});

function countOf(
  db: { prepare(sql: string): { get(): Record<string, unknown> | undefined } },
  table: "totp" | "recovery_codes" | "totp_offers",
): unknown {
  const queries = {
    totp: "select count(*) as n from totp",
    recovery_codes: "select count(*) as n from recovery_codes",
    totp_offers: "select count(*) as n from totp_offers",
  };
  return db.prepare(queries[table]).get()!["n"];
}

Deno.test("attack: whoever finds a browser signed in since yesterday cannot lock its owner out", async () => {
  const world = await makeWorld();
  const ana = await signUpGuarded(world, "ana");
  world.clock.forward(HOUR);
  const begun = await ana.visitor.form(`${PATH}/begin`, {});
  assert.equal(begun.headers.get("HX-Redirect"), `/sign-in?next=${PATH}`);
  assert.ok(!begun.text.includes("otpauth"));
  world.clock.forward(DAY);
  assert.equal((await ana.visitor.request(PATH)).status, 200, "looking is still allowed");
  world.close();
});
