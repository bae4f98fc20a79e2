import assert from "node:assert/strict";
import { unwrapVaultKey } from "../../crypto/vault.ts";
import { fromBase64Url } from "../../protocol/encoding.ts";
import { DAY, HOUR, makeWorld, value, Visitor } from "../helpers/account_world.ts";
import {
  change,
  flowAt,
  type Guarded,
  quickPassword,
  signInAt,
  signUpGuarded,
} from "../helpers/guarded.ts";
import { renew, signUp } from "../helpers/members.ts";
import { signIn } from "../../client/account_flow.ts";
import type { DeviceKeys } from "../../crypto/account.ts";

const NEXT = "a lantern on the third stair";

const stateOf = async ({ world, account }: Guarded) => ({
  account: await world.deps.store.accounts.byId(account),
  vault: await world.deps.store.vaults.find(account),
});

Deno.test("a changed password opens the same vault in its next edition, the old one nothing", async () => {
  const world = await makeWorld();
  const ana = await signUpGuarded(world, "ana");
  const before = await stateOf(ana);
  const changed = await change(ana, NEXT);
  assert.ok(changed.ok, JSON.stringify(changed));
  const after = await stateOf(ana);
  assert.deepEqual([before.vault!.generation, after.vault!.generation], [1, 2]);
  assert.equal(after.account!.listVersion, 2);
  const wrap = (state: typeof before, kind: string) =>
    state.vault!.wraps.find((one) => one.kind === kind)!.sealed;
  assert.deepEqual(wrap(after, "recovery"), wrap(before, "recovery"), "the recovery key stays");
  assert.notDeepEqual(wrap(after, "password"), wrap(before, "password"));
  const old = await signInAt(new Visitor(world), ana);
  assert.equal(old.ok ? "in" : old.code, "wrong-password");
  const fresh = await signInAt(new Visitor(world), { ...ana, password: NEXT });
  assert.ok(fresh.ok);
  const again = await signIn(flowAt(new Visitor(world), ana.store), {
    ...{ username: "ana", password: NEXT },
  });
  assert.ok(again.ok && "known" in again.value && again.value.known, "the device is still one");
  world.close();
});

Deno.test("the owner hears of it, and every other login has ended", async () => {
  const world = await makeWorld();
  const ana = await signUpGuarded(world, "ana");
  const second = new Visitor(world);
  assert.ok((await signInAt(second, ana)).ok);
  assert.ok((await change(ana, NEXT)).ok);
  const last = world.mailer.letters.at(-1)!;
  assert.deepEqual([last.to, last.subject], [ana.contact, "Your Snug password was changed"]);
  assert.ok((await ana.visitor.api.me()).ok, "this one goes on, with a new login");
  assert.ok(!(await second.api.me()).ok);
  assert.deepEqual(world.listChanges.at(-1), [ana.account, 3]);
  assert.ok(world.ended.length >= 2);
  world.close();
});

Deno.test("attack: an old-password wrap after the change is nowhere, and the old key opens nothing", async () => {
  const folder = await Deno.makeTempDir();
  const world = await makeWorld({ path: `${folder}/snug.db` });
  const ana = await signUpGuarded(world, "ana");
  const before = await stateOf(ana);
  const old = before.vault!.wraps.find(({ kind }) => kind === "password")!.sealed;
  // The old export key, as whoever knows the old password and has an old copy of the server gets it.
  const start = await quickPassword.startLogin(ana.password);
  const { response } = value(await new Visitor(world).api.signIn("ana", start.request));
  const oldKey = (await quickPassword.finishLogin(ana.password, start.state, response))!.exportKey;
  const owner = { account: ana.account, aik: before.account!.aik };
  await unwrapVaultKey(old, fromBase64Url(oldKey), "password", owner);
  assert.ok((await change(ana, NEXT)).ok);
  const after = await stateOf(ana);
  for (const { sealed } of after.vault!.wraps.filter(({ kind }) => kind === "password")) {
    await assert.rejects(unwrapVaultKey(sealed, fromBase64Url(oldKey), "password", owner));
  }
  world.db.exec("pragma wal_checkpoint(truncate)");
  const file = await Deno.readFile(`${folder}/snug.db`);
  assert.ok(!includes(file, old), "overwritten on the disk too");
  assert.ok(includes(file, after.vault!.wraps[0]!.sealed));
  world.close();
  await Deno.remove(folder, { recursive: true });
});

