import assert from "node:assert/strict";
import { COMMAND_LINE, type UserAct } from "../../auth/mod.ts";
import { codeOf, DAY, makeWorld, value, Visitor, type World } from "../helpers/account_world.ts";
import {
  deviceMaterial,
  enterFirstFactor,
  enterPassword,
  renew,
  signInAgain,
  signUp,
} from "../helpers/members.ts";

/** The first account runs the server. */
async function two(options: Parameters<typeof makeWorld>[0] = {}) {
  const world = await makeWorld(options);
  const olga = await signUp(world, "olga");
  const ana = await signUp(world, "ana");
  const actor = { account: olga.account, name: "olga" };
  const act = (kind: UserAct, account = ana.account) => world.auth.admin.act(actor, kind, account);
  return { world, olga, ana, actor, act };
}

const acts = async (world: World) =>
  (await world.auth.admin.acts(Number.MAX_SAFE_INTEGER)).map(({ entry }) =>
    `${entry.actorName} ${entry.act} ${entry.subjectName} ${entry.detail}`.trim()
  );

const subjects = (world: World, address: string) =>
  world.mailer.letters.filter(({ to }) => to === address).map(({ subject }) => subject);

Deno.test("people are found by parts of their names and addresses, page by page", async () => {
  const { world, ana } = await two();
  const { admin } = world.auth;
  const found = async (search: string) =>
    (await admin.users(search, "")).users.map(({ username }) => username);
  assert.deepEqual(await found(""), ["ana", "olga"]);
  assert.deepEqual(await found(" @AN "), ["ana"]);
  assert.deepEqual(await found("the olga"), ["olga"]);
  assert.deepEqual(await found("ana@example"), ["ana"]);
  for (const odd of ["%", "_", "' or 1=1 --", "\\", "a".repeat(500)]) {
    assert.deepEqual(await found(odd), [], odd);
  }
  const copy = world.db.prepare(`
    insert into accounts (id, username, full_name, contact_kind, contact, contact_key, language,
    password_record, aik, list_version, list_hash, admin, made)
    select substr(? || id, 1, 22), ?, full_name, contact_kind, contact, ? || contact_key, language,
    password_record, aik, list_version, list_hash, 0, made from accounts where id = ?
  `);
  for (let n = 10; n < 70; n++) copy.run(`x${n}`, `copy_${n}`, `x${n}`, ana.account);
  const pages: number[] = [];
  const names: string[] = [];
  for (let after: string | null = ""; after !== null;) {
    const page = await admin.users("", after);
    pages.push(page.users.length);
    names.push(...page.users.map(({ username }) => username));
    after = page.next;
  }
  assert.deepEqual(pages, [25, 25, 12]);
  assert.equal(new Set(names).size, 62);
  world.close();
});

Deno.test("an account that is switched off has no login left, gets none, and is told so after a right proof only", async () => {
  const { world, ana, act } = await two();
  const before = await enterFirstFactor(ana.visitor, "ana", "not the password");
  assert.ok((await act("disable")).ok);
  assert.equal(world.ended.length, 1, "its socket is closed");
  assert.equal(codeOf(await ana.visitor.api.me()), "sign-in-needed");
  assert.equal(codeOf(await renew(ana.visitor, ana.keys.device)), "account-disabled");
  assert.equal(
    codeOf(await enterFirstFactor(ana.visitor, "ana", ana.password)),
    "account-disabled",
  );
  const wrong = await enterFirstFactor(ana.visitor, "ana", "not the password");
  assert.deepEqual(wrong, before, "a guesser learns nothing");
  assert.deepEqual(await world.auth.logins.list(ana.account), []);
  assert.deepEqual(subjects(world, ana.contact).at(-1), "Your Snug account was switched off");

  assert.ok((await act("enable")).ok);
  assert.ok((await renew(ana.visitor, ana.keys.device)).ok, "its devices go on by themselves");
  assert.ok((await ana.visitor.api.me()).ok);
  assert.deepEqual(await acts(world), ["olga enable ana", "olga disable ana"]);
  world.close();
});

