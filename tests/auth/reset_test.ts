import assert from "node:assert/strict";
import { confirmSignIn } from "../../client/account_flow.ts";
import { COMMAND_LINE } from "../../auth/mod.ts";
import { recoverAccount } from "../../client/recovery_flow.ts";
import { MemoryStore } from "../../client/store_memory.ts";
import { finishAnswer, registrationAnswer, registrationRequest } from "../../protocol/api.ts";
import { encode } from "../../protocol/codec.ts";
import { nothingSchema } from "../../protocol/passkey_api.ts";
import { resetVaultAnswer } from "../../protocol/reset_api.ts";
import {
  codeOf,
  HOUR,
  makeWorld,
  MINUTE,
  value,
  Visitor,
  type World,
} from "../helpers/account_world.ts";
import {
  enrol,
  flowAt,
  type Guarded,
  quickPassword,
  signInAt,
  signInToCode,
  signUpGuarded,
} from "../helpers/guarded.ts";

const NEXT = "another long password entirely";
const CBOR = { accept: "application/cbor" };

/** Somebody who forgot, in a browser that has nothing yet, with the code confirmed. */
async function confirmed(world: World, contact: string): Promise<Visitor> {
  world.clock.forward(HOUR);
  const visitor = new Visitor(world, "browser");
  assert.equal((await visitor.form("/forgot", { contact })).status, 200);
  const { status, text } = await visitor.form("/forgot/code", { code: world.mailer.code(contact) });
  assert.equal(status, 200, text);
  return visitor;
}

/** The same, whatever the answers are. */
async function tried(world: World, contact: string): Promise<Visitor> {
  world.clock.forward(HOUR);
  const visitor = new Visitor(world, "browser");
  await visitor.form("/forgot", { contact });
  await visitor.form("/forgot/code", { code: world.mailer.code(contact) });
  return visitor;
}

const recover = (visitor: Visitor, { recoveryKey }: Guarded, password = NEXT) =>
  recoverAccount(flowAt(visitor), { recoveryKey, password });

const vaultAt = (visitor: Visitor) =>
  visitor.api.ask("/forgot/vault", encode(nothingSchema, {}), resetVaultAnswer);

const news = (world: World) => world.mailer.letters.at(-1)!.subject;

Deno.test("with the recovery key everything comes back: same account key, new password, a new device, the old ones signed out", async () => {
  const world = await makeWorld();
  const ana = await signUpGuarded(world, "ana", new Visitor(world, "browser"));
  const before = (await world.deps.store.accounts.byId(ana.account))!;
  const visitor = await confirmed(world, ana.contact);
  const back = await recover(visitor, ana);
  assert.ok(back.ok && back.value.username === "ana" && !back.value.known);
  assert.equal(value(await visitor.api.me()).account, ana.account);
  const after = (await world.deps.store.accounts.byId(ana.account))!;
  assert.deepEqual(after.aik, before.aik);
  assert.equal(
    after.listVersion,
    before.listVersion + 2,
    "the vault's next edition, and the device",
  );
  assert.ok(
    world.mailer.letters.some(({ subject }) => /set anew with your recovery key/.test(subject)),
  );
  assert.match(news(world), /new device/);

  assert.equal((await ana.visitor.api.me()).ok, false, "signed out");
  assert.ok(world.ended.length > 0);
  const old = await signInAt(new Visitor(world), ana);
  assert.equal(old.ok ? "" : old.code, "wrong-password");
  assert.ok((await signInAt(new Visitor(world), { ...ana, password: NEXT })).ok);
  world.close();
});

Deno.test("the recovery key stays good after it was used, and after another password", async () => {
  const world = await makeWorld();
  const ana = await signUpGuarded(world, "ana");
  assert.ok(
    (await recover(await confirmed(world, ana.contact), ana, "the second password of ana")).ok,
  );
  assert.ok(
    (await recover(await confirmed(world, ana.contact), ana, "the third password of ana")).ok,
  );
  assert.ok(
    (await signInAt(new Visitor(world), { ...ana, password: "the third password of ana" })).ok,
  );
  world.close();
});

