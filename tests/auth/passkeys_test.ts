import assert from "node:assert/strict";
import { setPasswordByPasskey } from "../../client/passkey_password.ts";
import {
  addPasskey,
  askAnyPasskey,
  askSecondPasskey,
  confirmByPasskey,
  enterByPasskey,
  enterByPassword,
  enterByRecoveryKey,
  proveByPasskey,
  proveByPassword,
  removePasskey,
  removePassword,
} from "../../client/passkeys.ts";
import type { PasskeyProof } from "../../protocol/passkey_api.ts";
import { passkeyProof, passkeyQuestion } from "../../protocol/passkey_api.ts";
import { finishAnswer } from "../../protocol/api.ts";
import { encode } from "../../protocol/codec.ts";
import { fromBase64Url } from "../../protocol/encoding.ts";
import { codeOf, makeWorld, MINUTE, value, Visitor, type World } from "../helpers/account_world.ts";
import { findCanaries } from "../helpers/canary.ts";
import {
  change,
  flowAt,
  type Guarded,
  quickPassword,
  signInAt,
  signInToCode,
  signUpGuarded,
} from "../helpers/guarded.ts";
import { type SoftAuthenticator, softAuthenticator } from "../helpers/soft_authenticator.ts";

const EMPTY = new Uint8Array([0xa0]);
const browser = (world: World) => new Visitor(world, "browser");

/** Adds a passkey from where somebody is signed in. */
async function add(who: Guarded, authenticator: SoftAuthenticator, name = "Phone") {
  const parts = { api: who.visitor.api, authenticator };
  const door = value(await proveByPassword(parts, quickPassword, who.password));
  return await addPasskey(parts, name, door);
}

/** A passkey alone, at a place that has nothing of the account; "shut" where it opens no vault. */
async function enter(authenticator: SoftAuthenticator, visitor: Visitor): Promise<string> {
  const claim = await askAnyPasskey({ api: visitor.api, authenticator });
  if (!claim.ok) return claim.code;
  const entered = await enterByPasskey(flowAt(visitor), claim.value);
  if (entered === null) return "shut";
  return entered.ok ? "in" : entered.code;
}

/** The refusal's name as the server gave it, for any call. */
async function told(visitor: Visitor, path: string, proof: PasskeyProof): Promise<string> {
  const answer = await visitor.api.ask(path, encode(passkeyProof, proof), finishAnswer);
  return answer.ok ? "in" : `${answer.status} ${answer.code}`;
}

/** A proof over a question of one's own. */
async function proofFor(
  visitor: Visitor,
  path: string,
  authenticator: SoftAuthenticator,
): Promise<PasskeyProof> {
  const question = value(await visitor.api.ask(path, EMPTY, passkeyQuestion));
  return value(await authenticator.use({ ...question, credentials: [] })).proof;
}

const subjects = (who: Guarded) =>
  who.world.mailer.letters.filter(({ to }) => to === who.contact).map(({ subject }) => subject);

Deno.test("a passkey alone signs in on a new browser and opens the vault there", async () => {
  const world = await makeWorld();
  const ana = await signUpGuarded(world, "ana");
  const phone = softAuthenticator();
  const added = value(await add(ana, phone));
  assert.deepEqual([added.opensVault, added.codes.length], [true, 10]);
  const visitor = browser(world);
  assert.equal(await enter(phone, visitor), "in");
  const me = value(await visitor.api.me());
  assert.deepEqual([me.account, me.listVersion], [ana.account, 2]);
  assert.ok(subjects(ana).includes("Your Snug account has a new passkey"));
  assert.ok(subjects(ana).includes("A new device signed in to your Snug account"));
  world.close();
});

Deno.test("with a passkey the password alone signs in no more; passkey or recovery code follows", async () => {
  const world = await makeWorld();
  const ana = await signUpGuarded(world, "ana");
  const phone = softAuthenticator();
  const { codes } = value(await add(ana, phone));
  const visitor = browser(world);
  const waiting = await signInToCode(visitor, ana);
  assert.deepEqual(waiting.ways, ["passkey", "recovery-code"]);
  const claim = value(await askSecondPasskey({ api: visitor.api, authenticator: phone }));
  assert.ok((await confirmByPasskey(flowAt(visitor), waiting, claim)).ok);
  const other = browser(world);
  await signInToCode(other, ana);
  assert.ok((await other.api.secondFactor(codes[0]!)).ok);
  world.close();
});

