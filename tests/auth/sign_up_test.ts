import assert from "node:assert/strict";
import { codeOf, HOUR, makeWorld, MINUTE, value, Visitor } from "../helpers/account_world.ts";
import {
  accountMaterial,
  confirmContact,
  registerPassword,
  signUp,
  withDeviceId,
} from "../helpers/members.ts";
import { createAccount } from "../../crypto/account.ts";
import { dayOf } from "../../protocol/bundle.ts";
import { randomId } from "../../protocol/ids.ts";

const FORM = { username: "ana", fullName: "Ana", contact: "ana@example.org" };

Deno.test("somebody signs up and is signed in as a device", async () => {
  const world = await makeWorld();
  const ana = await signUp(world, "ana");
  const me = value(await ana.visitor.api.me());
  const { username, fullName, account, device, listVersion } = me;
  assert.deepEqual([username, fullName, listVersion], ["ana", "The ana", 1]);
  assert.deepEqual([account, device], [ana.account, ana.keys.device.device]);
  assert.deepEqual(value(await ana.visitor.api.prekeyStock()), {
    oneTime: 3,
    kemOnce: 2,
    day: dayOf(world.clock.now()),
  });
  world.close();
});

Deno.test("the first account is the admin's, the second is not", async () => {
  const world = await makeWorld();
  const [ana, ben] = [await signUp(world, "ana"), await signUp(world, "ben")];
  const admin = async (id: typeof ana.account) => (await world.deps.store.accounts.byId(id))?.admin;
  assert.equal(await admin(ana.account), true);
  assert.equal(await admin(ben.account), false);
  world.close();
});

Deno.test("the username is kept in small letters and the full name without hidden characters", async () => {
  const world = await makeWorld();
  const visitor = new Visitor(world);
  const form = { username: " ANA_1 ", fullName: "A\u202Ena \u0000 Má", contact: "A@Example.ORG" };
  value(await visitor.api.signUp(form));
  const account = value(await visitor.api.confirm(world.mailer.code("A@Example.ORG"))).account;
  const record = await registerPassword(visitor, "p");
  const { request } = await accountMaterial(world, account, record);
  assert.equal(value(await visitor.api.createAccount(request)).username, "ana_1");
  assert.equal(value(await visitor.api.me()).fullName, "Ana Má");
  world.close();
});

Deno.test("attack: steps skipped or reordered lead nowhere", async () => {
  const world = await makeWorld();
  const nobody = new Visitor(world);
  assert.equal(codeOf(await nobody.api.confirm("123456")), "challenge-gone");
  assert.equal(codeOf(await nobody.api.resend()), "challenge-gone");
  assert.equal(codeOf(await nobody.api.registerPassword("A".repeat(43))), "challenge-gone");
  value(await nobody.api.signUp(FORM));
  assert.equal(codeOf(await nobody.api.registerPassword("A".repeat(43))), "not-confirmed");
  const { request } = await accountMaterial(world, randomId<"account">(), "x");
  assert.equal(codeOf(await nobody.api.createAccount(request)), "not-confirmed");
  assert.equal(await world.deps.store.accounts.count(), 0);
  world.close();
});

Deno.test("attack: an account made of keys for another account, another device or a half vault is refused whole", async () => {
  const world = await makeWorld();
  const visitor = new Visitor(world);
  const account = await confirmContact(visitor, "ana");
  const record = await registerPassword(visitor, "p");
  const { request } = await accountMaterial(world, account, record);
  const foreign = await accountMaterial(world, randomId<"account">(), record);
  const other = await createAccount(account, "browser", "portable", 20_000);
  const [password, recovery] = request.vault.wraps;
  const vault = request.vault;
  const bad = [
    foreign.request,
    { ...request, aik: other.list.aik },
    { ...request, list: other.entry },
    { ...request, device: other.device.device },
    { ...request, prekeys: foreign.request.prekeys },
    { ...request, vault: { ...vault, wraps: [password!] } },
    { ...request, vault: { ...vault, wraps: [password!, password!] } },
    {
      ...request,
      vault: {
        ...vault,
        wraps: [password!, recovery!, { ...password!, kind: "passkey" as const }],
      },
    },
    {
      ...request,
      vault: {
        ...vault,
        wraps: [password!, recovery!, { ...password!, sealed: new Uint8Array() }],
      },
    },
    { ...request, vault: { ...vault, sealed: new Uint8Array() } },
    { ...request, vault: { ...vault, generation: 2 } },
    { ...request, list: { ...request.list, signature: new Uint8Array(64) } },
  ];
  for (const one of bad) assert.equal(codeOf(await visitor.api.createAccount(one)), "bad-keys");
  assert.equal(
    codeOf(await visitor.api.createAccount({ ...request, record: "zzzz" })),
    "bad-input",
  );
  assert.equal(await world.deps.store.accounts.count(), 0);
  value(await visitor.api.createAccount(request));
  world.close();
});