Deno.test("attack: a sign-in that is under way while the account is switched off ends with nothing", async () => {
  const { world, ana, act } = await two();
  const { row } = world.auth.logins.issue(ana.account, ana.keys.device.device, "full");
  assert.ok((await act("disable")).ok);
  await world.deps.store.logins.insert(row);
  assert.equal(await world.deps.store.logins.find(row.hash), null);
  world.close();
});

Deno.test("signed out everywhere means that every device needs the password", async () => {
  const { world, ana, act } = await two();
  const second = await signInAgain(ana);
  world.ended.splice(0);
  assert.ok((await act("sign-out")).ok);
  assert.equal(world.ended.length, 2);
  for (const { visitor, keys } of [{ visitor: ana.visitor, keys: ana.keys.device }, second]) {
    assert.equal(codeOf(await visitor.api.me()), "sign-in-needed");
    assert.equal(codeOf(await renew(visitor, keys)), "bad-proof");
  }
  world.close();
});

Deno.test("the last admin can be neither removed nor cut off, and a disabled admin does not count", async () => {
  const { world, olga, ana, act } = await two();
  const kinds: UserAct[] = ["disable", "unmake-admin", "delete"];
  for (const kind of kinds) {
    const done = await act(kind, olga.account);
    assert.deepEqual(done, { ok: false, refusal: { code: "last-admin" } }, kind);
  }
  assert.deepEqual(await acts(world), [], "what was refused is not in the log");
  assert.ok((await act("make-admin")).ok);
  assert.ok((await act("disable")).ok);
  assert.equal((await act("unmake-admin", olga.account)).ok, false);
  assert.ok((await act("enable")).ok);
  assert.ok((await act("unmake-admin", olga.account)).ok);
  assert.equal((await world.deps.store.accounts.byId(ana.account))!.admin, true);
  assert.equal((await act("delete", ana.account)).ok, false);
  world.close();
});

Deno.test("a deleted account leaves its name in the log and nothing else", async () => {
  const { world, ana, act } = await two();
  assert.ok((await act("delete")).ok);
  assert.equal(await world.deps.store.accounts.byId(ana.account), null);
  const kept = await world.deps.store.footprints.of(ana.account);
  const left = kept.filter(({ rows }) => rows > 0).map(({ table }) => table);
  assert.deepEqual(left, ["admin_acts"]);
  assert.deepEqual(await acts(world), ["olga delete ana"]);
  assert.equal((await act("delete")).ok, false, "there is nobody any more");
  world.close();
});

Deno.test("taking the second factor away ends every login, writes to the owner, and leaves the password", async () => {
  const { world, ana, act } = await two();
  world.db.prepare("insert into totp (account, sealed, last_step, made) values (?, x'00', 0, 0)")
    .run(ana.account);
  assert.ok((await world.auth.admin.user(ana.account)).ok);
  assert.ok((await act("reset-second-factor")).ok);
  assert.equal(await world.auth.secondFactors.status(ana.account), null);
  assert.equal(codeOf(await ana.visitor.api.me()), "sign-in-needed");
  const step = await enterFirstFactor(ana.visitor, "ana", ana.password);
  assert.ok(step.ok && step.value.next === "device");
  assert.match(
    subjects(world, ana.contact).join(),
    /second factor of your Snug account was taken away/,
  );
  world.close();
});

Deno.test("who may sign up changes in the running server, survives a restart, and yields to the start", async () => {
  const path = await Deno.makeTempFile({ suffix: ".db" });
  const first = await makeWorld({ path });
  await signUp(first, "olga");
  assert.ok((await first.auth.admin.setRegistration(COMMAND_LINE, "closed")).ok);
  const admits = async (world: World) => (await world.auth.signUp.admits(undefined)).ok;
  assert.equal(await admits(first), false);
  first.close();
  const second = await makeWorld({ path });
  assert.equal(await admits(second), false);
  second.close();
  const fixed = await makeWorld({ path, registration: "open", registrationGiven: true });
  assert.equal(await admits(fixed), true);
  assert.deepEqual(await fixed.auth.admin.setRegistration(COMMAND_LINE, "closed"), {
    ...{ ok: false, refusal: { code: "set-at-start" } },
  });
  fixed.close();
  await Deno.remove(path);
});