Deno.test("a second passkey brings no new recovery codes, and both open the vault", async () => {
  const world = await makeWorld();
  const ana = await signUpGuarded(world, "ana");
  const [phone, key] = [softAuthenticator(), softAuthenticator()];
  value(await add(ana, phone));
  assert.deepEqual(value(await add(ana, key, "Key")).codes, []);
  assert.equal(await enter(phone, browser(world)), "in");
  assert.equal(await enter(key, browser(world)), "in");
  world.close();
});

Deno.test("a passkey without PRF shows who it is; the password or the recovery key opens the vault", async () => {
  const world = await makeWorld();
  const ana = await signUpGuarded(world, "ana");
  const plain = softAuthenticator({ prf: false });
  assert.equal(value(await add(ana, plain)).opensVault, false);
  const visitor = browser(world);
  assert.equal(await enter(plain, visitor), "shut");
  const claim = value(await askAnyPasskey({ api: visitor.api, authenticator: plain }));
  const wrong = await enterByPassword(flowAt(visitor), claim, "not the password");
  assert.equal(codeOf(wrong), "wrong-password");
  assert.ok((await enterByPassword(flowAt(visitor), claim, ana.password)).ok);
  const other = browser(world);
  const second = value(await askAnyPasskey({ api: other.api, authenticator: plain }));
  assert.equal(codeOf(await enterByRecoveryKey(flowAt(other), second, "AAAA")), "bad-input");
  assert.ok((await enterByRecoveryKey(flowAt(other), second, ana.recoveryKey)).ok);
  world.close();
});

Deno.test("a changed password leaves what passkeys open as it was", async () => {
  const world = await makeWorld();
  const ana = await signUpGuarded(world, "ana");
  const phone = softAuthenticator();
  value(await add(ana, phone));
  assert.ok((await change(ana, "a lantern on the third stair")).ok);
  assert.equal(await enter(phone, browser(world)), "in");
  world.close();
});

Deno.test("somebody does without a password, and sets one again with the passkey", async () => {
  const world = await makeWorld();
  const ana = await signUpGuarded(world, "ana");
  const phone = softAuthenticator();
  value(await add(ana, phone));
  const parts = { api: ana.visitor.api, authenticator: phone };
  value(await removePassword(parts, value(await proveByPasskey(parts))));
  assert.ok(subjects(ana).includes("Your Snug account has no password any more"));
  const vault = await world.deps.store.vaults.find(ana.account);
  assert.deepEqual([vault!.generation, vault!.wraps.map(({ kind }) => kind)], [2, ["recovery"]]);
  assert.equal(codeOf(await signInAt(browser(world), ana)), "wrong-password");
  assert.equal(await enter(phone, browser(world)), "in");

  const [row] = await world.auth.passkeys.of(ana.account);
  assert.equal(codeOf(await removePasskey(parts, row!.id)), "bad-input", "nothing else opens it");
  const next = "a lantern on the third stair";
  value(await setPasswordByPasskey({ ...parts, password: quickPassword }, next));
  const waiting = await signInToCode(browser(world), { ...ana, password: next });
  assert.ok(waiting.codeNeeded);
  assert.equal(await enter(phone, browser(world)), "in", "the passkey opens the next edition too");
  value(await removePasskey(parts, row!.id));
  const alone = await signInAt(browser(world), { ...ana, password: next });
  assert.ok(alone.ok && !("codeNeeded" in alone.value), "the last factor took the codes with it");
  world.close();
});

Deno.test("the answer to a name without a password is that to a name nobody has", async () => {
  const world = await makeWorld();
  const ana = await signUpGuarded(world, "ana");
  const phone = softAuthenticator();
  value(await add(ana, phone));
  const parts = { api: ana.visitor.api, authenticator: phone };
  value(await removePassword(parts, value(await proveByPasskey(parts))));
  const shape = async (username: string) => {
    const start = await quickPassword.startLogin("some password");
    const answer = value(await new Visitor(world).api.signIn(username, start.request));
    const finish = await new Visitor(world).api.finishSignIn({
      ...{ attempt: answer.attempt, finish: "A".repeat(86) },
    });
    assert.ok(!finish.ok);
    return [answer.response.length, finish.status, finish.code, finish.words];
  };
  assert.deepEqual(await shape("ana"), await shape("nobody_here"));
  world.close();
});