Deno.test("attack: a new account whose device takes the id of somebody else's is refused, and theirs stays", async () => {
  const world = await makeWorld();
  const ana = await signUp(world, "ana");
  const visitor = new Visitor(world);
  const account = await confirmContact(visitor, "ben");
  const record = await registerPassword(visitor, "p");
  const { device } = ana.keys.device;
  const request = await withDeviceId(world, { account, record }, device);
  assert.equal(codeOf(await visitor.api.createAccount(request)), "bad-keys");
  assert.equal((await world.deps.store.devices.find(device))?.account, ana.account);
  assert.equal(await world.deps.store.accounts.count(), 1);
  world.close();
});

Deno.test("an account is made once: the challenge is used up by it", async () => {
  const world = await makeWorld();
  const visitor = new Visitor(world);
  const account = await confirmContact(visitor, "ana");
  const { request } = await accountMaterial(world, account, await registerPassword(visitor, "p"));
  const both = await Promise.all([
    visitor.api.createAccount(request),
    visitor.api.createAccount(request),
  ]);
  assert.deepEqual(both.map((one) => one.ok).sort(), [false, true]);
  assert.equal(codeOf(await visitor.api.createAccount(request)), "challenge-gone");
  assert.equal(await world.deps.store.accounts.count(), 1);
  world.close();
});

Deno.test("attack: two sign-ups race for one username; one wins, the other is told politely", async () => {
  const world = await makeWorld();
  const visitors = [new Visitor(world), new Visitor(world)];
  const ready = await Promise.all(visitors.map(async (visitor, i) => {
    const contact = `ana${i}@example.org`;
    value(await visitor.api.signUp({ username: "ana", fullName: "Ana", contact }));
    const { account } = value(await visitor.api.confirm(world.mailer.code(contact)));
    const record = await registerPassword(visitor, "p");
    return { visitor, request: (await accountMaterial(world, account, record)).request };
  }));
  const results = await Promise.all(
    ready.map(({ visitor, request }) => visitor.api.createAccount(request)),
  );
  assert.deepEqual(results.map((one) => one.ok).sort(), [false, true]);
  const loser = results.find((one) => !one.ok)!;
  assert.equal(codeOf(loser), "name-taken");
  assert.match(loser.ok ? "" : loser.words, /taken\. Choose another/);
  assert.equal(await world.deps.store.accounts.count(), 1);
  world.close();
});

Deno.test("attack: two sign-ups race for one address; it gets one account", async () => {
  const world = await makeWorld({ limits: { codeResendSeconds: 0 } });
  const ready = [];
  for (const username of ["ana", "ben"]) {
    const visitor = new Visitor(world);
    const contact = "one@example.org";
    value(await visitor.api.signUp({ username, fullName: "One", contact }));
    const { account } = value(await visitor.api.confirm(world.mailer.code(contact)));
    const record = await registerPassword(visitor, "p");
    ready.push({ visitor, request: (await accountMaterial(world, account, record)).request });
  }
  const results = await Promise.all(
    ready.map(({ visitor, request }) => visitor.api.createAccount(request)),
  );
  assert.deepEqual(results.map((one) => one.ok ? "ok" : one.code).sort(), ["contact-taken", "ok"]);
  world.close();
});

