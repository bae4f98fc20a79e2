import assert from "node:assert/strict";
import { signIn } from "../../client/account_flow.ts";
import { recoverAccount, startOver } from "../../client/recovery_flow.ts";
import type { SignedUp } from "../../client/account_flow.ts";
import type { Outcome } from "../../client/types.ts";
import { addPasskey, proveByPassword } from "../../client/passkeys.ts";
import { DAY, HOUR, makeWorld, value, Visitor, type World } from "../helpers/account_world.ts";
import {
  change,
  enrol,
  flowAt,
  type Guarded,
  quickPassword,
  signInAt,
  signUpGuarded,
} from "../helpers/guarded.ts";
import { confirmContact, registerPassword, withDeviceId } from "../helpers/members.ts";
import { softAuthenticator } from "../helpers/soft_authenticator.ts";

const NEXT = "another long password entirely";

const owner = (world: World, username: string) =>
  signUpGuarded(world, username, new Visitor(world, "browser"));

/** Somebody who has the mailbox, with the code confirmed. */
async function atTheMailbox(world: World, contact: string, after = HOUR): Promise<Visitor> {
  world.clock.forward(after);
  const visitor = new Visitor(world, "browser");
  await visitor.form("/forgot", { contact });
  const { status, text } = await visitor.form("/forgot/code", { code: world.mailer.code(contact) });
  assert.equal(status, 200, text);
  return visitor;
}

const ask = (visitor: Visitor) => visitor.form("/forgot/start-over/ask", {});
const look = (visitor: Visitor) => visitor.form("/forgot/nothing-left", {});

function anew(visitor: Visitor, { account, username }: Guarded): Promise<Outcome<SignedUp>> {
  const form = { account, username, fullName: username, password: NEXT };
  return startOver(flowAt(visitor), form);
}

const refusalOf = (outcome: Outcome<unknown>) => outcome.ok ? "" : outcome.words;
const aikOf = async (world: World, { account }: Guarded) =>
  (await world.deps.store.accounts.byId(account))!.aik;
const subjects = (world: World) => world.mailer.letters.map(({ subject }) => subject);

/** Somebody with nothing left, after the wait. */
async function waited(world: World, who: Guarded): Promise<Visitor> {
  await ask(await atTheMailbox(world, who.contact));
  world.clock.forward(72 * HOUR);
  return await atTheMailbox(world, who.contact);
}

Deno.test("without a second factor there are 72 hours to wait; then other keys, and the old ones are no more", async () => {
  const world = await makeWorld();
  const ana = await owner(world, "ana");
  const before = await aikOf(world, ana);
  const first = await atTheMailbox(world, ana.contact);
  assert.match((await look(first)).text, /id="start-over-ask".*Begin the wait/s);
  assert.match(refusalOf(await anew(first, ana)), /not over yet/);
  assert.match((await ask(first)).text, /Now wait/);
  assert.match(subjects(world).at(-1)!, /wants to start your Snug account over/);

  world.clock.forward(71 * HOUR - 1);
  const early = await atTheMailbox(world, ana.contact);
  assert.match((await look(early)).text, /Now wait/);
  assert.match(refusalOf(await anew(early, ana)), /not over yet/);

  world.clock.forward(1);
  const late = await atTheMailbox(world, ana.contact);
  assert.match((await look(late)).text, /id="start-over"/);
  const made = await anew(late, ana);
  assert.ok(made.ok, refusalOf(made));
  assert.match(made.value.recoveryKey, /^([0-9A-Z]{4}-){8}[0-9A-Z]{4}$/);
  assert.notDeepEqual(await aikOf(world, ana), before);
  assert.equal(value(await late.api.me()).username, "ana");
  assert.match(subjects(world).at(-1)!, /was started over/);
  assert.equal((await ana.visitor.api.me()).ok, false, "the old device is signed out");
  assert.equal((await signInAt(new Visitor(world), ana)).ok, false);
  assert.ok((await signInAt(new Visitor(world), { ...ana, password: NEXT })).ok);
  world.close();
});

Deno.test("any device stops it, with its own login, and the owner is told; the wait then begins anew", async () => {
  const world = await makeWorld({ limits: { loginIdleSeconds: 30 * 86_400 } });
  const ana = await owner(world, "ana");
  const thief = await atTheMailbox(world, ana.contact);
  await ask(thief);
  world.clock.forward(48 * HOUR);
  assert.equal((await ana.visitor.request("/api/reset")).status, 200);
  assert.match((await ana.visitor.request("/settings")).text, /See and stop it/);
  assert.match((await ana.visitor.request("/reset")).text, /Is this you\?.*Stop it/s);
  const stopped = await ana.visitor.form("/reset", {}, { "hx-request": "false" });
  assert.match(stopped.text, /Stopped\./);
  assert.match(subjects(world).at(-1)!, /will not be started over/);
  assert.equal((await ana.visitor.request("/api/reset")).status, 204);
  world.clock.forward(48 * HOUR);
  const again = await atTheMailbox(world, ana.contact);
  assert.match((await look(again)).text, /Begin the wait/);
  assert.match(refusalOf(await anew(again, ana)), /not over yet/);
  world.close();
});