Deno.test("removing a passkey needs a code or a passkey, and then it signs in no more", async () => {
  const world = await makeWorld();
  const ana = await signUpGuarded(world, "ana");
  const [phone, key] = [softAuthenticator(), softAuthenticator()];
  const { codes } = value(await add(ana, phone));
  value(await add(ana, key, "Key"));
  const rows = await world.auth.passkeys.of(ana.account);
  const path = "/settings/passkeys/remove";
  const wrong = await ana.visitor.form(path, { passkey: rows[0]!.id, code: "000000" });
  assert.equal(wrong.status, 422);
  const gone = await ana.visitor.form(path, { passkey: rows[0]!.id, code: codes[0]! });
  assert.equal(gone.headers.get("location"), "/settings/passkeys?done=removed");
  assert.equal(await enter(phone, browser(world)), "signed-out");
  assert.equal(await enter(key, browser(world)), "in");
  assert.ok(subjects(ana).includes("A passkey of your Snug account was removed"));
  const vault = JSON.stringify(await world.auth.passkeys.of(ana.account));
  assert.ok(!vault.includes(rows[0]!.id), "its wrap went with it");
  world.close();
});

Deno.test("attack: an answer is good once, for five minutes, for what it was asked for", async () => {
  const world = await makeWorld();
  const ana = await signUpGuarded(world, "ana");
  const phone = softAuthenticator({ counts: false });
  value(await add(ana, phone));
  const visitor = browser(world);
  const [ask, path] = ["/sign-in/passkey/ask", "/sign-in/passkey"];
  const proof = await proofFor(visitor, ask, phone);
  assert.equal(await told(visitor, path, proof), "in");
  assert.equal(await told(browser(world), path, proof), "401 wrong-passkey", "replayed");
  const late = await proofFor(visitor, ask, phone);
  world.clock.forward(5 * MINUTE);
  assert.equal(await told(visitor, path, late), "401 wrong-passkey", "too late");
  const crossed = await proofFor(ana.visitor, "/settings/passkeys/ask", phone);
  assert.equal(await told(visitor, path, crossed), "401 wrong-passkey", "asked for something else");
  const thirty = await proofFor(visitor, ask, phone);
  const at = await Promise.all(
    Array.from({ length: 30 }, () => told(browser(world), path, thirty)),
  );
  assert.equal(at.filter((one) => one === "in").length, 1, "thirty at once are one");
  await world.auth.purge();
  world.close();
});

Deno.test("attack: another server's origin, another name, no verified owner, a counter that went back", async () => {
  const world = await makeWorld();
  const ana = await signUpGuarded(world, "ana");
  const phone = softAuthenticator();
  value(await add(ana, phone));
  assert.equal(await enter(phone, browser(world)), "in");
  const honest = { ...phone.behaviour };
  const bends: Partial<typeof honest>[] = [
    { origin: "https://chat.example.org.evil.example" },
    { origin: "http://chat.example.org" },
    { rpId: "evil.example" },
    { userVerified: false },
    { saysHandle: false },
    { challenge: new Uint8Array(32) },
  ];
  for (const bend of bends) {
    Object.assign(phone.behaviour, honest, bend);
    assert.equal(await enter(phone, browser(world)), "signed-out", JSON.stringify(bend));
  }
  Object.assign(phone.behaviour, honest);
  const counter = phone.held[0]!.counter;
  phone.held[0]!.counter = 0;
  assert.equal(await enter(phone, browser(world)), "signed-out", "a copy of it that lags behind");
  phone.held[0]!.counter = counter;
  assert.equal(await enter(phone, browser(world)), "in");
  world.close();
});

Deno.test("attack: another account's passkey is no second factor, proves no owner and names nobody else", async () => {
  const world = await makeWorld();
  const [ana, ben] = [await signUpGuarded(world, "ana"), await signUpGuarded(world, "ben")];
  const [anas, bens] = [softAuthenticator(), softAuthenticator()];
  value(await add(ana, anas));
  value(await add(ben, bens));
  const visitor = browser(world);
  await signInToCode(visitor, ana);
  const second = await proofFor(visitor, "/sign-in/second-factor/ask", bens);
  assert.equal(await told(visitor, "/sign-in/second-factor/passkey", second), "401 wrong-passkey");
  const owner = await proofFor(ana.visitor, "/settings/passkeys/ask", bens);
  assert.equal(await told(ana.visitor, "/settings/passkeys/unlock", owner), "401 wrong-passkey");
  const bent = await proofFor(visitor, "/sign-in/passkey/ask", bens);
  const posing = { ...bent, userHandle: fromBase64Url(ana.account) };
  assert.equal(await told(browser(world), "/sign-in/passkey", posing), "401 wrong-passkey");
  assert.equal(
    await told(browser(world), "/sign-in/second-factor/passkey", bent),
    "401 sign-in-needed",
  );
  const [row] = await world.auth.passkeys.of(ben.account);
  assert.equal(
    codeOf(await removePasskey({ api: ana.visitor.api, authenticator: anas }, row!.id)),
    "bad-input",
  );
  assert.equal((await world.auth.passkeys.of(ben.account)).length, 1);
  world.close();
});