Deno.test("attack: a used e-mail address gets the same answer as a new one, and its owner a letter without a code", async () => {
  const world = await makeWorld();
  await signUp(world, "ana");
  world.clock.forward(HOUR);
  const answerTo = async (contact: string) => {
    const visitor = new Visitor(world, "browser");
    const sent = await visitor.form("/sign-up", { username: "eve", fullName: "Eve", contact });
    const neutral = (text: string) =>
      text.replaceAll(contact, "ADDRESS").replace(/nonce="[^"]*"/g, "");
    const headers = [...sent.headers].map(([name, text]) => [
      name,
      neutral(text).replace(/snug-challenge=[^;]*/, "").replace(/nonce-[^']*/g, ""),
    ]);
    const withoutNonce = neutral(sent.text).replace(/hx-nonce="[^"]*"/g, "");
    return { visitor, status: sent.status, headers, text: withoutNonce };
  };
  const used = await answerTo("ANA@example.org");
  const fresh = await answerTo("eve@example.org");
  assert.equal(used.status, fresh.status);
  assert.equal(used.text, fresh.text);
  assert.deepEqual(used.headers, fresh.headers);

  const letter = world.mailer.letters.find(({ to }) => to === "ANA@example.org")!;
  assert.equal(letter.code, null);
  assert.doesNotMatch(letter.subject + letter.text + letter.html, /\d{6}/);

  const guesses = async (visitor: Visitor) => {
    const wrong = world.mailer.code("eve@example.org") === "000000" ? "000001" : "000000";
    const answers = [];
    for (let i = 0; i < 7; i++) {
      const { status, text } = await visitor.form("/sign-up/code", { code: wrong });
      answers.push([
        status,
        text.replace(/[a-zA-Z]+@example.org/g, "").replace(/hx-nonce="[^"]*"/g, ""),
      ]);
    }
    return answers;
  };
  assert.deepEqual(await guesses(used.visitor), await guesses(fresh.visitor));
  world.close();
});

Deno.test("attack: no code at all confirms a used e-mail address", async () => {
  const world = await makeWorld({ limits: { codeTries: 20 } });
  await signUp(world, "ana");
  world.clock.forward(HOUR);
  const visitor = new Visitor(world);
  value(await visitor.api.signUp({ username: "eve", fullName: "Eve", contact: "ana@example.org" }));
  const row = world.db.prepare("select code, void from challenges").get();
  assert.equal(row?.["void"], 1);
  assert.ok(row?.["code"] instanceof Uint8Array, "a code is kept as for anybody else");
  // Even the right code, were it guessed, is not right.
  world.db.exec("update challenges set void = 0");
  const honest = new Visitor(world);
  assert.equal(codeOf(await honest.api.confirm("000000")), "challenge-gone");
  world.close();
});

Deno.test("a taken username is named beside its field, and what was typed stays", async () => {
  const world = await makeWorld();
  await signUp(world, "ana");
  const visitor = new Visitor(world, "browser");
  const sent = await visitor.form("/sign-up", {
    username: "ana",
    fullName: 'Eve "<script>"',
    contact: "no address",
  });
  assert.equal(sent.status, 422);
  assert.match(sent.text, /id="username-hint"[^>]*data-state="bad"[^>]*>That username is taken/);
  assert.match(sent.text, /id="contact-hint"[^>]*data-state="bad"/);
  assert.match(sent.text, /value="no address"/);
  assert.doesNotMatch(sent.text, /<script>/);
  assert.equal(world.mailer.letters.length, 1);
  world.close();
});

Deno.test("going back and sending the form again with the same address needs no second code", async () => {
  const world = await makeWorld();
  const visitor = new Visitor(world, "browser");
  await visitor.form("/sign-up", FORM);
  const again = await visitor.form("/sign-up", { ...FORM, username: "anna" });
  assert.equal(again.status, 200);
  assert.equal(world.mailer.letters.length, 1);
  const confirmed = await visitor.form("/sign-up/code", { code: world.mailer.code(FORM.contact) });
  assert.match(confirmed.text, /data-account="[\w-]{22}"/);
  world.close();
});

Deno.test("a second code is sent after a minute, and kills the first", async () => {
  const world = await makeWorld();
  const visitor = new Visitor(world);
  value(await visitor.api.signUp(FORM));
  const first = world.mailer.code(FORM.contact);
  const early = await visitor.api.resend();
  assert.equal(codeOf(early), "rate-limited");
  assert.equal(early.ok ? 0 : early.retryAfter, 60);
  world.clock.forward(MINUTE);
  value(await visitor.api.resend());
  const second = world.mailer.code(FORM.contact);
  if (first !== second) assert.equal(codeOf(await visitor.api.confirm(first)), "bad-code");
  value(await visitor.api.confirm(second));
  world.close();
});

Deno.test("attack: six codes in an hour to one address, twenty-one from one network", async () => {
  const world = await makeWorld();
  const one = new Visitor(world);
  value(await one.api.signUp(FORM));
  for (let i = 0; i < 4; i++) {
    world.clock.forward(MINUTE);
    value(await one.api.resend());
  }
  world.clock.forward(MINUTE);
  const sixth = await one.api.resend();
  assert.equal(codeOf(sixth), "rate-limited");
  assert.equal(sixth.ok ? 0 : sixth.retryAfter, 55 * 60);

  for (let i = 0; i < 15; i++) {
    const contact = `p${i}@example.org`;
    value(await new Visitor(world).api.signUp({ ...FORM, username: `p__${i}`, contact }));
  }
  const last = { ...FORM, username: "last", contact: "last@example.org" };
  assert.equal(codeOf(await new Visitor(world).api.signUp(last)), "rate-limited");
  value(await new Visitor(world, "terminal", "198.51.100.7").api.signUp(last));
  world.close();
});

Deno.test("where no code reaches phones a number is refused politely, an unknown field and a doubled one strictly", async () => {
  const world = await makeWorld({ phones: false });
  const visitor = new Visitor(world, "browser");
  const phone = await visitor.api.signUp({ ...FORM, contact: "+49 170 1234567" });
  assert.equal(codeOf(phone), "phone-not-available");
  assert.match(phone.ok ? "" : phone.words, /by e-mail only/);
  const extra = await visitor.form("/sign-up", { ...FORM, admin: "1" });
  assert.equal(extra.status, 400);
  const doubled = await visitor.request("/sign-up", {
    method: "POST",
    headers: { "content-type": "application/x-www-form-urlencoded" },
    body: "username=ana&username=eve&fullName=x&contact=a%40example.org",
  });
  assert.equal(doubled.status, 400);
  assert.equal(world.mailer.letters.length, 0);
  world.close();
});

Deno.test("a letter that cannot be sent is said, to known and unknown addresses alike", async () => {
  const world = await makeWorld();
  world.mailer.broken = true;
  const failed = await new Visitor(world).api.signUp(FORM);
  assert.equal(codeOf(failed), "mail-failed");
  world.close();
});

Deno.test("a closed server takes nobody, a server by invitation nobody without one", async () => {
  for (
    const [registration, code] of [["closed", "registration-closed"], [
      "invite",
      "invite-needed",
    ]] as const
  ) {
    const world = await makeWorld({ registration });
    const refusal = await new Visitor(world).api.signUp(FORM);
    assert.equal(codeOf(refusal), code);
    assert.ok(!refusal.ok && refusal.words.length > 20);
    const shown = await new Visitor(world, "browser").request("/sign-up");
    assert.equal(shown.status, 403);
    assert.match(shown.text, /^<!DOCTYPE html>/);
    world.close();
  }
});

Deno.test("attack: SQL in every field is only text", async () => {
  const world = await makeWorld();
  const evil = [
    "'; drop table accounts; --",
    '" or 1=1 --',
    "a' union select * from logins --",
    "%",
  ];
  for (const text of evil) {
    const visitor = new Visitor(world, "browser");
    for (const field of ["username", "fullName", "contact", "invite"]) {
      const sent = await visitor.form("/sign-up", { ...FORM, [field]: text });
      assert.ok(sent.status < 500);
      await visitor.form("/sign-up/check", { [field]: text });
    }
    const tried = await visitor.form("/sign-up/code", { code: text });
    assert.ok(tried.status < 500);
  }
  assert.equal(await world.deps.store.accounts.count(), 0);
  await world.auth.purge();
  world.close();
});