Deno.test("a recovery key that is mistyped, or of somebody else, changes nothing and may be tried again", async () => {
  const world = await makeWorld();
  const [ana, ben] = [await signUpGuarded(world, "ana"), await signUpGuarded(world, "ben")];
  const visitor = await confirmed(world, ana.contact);
  const last = ana.recoveryKey.at(-1) === "0" ? "1" : "0";
  const typos: [string, RegExp][] = [
    [ana.recoveryKey.slice(0, -5), /nine groups of four/],
    [ana.recoveryKey.slice(0, -1) + last, /One character/],
    [ana.recoveryKey.replace(/^./, "U"), /in no recovery key/],
    [ben.recoveryKey, /not the one of this account/],
  ];
  for (const [recoveryKey, words] of typos) {
    const refusal = await recoverAccount(flowAt(visitor), { recoveryKey, password: NEXT });
    assert.ok(!refusal.ok && refusal.code === "wrong-password", recoveryKey);
    assert.match(refusal.words, words);
  }
  assert.ok((await ana.visitor.api.me()).ok, "still signed in");
  const typed = ana.recoveryKey.toLowerCase().replaceAll("-", " ");
  assert.ok((await recoverAccount(flowAt(visitor), { recoveryKey: typed, password: NEXT })).ok);
  world.close();
});

Deno.test("attack: a mailbox alone opens nothing, adds no device and removes no factor", async () => {
  const world = await makeWorld();
  const ana = await signUpGuarded(world, "ana", new Visitor(world, "browser"));
  await enrol(ana);
  const visitor = await confirmed(world, ana.contact);
  for (const path of ["/forgot/vault", "/forgot/password", "/forgot/change"]) {
    const asked = await visitor.api.ask(path, encode(nothingSchema, {}), finishAnswer);
    assert.equal(asked.ok, false, path);
  }
  assert.equal(codeOf(await vaultAt(visitor)), "second-factor-needed");
  assert.equal(codeOf(await recover(visitor, ana) as never), "bad-input");
  assert.equal((await visitor.api.me()).ok, false);
  for (const path of ["/settings", "/settings/second-factor"]) {
    assert.equal((await visitor.request(path)).status, 303, path);
  }
  assert.notEqual(await world.auth.secondFactors.status(ana.account), null);
  assert.ok((await ana.visitor.api.me()).ok);
  world.close();
});

Deno.test("with a second factor its code comes first, the app's or a recovery code, and the factor stays on", async () => {
  const world = await makeWorld();
  const ana = await signUpGuarded(world, "ana", new Visitor(world, "browser"));
  const { app, codes } = await enrol(ana);
  for (const code of [() => app.code(), () => codes[0]!]) {
    const visitor = await confirmed(world, ana.contact);
    const wrong = await visitor.form("/forgot/second-factor", { code: "000000" });
    assert.equal(wrong.status, 422);
    assert.match(wrong.text, /id="factor-step".*That code is not right/s);
    const right = await visitor.form("/forgot/second-factor", { code: code() });
    assert.match(right.text, /id="recover".*@ana/s);
    assert.ok((await recover(visitor, ana)).ok);
    assert.notEqual(await world.auth.secondFactors.status(ana.account), null);
  }
  world.close();
});

Deno.test("attack: thirty guesses at the second factor of a reset count as thirty", async () => {
  const world = await makeWorld();
  const ana = await signUpGuarded(world, "ana", new Visitor(world, "browser"));
  const { app } = await enrol(ana);
  const visitor = await confirmed(world, ana.contact);
  const right = app.code();
  const guesses = Array.from({ length: 29 }, (_, i) => String((Number(right) + 1 + i) % 1_000_000));
  const all = [...guesses.map((one) => one.padStart(6, "0")), right];
  const answers = await Promise.all(
    all.map((code) => visitor.form("/forgot/second-factor", { code }, CBOR)),
  );
  const count = (status: number) => answers.filter((one) => one.status === status).length;
  assert.deepEqual([count(200), count(422), count(429)], [0, 5, 25]);
  world.close();
});

Deno.test("attack: thirty guesses at the code of a reset count as thirty", async () => {
  const world = await makeWorld();
  const ana = await signUpGuarded(world, "ana");
  world.clock.forward(HOUR);
  const visitor = new Visitor(world, "browser");
  await visitor.form("/forgot", { contact: ana.contact });
  const right = Number(world.mailer.code(ana.contact));
  const guesses = Array.from({ length: 30 }, (_, i) => (right + 1 + i) % 1_000_000);
  guesses[29] = right;
  const answers = await Promise.all(
    guesses.map((code) =>
      visitor.form("/forgot/code", { code: String(code).padStart(6, "0") }, CBOR)
    ),
  );
  assert.equal(answers.filter(({ status }) => status === 200).length, 0);
  const texts = answers.map(({ text }) => /code-locked|bad-code/.exec(text)?.[0]);
  assert.deepEqual(
    [
      texts.filter((one) => one === "bad-code").length,
      texts.filter((one) => one === "code-locked").length,
    ],
    [4, 26],
  );
  world.close();
});