function includes(whole: Uint8Array, part: Uint8Array): boolean {
  const text = (bytes: Uint8Array) => Array.from(bytes, (b) => String.fromCharCode(b)).join("");
  return text(whole).includes(text(part));
}

Deno.test("attack: a server with the old vault is refused by its generation", async () => {
  const world = await makeWorld();
  const ana = await signUpGuarded(world, "ana");
  const before = await stateOf(ana);
  assert.ok((await change(ana, NEXT)).ok);
  const { sealed, generation } = before.vault!;
  world.db.prepare("update vaults set sealed = ?, generation = ?").run(sealed, generation);
  const fooled = await signInAt(new Visitor(world), { ...ana, password: NEXT });
  assert.equal(fooled.ok ? "in" : fooled.code, "untrusted-server");
  world.close();
});

Deno.test("attack: without the current password nothing changes, and guesses are counted with those at sign-in", async () => {
  const world = await makeWorld({ limits: { passwordTries: 3 } });
  const ana = await signUpGuarded(world, "ana");
  const before = await stateOf(ana);
  const refused = [];
  for (let i = 0; i < 4; i++) {
    const outcome = await change(ana, NEXT, `wrong password ${i}`);
    refused.push(outcome.ok ? "in" : outcome.code);
  }
  assert.deepEqual(refused, ["wrong-password", "wrong-password", "wrong-password", "rate-limited"]);
  assert.deepEqual(await stateOf(ana), before);
  const elsewhere = await signInAt(new Visitor(world, "terminal"), ana);
  assert.equal(elsewhere.ok ? "in" : elsewhere.code, "rate-limited");
  world.close();
});

Deno.test("attack: a proof is good for one login, once, for a minute", async () => {
  const world = await makeWorld();
  const [ana, ben] = [await signUpGuarded(world, "ana"), await signUpGuarded(world, "ben")];
  const start = await quickPassword.startLogin(ana.password);
  const registration = (await quickPassword.startRegistration(NEXT)).request;
  const started = value(
    await ana.visitor.api.startPasswordChange({ request: start.request, registration }),
  );
  const finish = await quickPassword.finishLogin(ana.password, start.state, started.response);
  const proof = { attempt: started.attempt, finish: finish!.finish };
  const foreign = await ben.visitor.api.provePassword(proof);
  assert.equal(foreign.ok ? "in" : foreign.code, "attempt-gone");
  const used = await ana.visitor.api.provePassword(proof);
  assert.equal(used.ok ? "in" : used.code, "attempt-gone", "ben's try has used it up");
  world.close();
});

Deno.test("two changes at once: one wins, the other changes nothing", async () => {
  const world = await makeWorld();
  const ana = await signUpGuarded(world, "ana");
  const answers = await Promise.all([change(ana, NEXT), change(ana, `${NEXT} two`)]);
  assert.equal(answers.filter(({ ok }) => ok).length, 1);
  assert.equal((await stateOf(ana)).vault!.generation, 2);
  const winner = answers[0].ok ? NEXT : `${NEXT} two`;
  assert.ok((await signInAt(new Visitor(world), { ...ana, password: winner })).ok);
  world.close();
});

Deno.test("attack: a change that fails half-way leaves record, vault and list as they were", async () => {
  const world = await makeWorld();
  const ana = await signUpGuarded(world, "ana");
  const before = await stateOf(ana);
  world.db.exec(
    "create trigger no_logins before insert on logins begin select raise(abort, 'full'); end",
  );
  assert.ok(!(await change(ana, NEXT)).ok);
  world.db.exec("drop trigger no_logins");
  assert.deepEqual(await stateOf(ana), before);
  assert.ok((await signInAt(new Visitor(world), ana)).ok);
  world.close();
});