Deno.test("a limit changes for the next request, and only where that is safe", async () => {
  const { world, ana, actor } = await two({ limitsGiven: new Set(["prekeysPerHour"]) });
  const { admin } = world.auth;
  const set = async (name: string, value: number | null) => {
    const done = await admin.setLimit(actor, name, value);
    return done.ok ? "done" : done.refusal.code;
  };
  assert.equal(await set("lookupsPerHour", 1), "done");
  assert.ok((await ana.visitor.api.person("olga")).ok);
  assert.equal(codeOf(await ana.visitor.api.person("olga")), "rate-limited");
  assert.equal(await set("lookupsPerHour", null), "done");
  assert.ok((await ana.visitor.api.person("olga")).ok);
  assert.equal(await set("lookupsPerHour", 0), "bad-limit");
  assert.equal(await set("lookupsPerHour", NaN), "bad-limit");
  assert.equal(await set("lookupsPerHour", 1.5), "bad-limit");
  for (const name of ["sockets", "loginSeconds", "nonsense", "__proto__", "toString"]) {
    assert.equal(await set(name, 5), "no-such-limit", name);
  }
  assert.equal(await set("prekeysPerHour", 5), "set-at-start");
  assert.deepEqual(await acts(world), [
    "olga limit  lookupsPerHour = default",
    "olga limit  lookupsPerHour = 1",
  ]);
  world.close();
});

Deno.test("where everybody needs a second factor, whoever has none can only set one up", async () => {
  const { world, olga, ana, actor } = await two();
  const { admin, logins } = world.auth;
  assert.ok((await admin.setSecondFactorRequired(actor, true)).ok);
  assert.equal(codeOf(await ana.visitor.api.me()), "second-factor-required");
  assert.equal(codeOf(await renew(ana.visitor, ana.keys.device)), "second-factor-required");
  assert.equal(codeOf(await olga.visitor.api.me()), "second-factor-required", "admins too");
  assert.ok(world.ended.length >= 2, "their sockets are closed");
  const step = await enterFirstFactor(new Visitor(world), "ana", ana.password);
  assert.ok(step.ok, "the password is right");
  const terminal = new Visitor(world);
  const finish = value(await enterPassword(terminal, "ana", ana.password));
  const { request } = await deviceMaterial(ana, finish);
  assert.equal(codeOf(await terminal.api.addDevice(request)), "second-factor-required");
  const form = { username: "zoe", fullName: "Zoe", contact: "zoe@example.org" };
  assert.equal(codeOf(await terminal.api.signUp(form)), "second-factor-required");
  const browser = new Visitor(world, "browser");
  value(await browser.api.signUp(form));
  world.db.prepare("insert into totp (account, sealed, last_step, made) values (?, x'00', 0, 0)")
    .run(ana.account);
  assert.ok((await ana.visitor.api.me()).ok, "with one, the same login is good again");
  assert.ok((await admin.setSecondFactorRequired(actor, false)).ok);
  assert.ok((await olga.visitor.api.me()).ok);
  assert.equal((await logins.list(olga.account)).length, 1, "nobody was signed out");
  world.close();
});

Deno.test("the area asks for a sign-in by password of the last 30 days, by an admin who is one now", async () => {
  const { world, olga, ana, act } = await two();
  const { admin, logins } = world.auth;
  const headers = new Headers({ authorization: `Bearer ${bearerOf(olga)}` });
  const login = (await logins.authenticateOwner(headers))!;
  assert.deepEqual(await admin.actorOf(login), { account: olga.account, name: "olga" });
  assert.ok(admin.isFresh(login));
  world.clock.forward(DAY);
  assert.equal(admin.isFresh((await logins.authenticateOwner(headers))!), false);
  assert.ok((await act("make-admin")).ok);
  assert.ok((await act("unmake-admin", olga.account)).ok);
  assert.equal(await admin.actorOf((await logins.authenticateOwner(headers))!), null);
  assert.ok(ana.account);
  world.close();
});

function bearerOf({ visitor }: { visitor: { api: { login: string | null } } }): string {
  assert.ok(visitor.api.login);
  return visitor.api.login;
}