const codeOn = (text: string) =>
  /aria-label="Code for your other device">\s*(\d{3} \d{3})\s*</.exec(text)![1]!;

Deno.test("a signed-in device lets the browser through whose code is typed there, and no other", async () => {
  const world = await makeWorld({ limits: { codeResendSeconds: 0 } });
  const ana = await owner(world, "ana");
  const thief = await atTheMailbox(world, ana.contact);
  await ask(thief);
  const mine = await atTheMailbox(world, ana.contact, 1_000);
  const code = codeOn((await ask(mine)).text);
  const wrong = code === "000 000" ? "000 001" : "000 000";
  assert.equal((await ana.visitor.form("/reset/approve", { code: wrong })).status, 422);
  assert.match(refusalOf(await anew(mine, ana)), /not over yet/);
  const right = await ana.visitor.form("/reset/approve", { code });
  assert.match(right.text, /Go on there/);
  assert.match((await look(mine)).text, /id="start-over"/);
  assert.match((await look(thief)).text, /Now wait/);
  assert.match(refusalOf(await anew(thief, ana)), /not over yet/);
  assert.ok((await anew(mine, ana)).ok);
  world.close();
});

Deno.test("attack: thirty codes typed at once count as thirty; another account's device approves nothing", async () => {
  const world = await makeWorld();
  const [ana, ben] = [await owner(world, "ana"), await owner(world, "ben")];
  const visitor = await atTheMailbox(world, ana.contact);
  const code = codeOn((await ask(visitor)).text).replace(" ", "");
  assert.equal((await ben.visitor.form("/reset/approve", { code })).status, 422);
  assert.equal((await new Visitor(world, "browser").form("/reset/approve", { code })).status, 204);
  const guesses = Array.from(
    { length: 30 },
    (_, i) => (Number(code) + (i === 29 ? 0 : i + 1)) % 1e6,
  );
  const answers = await Promise.all(
    guesses.map((one) =>
      ana.visitor.form("/reset/approve", { code: String(one).padStart(6, "0") })
    ),
  );
  const count = (status: number) => answers.filter((one) => one.status === status).length;
  assert.deepEqual([count(200), count(422), count(429)], [0, 5, 25]);
  assert.match(refusalOf(await anew(visitor, ana)), /not over yet/);
  world.close();
});

Deno.test("attack: asking again hastens nothing and delays nothing; who never comes back begins anew", async () => {
  const world = await makeWorld();
  const ana = await owner(world, "ana");
  await ask(await atTheMailbox(world, ana.contact));
  const due = (await world.deps.store.resets.waiting(ana.account))!.due;
  for (let i = 0; i < 3; i++) await ask(await atTheMailbox(world, ana.contact));
  assert.equal((await world.deps.store.resets.waiting(ana.account))!.due, due);
  assert.equal(subjects(world).filter((one) => /wants to start/.test(one)).length, 1, "one letter");
  world.clock.time = due + 7 * DAY;
  const late = await atTheMailbox(world, ana.contact);
  assert.match((await look(late)).text, /Begin the wait/);
  assert.match((await ask(late)).text, /Now wait/);
  assert.ok((await world.deps.store.resets.waiting(ana.account))!.due > due);
  world.close();
});

Deno.test("attack: without the code there is nothing to ask, to stop or to start; nobody else's device stops it", async () => {
  const world = await makeWorld();
  const [ana, ben] = [await owner(world, "ana"), await owner(world, "ben")];
  const stranger = new Visitor(world, "browser");
  assert.equal((await ask(stranger)).status, 409);
  assert.equal((await look(stranger)).status, 409);
  assert.equal((await anew(stranger, ana)).ok, false);
  await ask(await atTheMailbox(world, ana.contact));
  await ben.visitor.form("/reset", {});
  assert.notEqual(await world.deps.store.resets.waiting(ana.account), null);
  assert.equal((await stranger.form("/reset", {}, { "hx-request": "false" })).status, 303);
  assert.equal((await stranger.request("/api/reset")).status, 401);
  const foreign = await waited(world, ana);
  const outcome = await anew(foreign, { ...ana, account: ben.account });
  assert.equal(outcome.ok, false, "keys for another account");
  world.close();
});