Deno.test("attack: a change with another's keys, other devices or a skipped generation is refused whole", async () => {
  const world = await makeWorld();
  const ana = await signUpGuarded(world, "ana");
  const ben = await signUpGuarded(world, "ben");
  const before = await stateOf(ana);
  type Change = Parameters<typeof ana.visitor.api.changePassword>[0];
  const bent = async (bend: (request: Change) => Change | Promise<Change>) => {
    const { api: real } = ana.visitor;
    const api: typeof real = Object.assign(Object.create(null), {
      startPasswordChange: (request: Parameters<typeof real.startPasswordChange>[0]) =>
        real.startPasswordChange(request),
      provePassword: (request: Parameters<typeof real.provePassword>[0]) =>
        real.provePassword(request),
      changePassword: async (request: Change) => await real.changePassword(await bend(request)),
    });
    const outcome = await change({ ...ana, visitor: { api } as unknown as Visitor }, NEXT);
    return outcome.ok;
  };
  const [foreign] = await world.deps.store.devices.entries(ben.account, 0, 1);
  const bends: ((request: Change) => Change)[] = [
    (request) => ({ ...request, list: foreign! }),
    (request) => ({ ...request, vault: { ...request.vault, generation: 3 } }),
    (request) => ({ ...request, vault: { ...request.vault, wraps: [] } }),
    (request) => ({
      ...request,
      vault: { ...request.vault, wraps: [{ ...request.vault.wraps[0]!, kind: "recovery" }] },
    }),
    (request) => ({ ...request, vault: { ...request.vault, sealed: new Uint8Array() } }),
    (request) => ({ ...request, record: "A".repeat(256) }),
    (request) => ({ ...request, proof: "A".repeat(43) }),
  ];
  for (const [at, bend] of bends.entries()) assert.equal(await bent(bend), false, String(at));
  assert.deepEqual(await stateOf(ana), before);
  world.close();
});

Deno.test("attack: a device's key alone changes no password", async () => {
  const world = await makeWorld();
  const ana = await signUpGuarded(world, "ana");
  const keys = (await ana.store.get<DeviceKeys>("device", "keys"))!;
  const visitor = new Visitor(world, "browser");
  assert.ok((await renew(visitor, keys)).ok);
  const outcome = await change({ ...ana, visitor }, NEXT);
  assert.equal(outcome.ok ? "in" : outcome.code, "signed-out");
  world.close();
});

Deno.test("attack: after a change, another device's key brings no login back without the password", async () => {
  const world = await makeWorld();
  const ana = await signUpGuarded(world, "ana");
  const thief = new Visitor(world);
  const { store } = flowAt(thief);
  assert.ok((await signIn(flowAt(thief, store as typeof ana.store), ana)).ok);
  const keys = (await store.get<DeviceKeys>("device", "keys"))!;
  assert.ok((await change(ana, NEXT)).ok);
  const back = await renew(new Visitor(world), keys);
  assert.equal(back.ok ? "in" : back.code, "bad-proof");
  const own = (await ana.store.get<DeviceKeys>("device", "keys"))!;
  assert.ok((await renew(new Visitor(world), own)).ok, "the one that changed it goes on");
  world.close();
});

Deno.test("a login of more than 30 days ago is asked to sign in first", async () => {
  const world = await makeWorld({ limits: { loginSeconds: 90 * DAY, loginIdleSeconds: 90 * DAY } });
  const member = await signUp(world, "ana", new Visitor(world, "browser"));
  world.clock.forward(30 * DAY - HOUR);
  assert.equal((await member.visitor.request("/settings")).status, 200);
  world.clock.forward(HOUR);
  assert.equal((await member.visitor.request("/settings")).status, 303);
  assert.ok((await member.visitor.api.me()).ok, "to chat it is enough");
  world.close();
});