Deno.test("attack: a passkey over somebody else's or an old proof is not taken", async () => {
  const world = await makeWorld();
  const [ana, ben] = [await signUpGuarded(world, "ana"), await signUpGuarded(world, "ben")];
  const phone = softAuthenticator();
  const parts = { api: ana.visitor.api, authenticator: phone };
  const door = value(await proveByPassword(parts, quickPassword, ana.password));
  const bens = { api: ben.visitor.api, authenticator: phone };
  assert.equal(codeOf(await addPasskey(bens, "Ben's", door)), "bad-input");
  const again = value(await proveByPassword(parts, quickPassword, ana.password));
  world.clock.forward(5 * MINUTE);
  assert.equal(codeOf(await addPasskey(parts, "Late", again)), "bad-input");
  Object.assign(phone.behaviour, { userVerified: false });
  const third = value(await proveByPassword(parts, quickPassword, ana.password));
  assert.equal(codeOf(await addPasskey(parts, "Nobody's finger", third)), "bad-input");
  assert.deepEqual(await world.auth.passkeys.of(ana.account), []);
  assert.deepEqual(await world.auth.passkeys.of(ben.account), []);
  world.close();
});

Deno.test("attack: a sign-in with only a password, begun before the first passkey, has ended", async () => {
  const world = await makeWorld();
  const ana = await signUpGuarded(world, "ana");
  const waiting = browser(world);
  const start = await quickPassword.startLogin(ana.password);
  const { attempt, response } = value(await waiting.api.signIn("ana", start.request));
  const finish = await quickPassword.finishLogin(ana.password, start.state, response);
  value(await waiting.api.finishSignIn({ attempt, finish: finish!.finish }));
  value(await add(ana, softAuthenticator()));
  const late = await waiting.api.secondFactor("000000");
  assert.equal(codeOf(late), "sign-in-needed");
  world.close();
});

Deno.test("attack: the password stays while no passkey opens the vault, whatever is sent", async () => {
  const world = await makeWorld();
  const ana = await signUpGuarded(world, "ana");
  const plain = softAuthenticator({ prf: false });
  value(await add(ana, plain));
  const parts = { api: ana.visitor.api, authenticator: plain };
  assert.equal(codeOf(await proveByPasskey(parts)), "not-available");
  const door = value(await proveByPassword(parts, quickPassword, ana.password));
  assert.equal(codeOf(await removePassword(parts, door)), "bad-input", "last-key");
  assert.equal((await world.deps.store.vaults.find(ana.account))!.generation, 1);
  const waiting = await signInToCode(browser(world), ana);
  assert.ok(waiting.codeNeeded);
  world.close();
});

Deno.test("attack: a passkey of an account that an admin has shut signs nobody in", async () => {
  const world = await makeWorld();
  const ana = await signUpGuarded(world, "ana");
  const phone = softAuthenticator();
  value(await add(ana, phone));
  world.db.prepare("update accounts set disabled = 1 where id = ?").run(ana.account);
  const visitor = browser(world);
  const claim = await askAnyPasskey({ api: visitor.api, authenticator: phone });
  assert.equal(visitor.last!.status, 403);
  assert.ok(!claim.ok);
  world.close();
});

Deno.test("nothing that a passkey's PRF gave out gets to the server", async () => {
  const folder = await Deno.makeTempDir();
  const world = await makeWorld({ path: `${folder}/snug.db` });
  const ana = await signUpGuarded(world, "ana");
  const phone = softAuthenticator();
  value(await add(ana, phone));
  assert.equal(await enter(phone, browser(world)), "in");
  world.db.exec("pragma wal_checkpoint(truncate)");
  const file = { name: "database", bytes: await Deno.readFile(`${folder}/snug.db`) };
  assert.ok(phone.outputs.length >= 2);
  const secrets = phone.outputs.map((secret) => ({ name: "PRF output", secret }));
  assert.deepEqual(findCanaries([file], secrets), []);
  world.close();
  await Deno.remove(folder, { recursive: true });
});

Deno.test("a server that is reached by its number offers no passkeys", async () => {
  const world = await makeWorld();
  assert.ok(world.auth.passkeys.available);
  const { createWebAuthn } = await import("../../auth/webauthn.ts");
  assert.equal(createWebAuthn("https://192.0.2.7:8443").available, false);
  assert.equal(createWebAuthn("https://[2001:db8::7]").available, false);
  assert.equal(createWebAuthn("http://localhost:8443").available, true);
  world.close();
});