Deno.test("a second factor stands in for the wait, stays on, and without its code nothing begins", async () => {
  const world = await makeWorld();
  const ana = await owner(world, "ana");
  const { app } = await enrol(ana);
  const visitor = await atTheMailbox(world, ana.contact);
  assert.equal((await ask(visitor)).status, 403);
  assert.equal((await anew(visitor, ana)).ok, false);
  await visitor.form("/forgot/second-factor", { code: app.code() });
  assert.match((await look(visitor)).text, /id="start-over"/);
  assert.ok((await anew(visitor, ana)).ok);
  assert.notEqual(await world.auth.secondFactors.status(ana.account), null);
  world.close();
});

Deno.test("the old recovery key brings the old keys back for 30 days: they win over the new ones", async () => {
  const world = await makeWorld();
  const ana = await owner(world, "ana");
  const before = await aikOf(world, ana);
  const thief = await waited(world, ana);
  assert.ok((await anew(thief, ana)).ok);
  world.clock.forward(29 * DAY);
  const back = await atTheMailbox(world, ana.contact);
  const form = { recoveryKey: ana.recoveryKey, password: "my own password again" };
  const outcome = await recoverAccount(flowAt(back), form);
  assert.ok(outcome.ok, refusalOf(outcome));
  assert.deepEqual(await aikOf(world, ana), before);
  assert.equal(value(await back.api.me()).account, ana.account);
  assert.ok(subjects(world).some((one) => /old Snug keys are back/.test(one)));
  assert.equal((await thief.api.me()).ok, false);
  assert.equal((await ana.visitor.api.me()).ok, false, "old devices need the password");
  assert.equal((await world.deps.store.devices.head(ana.account))!.devices.length, 2);
  const taken = await signIn(flowAt(ana.visitor, ana.store), {
    username: "ana",
    password: "my own password again",
  });
  assert.ok(taken.ok && "known" in taken.value && taken.value.known, "the old device, taken up");
  const again = { ...ana, password: "my own password again" };
  assert.ok((await signInAt(new Visitor(world), again)).ok);
  assert.equal(await world.deps.store.resets.former(ana.account, world.clock.now()), null);
  const wraps = (await world.deps.store.vaults.find(ana.account))!.wraps.map(({ kind }) => kind);
  assert.deepEqual(wraps, ["password", "recovery"]);
  world.close();
});

Deno.test("attack: starting over twice does not push the first keys out; after 30 days they are gone", async () => {
  const world = await makeWorld();
  const ana = await owner(world, "ana");
  assert.ok((await anew(await waited(world, ana), ana)).ok);
  assert.ok((await anew(await waited(world, ana), ana)).ok);
  const former = await world.deps.store.resets.former(ana.account, world.clock.now());
  assert.ok(former, "kept");
  const back = await atTheMailbox(world, ana.contact);
  const form = { recoveryKey: ana.recoveryKey, password: NEXT };
  assert.ok((await recoverAccount(flowAt(back), form)).ok);
  const late = await atTheMailbox(world, ana.contact);
  assert.equal((await recoverAccount(flowAt(late), form)).ok, true, "now as the current key");

  const ben = await owner(world, "ben");
  assert.ok((await anew(await waited(world, ben), ben)).ok);
  world.clock.forward(30 * DAY);
  await world.auth.purge();
  const kept = world.db.prepare("select count(*) as n from former_entries").get();
  assert.equal(kept!["n"], 0);
  const gone = await atTheMailbox(world, ben.contact);
  const tried = { recoveryKey: ben.recoveryKey, password: NEXT };
  assert.match(refusalOf(await recoverAccount(flowAt(gone), tried)), /not the one of this account/);
  world.close();
});

Deno.test("attack: two who start over at once; one does, and the new vault is its own", async () => {
  const world = await makeWorld();
  const ana = await owner(world, "ana");
  const visitor = await waited(world, ana);
  const both = await Promise.all([anew(visitor, ana), anew(visitor, ana)]);
  assert.equal(both.filter(({ ok }) => ok).length, 1);
  world.close();
});

Deno.test("the recovery key found in time ends the wait", async () => {
  const world = await makeWorld();
  const ana = await owner(world, "ana");
  const visitor = await atTheMailbox(world, ana.contact);
  await ask(visitor);
  const form = { recoveryKey: ana.recoveryKey, password: NEXT };
  assert.ok((await recoverAccount(flowAt(visitor), form)).ok);
  assert.equal(await world.deps.store.resets.waiting(ana.account), null);
  world.close();
});

/** Whoever has the mailbox starts the account over and makes it theirs, as far as that goes. */
async function takenOver(world: World, ana: Guarded): Promise<Guarded> {
  const visitor = await waited(world, ana);
  assert.ok((await anew(visitor, ana)).ok);
  const thief = { ...ana, visitor, password: NEXT };
  await enrol(thief);
  const parts = { api: visitor.api, authenticator: softAuthenticator() };
  const door = value(await proveByPassword(parts, quickPassword, NEXT));
  assert.ok((await addPasskey(parts, "thief's", door)).ok);
  return thief;
}