Deno.test("attack: the right code of a reset thirty times at once is right once; so is the change", async () => {
  const world = await makeWorld();
  const ana = await signUpGuarded(world, "ana");
  world.clock.forward(HOUR);
  const visitor = new Visitor(world, "browser");
  await visitor.form("/forgot", { contact: ana.contact });
  const code = world.mailer.code(ana.contact);
  const answers = await Promise.all(
    Array.from({ length: 30 }, () => visitor.form("/forgot/code", { code }, CBOR)),
  );
  assert.equal(answers.filter(({ status }) => status === 200).length, 1);
  const both = await Promise.all([
    recoverAccount(flowAt(visitor, new MemoryStore()), {
      recoveryKey: ana.recoveryKey,
      password: NEXT,
    }),
    recoverAccount(flowAt(visitor, new MemoryStore()), {
      recoveryKey: ana.recoveryKey,
      password: NEXT,
    }),
  ]);
  assert.equal(both.filter(({ ok }) => ok).length, 1);
  assert.equal(codeOf(await vaultAt(visitor)), "challenge-gone");
  world.close();
});

Deno.test("attack: codes of sign-up and of a reset are no codes for each other", async () => {
  const world = await makeWorld();
  const ana = await signUpGuarded(world, "ana");
  world.clock.forward(HOUR);
  const visitor = new Visitor(world, "browser");
  await visitor.form("/forgot", { contact: ana.contact });
  const code = world.mailer.code(ana.contact);
  assert.equal(codeOf(await visitor.api.confirm(code)), "challenge-gone");
  assert.equal(codeOf(await visitor.api.registerPassword("A".repeat(43))), "challenge-gone");
  const other = new Visitor(world, "browser");
  await other.form("/sign-up", { username: "eve", fullName: "E", contact: "eve@example.org" });
  const tried = await other.form("/forgot/code", { code: world.mailer.code("eve@example.org") });
  assert.equal(tried.status, 409);
  world.close();
});

Deno.test("attack: only the wrap by the recovery key is handed out, and nothing before the code", async () => {
  const world = await makeWorld();
  const ana = await signUpGuarded(world, "ana");
  assert.equal(codeOf(await vaultAt(new Visitor(world, "browser"))), "challenge-gone");
  world.clock.forward(HOUR);
  const waiting = new Visitor(world, "browser");
  await waiting.form("/forgot", { contact: ana.contact });
  assert.equal(codeOf(await vaultAt(waiting)), "not-confirmed");
  const offered = value(await vaultAt(await confirmed(world, ana.contact)));
  assert.deepEqual(offered.vault.wraps.map(({ kind }) => kind), ["recovery"]);
  world.close();
});

Deno.test("attack: an address that moved away, or half an hour, ends a reset", async () => {
  const world = await makeWorld();
  const ana = await signUpGuarded(world, "ana");
  const late = await confirmed(world, ana.contact);
  world.clock.forward(30 * MINUTE);
  assert.equal(codeOf(await vaultAt(late)), "challenge-gone");
  const early = await confirmed(world, ana.contact);
  world.db.prepare("update accounts set contact_key = 'else@example.org'").run();
  assert.equal(codeOf(await vaultAt(early)), "challenge-gone");
  world.close();
});