Deno.test("attack: a second factor made after an account was started over does not keep the old keys out", async () => {
  const world = await makeWorld();
  const ana = await owner(world, "ana");
  const before = await aikOf(world, ana);
  const thief = await takenOver(world, ana);
  const back = new Visitor(world, "browser");
  world.clock.forward(HOUR);
  await back.form("/forgot", { contact: ana.contact });
  const step = await back.form("/forgot/code", { code: world.mailer.code(ana.contact) });
  assert.match(step.text, /id="factor-step".*old recovery key/s);
  assert.match((await back.form("/forgot/former", { code: "" })).text, /id="recover"/);
  assert.equal((await look(back)).status, 403, "nothing but the old keys");
  const form = { recoveryKey: ana.recoveryKey, password: "my own password again" };
  const outcome = await recoverAccount(flowAt(back), form);
  assert.ok(outcome.ok, refusalOf(outcome));
  assert.deepEqual(await aikOf(world, ana), before);
  assert.equal(await world.auth.secondFactors.status(ana.account), null, "the thief's are gone");
  assert.equal((await thief.visitor.api.me()).ok, false);
  const again = await signInAt(new Visitor(world), { ...ana, password: form.password });
  assert.ok(again.ok && "known" in again.value, "no code is asked for");
  world.close();
});

Deno.test("attack: only the old keys get past a newer second factor, and an older one stays in the way", async () => {
  const world = await makeWorld();
  const ana = await owner(world, "ana");
  const mine = await takenOver(world, ana);
  const thief = await atTheMailbox(world, ana.contact);
  const made = await recoverAccount(flowAt(thief), { recoveryKey: "0", password: NEXT });
  assert.equal(made.ok, false);
  assert.equal((await look(thief)).status, 403);
  assert.equal((await anew(thief, ana)).ok, false);
  assert.ok((await mine.visitor.api.me()).ok);

  const ben = await owner(world, "ben");
  const { app } = await enrol(ben);
  const first = await atTheMailbox(world, ben.contact);
  await first.form("/forgot/second-factor", { code: app.code() });
  assert.ok((await anew(first, ben)).ok);
  const second = await atTheMailbox(world, ben.contact);
  assert.equal((await second.form("/forgot/former", {})).status, 403);
  const form = { recoveryKey: ben.recoveryKey, password: "my own password again" };
  assert.equal((await recoverAccount(flowAt(second), form)).ok, false);
  world.clock.forward(30_000);
  await second.form("/forgot/second-factor", { code: app.code() });
  assert.ok((await recoverAccount(flowAt(second), form)).ok);
  assert.notEqual(await world.auth.secondFactors.status(ben.account), null, "it stays on");
  world.close();
});

Deno.test("attack: while the old keys can come back, the account is not moved to another address", async () => {
  const world = await makeWorld({ limits: { codeResendSeconds: 0 } });
  const ana = await owner(world, "ana");
  const visitor = await waited(world, ana);
  assert.ok((await anew(visitor, ana)).ok);
  const refused = await visitor.form("/settings/contact", { contact: "thief@example.org" });
  assert.equal(refused.status, 409);
  assert.match(refused.text, /started over/);
  world.clock.forward(30 * DAY);
  const later = new Visitor(world, "browser");
  assert.ok((await signInAt(later, { ...ana, password: NEXT })).ok);
  assert.equal((await later.form("/settings/contact", { contact: "a@example.org" })).status, 200);
  world.close();
});

Deno.test("attack: nobody else's device takes the id of one that may come back", async () => {
  const world = await makeWorld();
  const ana = await owner(world, "ana");
  const { device } = value(await ana.visitor.api.me());
  assert.ok((await anew(await waited(world, ana), ana)).ok);
  const mallory = new Visitor(world, "browser");
  const account = await confirmContact(mallory, "mallory");
  const record = await registerPassword(mallory, "the long password of mallory");
  const request = await withDeviceId(world, { account, record }, device);
  assert.equal((await mallory.api.createAccount(request)).ok, false);
  const back = await atTheMailbox(world, ana.contact);
  const form = { recoveryKey: ana.recoveryKey, password: "my own password again" };
  assert.ok((await recoverAccount(flowAt(back), form)).ok);
  world.close();
});

Deno.test("attack: who waits to start over waits anew once the owner has changed the password", async () => {
  const world = await makeWorld();
  const ana = await owner(world, "ana");
  const thief = await atTheMailbox(world, ana.contact);
  await ask(thief);
  assert.ok((await change(ana, NEXT)).ok);
  assert.equal(await world.deps.store.resets.waiting(ana.account), null);
  world.clock.forward(72 * HOUR);
  const again = await atTheMailbox(world, ana.contact);
  assert.match(refusalOf(await anew(again, ana)), /not over yet/);
  world.close();
});