Deno.test("attack: an address with an account and one without get the same answers at every step, headers and all", async () => {
  const world = await makeWorld();
  await signUpGuarded(world, "ana");
  world.clock.forward(HOUR);
  const story = async (contact: string) => {
    const visitor = new Visitor(world, "browser");
    const neutral = (text: string) =>
      text.replaceAll(contact, "ADDRESS").replace(/(hx-)?nonce[=-]"?[^"' ]*/g, "")
        .replace(/snug-challenge=[^;]*/, "");
    const seen = ({ status, headers, text }: Awaited<ReturnType<Visitor["form"]>>) => ({
      status,
      headers: [...headers].map(([name, text]) => [name, neutral(text)]),
      text: neutral(text),
    });
    const steps = [seen(await visitor.form("/forgot", { contact }))];
    const code = world.mailer.letters.at(-1)!.code;
    for (let i = 0; i < 7; i++) {
      const wrong = code === "000000" ? "000001" : "000000";
      steps.push(seen(await visitor.form("/forgot/code", { code: wrong })));
    }
    steps.push(seen(await visitor.form("/forgot/resend", {})));
    steps.push(seen(await visitor.form("/forgot", { contact })));
    steps.push(seen(await visitor.form("/forgot/second-factor", { code: "123456" })));
    return steps;
  };
  const [known, unknown] = [await story("ana@example.org"), await story("eve@example.org")];
  assert.deepEqual(known, unknown);
  assert.deepEqual(
    world.mailer.letters.slice(-2).map(({ to, code }) => [to, code !== null]),
    [["ana@example.org", true], ["eve@example.org", false]],
  );
  world.close();
});

Deno.test("what is no address is said beside the field, and kept; without htmx as a whole page", async () => {
  const world = await makeWorld();
  const visitor = new Visitor(world, "browser");
  const part = await visitor.form("/forgot", { contact: 'no "address"' });
  assert.equal(part.status, 422);
  assert.match(part.text, /^<form id="forgot"/);
  assert.match(
    part.text,
    /value="no &quot;address&quot;".*id="contact-hint"[^>]*data-state="bad"/s,
  );
  const whole = await visitor.form("/forgot", { contact: "x" }, { "hx-request": "false" });
  assert.match(whole.text, /^<!DOCTYPE html>/);
  assert.equal(world.mailer.letters.length, 0);
  world.close();
});

Deno.test("attack: the case in which an address was typed does not tell whether it has an account", async () => {
  const world = await makeWorld();
  await signUpGuarded(world, "ana");
  world.clock.forward(HOUR);
  const story = async (contact: string) => {
    const visitor = new Visitor(world, "browser");
    const steps = [await visitor.form("/forgot", { contact })];
    steps.push(await visitor.form("/forgot/code", { code: "no code" }));
    world.clock.forward(HOUR / 2);
    steps.push(await visitor.form("/forgot/resend", {}));
    return steps.map(({ text }) => /(ana|eve)@example\.org/i.exec(text)?.[0].slice(3));
  };
  assert.deepEqual(await story("ANA@Example.org"), await story("EVE@Example.org"));
  const to = world.mailer.letters.map((letter) => letter.to);
  assert.ok(to.includes("ana@example.org"), "letters go to the address as its owner wrote it");
  world.close();
});

Deno.test("attack: whoever an admin has shut out does not come back by a forgotten password", async () => {
  const world = await makeWorld();
  const [ana, ben] = [await signUpGuarded(world, "ana"), await signUpGuarded(world, "ben")];
  const early = await confirmed(world, ben.contact);
  assert.ok((await world.auth.admin.act(COMMAND_LINE, "disable", ben.account)).ok);
  assert.equal((await recover(early, ben)).ok, false);
  const late = await tried(world, ben.contact);
  assert.equal((await recover(late, ben)).ok, false);
  assert.equal(codeOf(await late.api.me()), "sign-in-needed");
  assert.ok((await world.auth.admin.act(COMMAND_LINE, "enable", ben.account)).ok);
  assert.ok((await signInAt(new Visitor(world), ben)).ok, "the password is the old one");
  assert.ok((await ana.visitor.api.me()).ok, "nobody else is");
  world.close();
});

Deno.test("attack: a mailbox is no machine for guessing the password; thirty new ones at once count as thirty", async () => {
  const world = await makeWorld();
  const ana = await signUpGuarded(world, "ana");
  const visitor = await confirmed(world, ana.contact);
  const tryOne = async () => {
    const { request } = await quickPassword.startRegistration("a guess, in the blind");
    const body = encode(registrationRequest, { request });
    const answer = await visitor.api.ask("/forgot/password", body, registrationAnswer);
    return answer.ok ? "answered" : codeOf(answer);
  };
  const answers = await Promise.all(Array.from({ length: 30 }, tryOne));
  const count = (what: string) => answers.filter((one) => one === what).length;
  assert.deepEqual([count("answered"), count("rate-limited")], [10, 20]);
  world.clock.forward(HOUR);
  assert.ok((await recover(await confirmed(world, ana.contact), ana)).ok, "the owner gets in");
  world.close();
});

Deno.test("attack: wrong second factors at a reset keep nobody waiting who has the password", async () => {
  const world = await makeWorld();
  const ana = await signUpGuarded(world, "ana", new Visitor(world, "browser"));
  const { app } = await enrol(ana);
  const thief = await confirmed(world, ana.contact);
  for (let i = 0; i < 8; i++) await thief.form("/forgot/second-factor", { code: "000000" });
  assert.equal((await thief.form("/forgot/second-factor", { code: app.code() })).status, 429);
  const visitor = new Visitor(world);
  const needed = await signInToCode(visitor, ana);
  assert.ok((await confirmSignIn(flowAt(visitor), needed, app.code())).ok);
  world.close();
});
