import assert from "node:assert/strict";
import { client as opaque, ready } from "@serenity-kit/opaque";
import { addDevice, makeDevice } from "../../crypto/account.ts";
import { sign } from "../../crypto/signature.ts";
import { type DeviceRequest, loginProofBytes } from "../../protocol/api.ts";
import { appendEntry, dayOf } from "../../protocol/bundle.ts";
import {
  codeOf,
  DAY,
  HOUR,
  makeWorld,
  MINUTE,
  ORIGIN,
  value,
  Visitor,
} from "../helpers/account_world.ts";
import { deviceMaterial, enterPassword, signInAgain, signUp } from "../helpers/members.ts";

Deno.test("a second browser signs in with the password and becomes a device", async () => {
  const world = await makeWorld();
  const ana = await signUp(world, "ana");
  const second = await signInAgain(ana);
  const me = value(await second.visitor.api.me());
  assert.deepEqual([me.device, me.listVersion], [second.keys.device, 2]);
  value(await ana.visitor.api.me());
  assert.deepEqual(world.listChanges, [[ana.account, 2]]);
  const letter = world.mailer.letters.at(-1)!;
  assert.deepEqual([letter.to, letter.code], [ana.contact, null]);
  assert.match(letter.subject, /new device/);
  world.close();
});

Deno.test("the answer to the right password has all that opens the vault, and no login that does more", async () => {
  const world = await makeWorld();
  const ana = await signUp(world, "ana");
  const visitor = new Visitor(world);
  const finish = value(await enterPassword(visitor, "ANA", ana.password));
  assert.deepEqual(finish.vault.wraps.map(({ kind }) => kind), ["password", "recovery"]);
  assert.equal(finish.entries.length, 1);
  for (
    const refused of [
      await visitor.api.me(),
      await visitor.api.person("ana"),
      await visitor.api.account(ana.account),
      await visitor.api.bundles(ana.account, [ana.keys.device.device]),
      await visitor.api.prekeyStock(),
    ]
  ) assert.equal(codeOf(refused), "sign-in-needed");
  world.close();
});

Deno.test("attack: an unknown name and a wrong password are answered alike, in size, status and words", async () => {
  const world = await makeWorld();
  const ana = await signUp(world, "ana");
  await ready;
  const trace = async (username: string) => {
    const visitor = new Visitor(world);
    const { startLoginRequest } = opaque.startLogin({ password: "wrong password" });
    const started = await visitor.api.signIn(username, startLoginRequest);
    const first = [visitor.last!.status, [...visitor.last!.headers].map(([name]) => name)];
    const { response, attempt } = value(started);
    const refused = await visitor.api.finishSignIn({ attempt, finish: "A".repeat(86) });
    return [first, response.length, attempt.length, refused, visitor.last!.status];
  };
  assert.deepEqual(await trace("nobody_here"), await trace(ana.username));
  assert.deepEqual(await trace("no name at all"), await trace(ana.username));
  world.close();
});

Deno.test("attack: asking twice about an unknown name gives the same evaluation, as for a known one", async () => {
  const world = await makeWorld();
  const ana = await signUp(world, "ana");
  await ready;
  const { startLoginRequest } = opaque.startLogin({ password: "x" });
  // The first 32 bytes of the answer are the evaluated element: they depend on the account's key alone.
  const evaluated = async (username: string) =>
    value(await new Visitor(world).api.signIn(username, startLoginRequest)).response.slice(0, 42);
  assert.equal(await evaluated("nobody_here"), await evaluated("nobody_here"));
  assert.equal(await evaluated(ana.username), await evaluated(ana.username));
  assert.notEqual(await evaluated("nobody_here"), await evaluated("nobody_else"));
  world.close();
});

Deno.test("an attempt is good for one finish within a minute", async () => {
  const world = await makeWorld();
  const ana = await signUp(world, "ana");
  const visitor = new Visitor(world);
  const start = opaque.startLogin({ password: ana.password });
  const { attempt } = value(await visitor.api.signIn("ana", start.startLoginRequest));
  const wrong = { attempt, finish: "A".repeat(86) };
  assert.equal(codeOf(await visitor.api.finishSignIn(wrong)), "wrong-password");
  assert.equal(codeOf(await visitor.api.finishSignIn(wrong)), "attempt-gone");
  const late = value(await visitor.api.signIn("ana", start.startLoginRequest));
  world.clock.forward(MINUTE);
  const finish = { attempt: late.attempt, finish: "A".repeat(86) };
  assert.equal(codeOf(await visitor.api.finishSignIn(finish)), "attempt-gone");
  world.close();
});

Deno.test("attack: nonsense instead of OPAQUE messages is refused", async () => {
  const world = await makeWorld();
  const ana = await signUp(world, "ana");
  for (const request of ["", "A", "A".repeat(128), "!".repeat(128)]) {
    for (const username of ["ana", "nobody_here"]) {
      assert.equal(codeOf(await new Visitor(world).api.signIn(username, request)), "bad-input");
    }
  }
  assert.equal(
    codeOf(await new Visitor(world).api.finishSignIn({ attempt: "x", finish: "y" })),
    "attempt-gone",
  );
  value(await ana.visitor.api.me());
  world.close();
});

Deno.test("attack: guessing passwords meets growing waits, counted from the first answer on", async () => {
  const world = await makeWorld();
  const ana = await signUp(world, "ana");
  await ready;
  const visitor = new Visitor(world, "terminal", "198.51.100.7");
  const { startLoginRequest } = opaque.startLogin({ password: "guess" });
  const guess = () => visitor.api.signIn("ana", startLoginRequest);
  for (let i = 0; i < 10; i++) value(await guess());
  const waits = [];
  for (let i = 0; i < 5; i++) {
    const refused = await guess();
    assert.equal(codeOf(refused), "rate-limited");
    assert.equal(visitor.last!.status, 429);
    const wait = refused.ok ? 0 : refused.retryAfter!;
    assert.equal(visitor.last!.headers.get("retry-after"), String(wait));
    waits.push(wait);
    world.clock.forward(wait * 1_000);
    value(await guess());
  }
  assert.deepEqual(waits, [15, 30, 60, 120, 240]);
  assert.equal(codeOf(await guess()), "rate-limited");
  value(await enterPassword(new Visitor(world), "ana", ana.password));
  world.close();
});

Deno.test("attack: thirty guesses at once count as thirty", async () => {
  const world = await makeWorld();
  await signUp(world, "ana");
  await ready;
  const { startLoginRequest } = opaque.startLogin({ password: "guess" });
  const visitor = new Visitor(world, "terminal", "198.51.100.7");
  const results = await Promise.all(
    Array.from({ length: 30 }, () => visitor.api.signIn("ana", startLoginRequest)),
  );
  assert.equal(results.filter((one) => one.ok).length, 10);
  world.close();
});

Deno.test("the right password clears what its address tried", async () => {
  const world = await makeWorld();
  const ana = await signUp(world, "ana");
  const visitor = new Visitor(world);
  for (let round = 0; round < 3; round++) {
    for (let i = 0; i < 9; i++) await enterPassword(visitor, "ana", "wrong");
    value(await enterPassword(visitor, "ana", ana.password));
  }
  world.close();
});

Deno.test("attack: spraying many names from one network, and one name from many networks", async () => {
  const world = await makeWorld();
  await signUp(world, "ana");
  await ready;
  const { startLoginRequest } = opaque.startLogin({ password: "guess" });
  const sprayer = new Visitor(world, "terminal", "198.51.100.7");
  const sprayed = [];
  for (let i = 0; i < 51; i++) {
    sprayed.push(await sprayer.api.signIn(`name_${i}`, startLoginRequest));
  }
  assert.equal(sprayed.filter((one) => one.ok).length, 50);
  const many = [];
  for (let i = 0; i < 101; i++) {
    const visitor = new Visitor(world, "terminal", `203.0.113.${i}`);
    many.push(await visitor.api.signIn("ana", startLoginRequest));
  }
  assert.equal(many.filter((one) => one.ok).length, 100);
  world.close();
});

Deno.test("attack: a restart forgives no guesses", async () => {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/snug.db`;
  const before = await makeWorld({ path });
  await signUp(before, "ana");
  await ready;
  const { startLoginRequest } = opaque.startLogin({ password: "guess" });
  for (let i = 0; i < 10; i++) await new Visitor(before).api.signIn("ana", startLoginRequest);
  before.close();
  const after = await makeWorld({ path, secrets: before.deps.secrets });
  const again = await new Visitor(after).api.signIn("ana", startLoginRequest);
  assert.equal(codeOf(again), "rate-limited");
  after.close();
  await Deno.remove(folder, { recursive: true });
});

Deno.test("a device that is on the list signs in again without being listed anew", async () => {
  const world = await makeWorld();
  const ana = await signUp(world, "ana");
  const visitor = new Visitor(world);
  const { account, challenge } = value(await enterPassword(visitor, "ana", ana.password));
  const { device, sign: pair } = ana.keys.device;
  const proof = loginProofBytes({ account, device, origin: ORIGIN, challenge });
  const signature = await sign(pair, "login", proof);
  value(await visitor.api.addDevice({ list: null, device, prekeys: null, signature }));
  assert.equal(value(await visitor.api.me()).listVersion, 1);
  assert.equal(codeOf(await ana.visitor.api.me()), "sign-in-needed", "one login for each device");
  assert.equal(world.ended.length, 1);
  world.close();
});

Deno.test("attack: a partial login is used once, by the device that signed its challenge for this server", async () => {
  const world = await makeWorld();
  const ana = await signUp(world, "ana");
  const ben = await signUp(world, "ben");
  const visitor = new Visitor(world);
  const finish = value(await enterPassword(visitor, "ana", ana.password));
  const cases = [
    await deviceMaterial(ana, finish, { challenge: new Uint8Array(32) }),
    await deviceMaterial(ana, finish, { origin: "https://evil.example.org" }),
    await deviceMaterial(ana, finish, { account: ben.account }),
    await deviceMaterial(ana, finish, { device: ben.keys.device.device }),
  ];
  for (const { request } of cases) {
    assert.equal(codeOf(await visitor.api.addDevice(request)), "bad-proof");
  }
  const { request } = await deviceMaterial(ana, finish);
  const foreign = { ...request, device: ben.keys.device.device };
  assert.equal(codeOf(await visitor.api.addDevice(foreign)), "unknown-device");
  assert.equal(codeOf(await visitor.api.addDevice({ ...request, prekeys: null })), "bad-keys");
  const partial = visitor.api.login;
  value(await visitor.api.addDevice(request));
  assert.notEqual(visitor.api.login, partial, "a new login at every step");
  visitor.api.login = partial;
  assert.equal(codeOf(await visitor.api.addDevice(request)), "sign-in-needed");
  world.close();
});

Deno.test("attack: a full login cannot list a device without the password", async () => {
  const world = await makeWorld();
  const ana = await signUp(world, "ana");
  const visitor = new Visitor(world);
  const finish = value(await enterPassword(visitor, "ana", ana.password));
  const { request } = await deviceMaterial(ana, finish);
  assert.equal(codeOf(await ana.visitor.api.addDevice(request)), "sign-in-needed");
  assert.equal(codeOf(await new Visitor(world).api.addDevice(request)), "sign-in-needed");
  world.close();
});

Deno.test("two browsers sign in at once: one is listed, the other is told to sign in again", async () => {
  const world = await makeWorld();
  const ana = await signUp(world, "ana");
  const visitors = [new Visitor(world), new Visitor(world)];
  const requests: DeviceRequest[] = [];
  for (const visitor of visitors) {
    const finish = value(await enterPassword(visitor, "ana", ana.password));
    requests.push((await deviceMaterial(ana, finish)).request);
  }
  const results = await Promise.all(
    visitors.map((visitor, i) => visitor.api.addDevice(requests[i]!)),
  );
  assert.deepEqual(results.map((one) => one.ok ? "ok" : one.code).sort(), ["ok", "stale-list"]);
  const loser = visitors[results.findIndex((one) => !one.ok)]!;
  const again = await signInAgain(ana, loser);
  assert.equal(again.list.version, 3);
  world.close();
});

Deno.test("eight devices are listed, a ninth is not", async () => {
  const world = await makeWorld();
  const ana = await signUp(world, "ana");
  for (let i = 1; i < 8; i++) await signInAgain(ana);
  const visitor = new Visitor(world);
  const finish = value(await enterPassword(visitor, "ana", ana.password));
  assert.equal(finish.entries.length, 8);
  await assert.rejects(() => deviceMaterial(ana, finish));
  world.close();
});

Deno.test("attack: a new device with the id of somebody else's is refused, and theirs stays", async () => {
  const world = await makeWorld();
  const [ana, ben] = [await signUp(world, "ana"), await signUp(world, "ben")];
  const visitor = new Visitor(world);
  const finish = value(await enterPassword(visitor, "ben", ben.password));
  const { device } = ana.keys.device;
  const { request } = await deviceMaterial(ben, finish, {}, device);
  assert.equal(codeOf(await visitor.api.addDevice(request)), "bad-keys");
  assert.equal((await world.deps.store.devices.find(device))?.account, ana.account);
  assert.equal((await world.deps.store.accounts.byId(ben.account))?.listVersion, 1);
  world.close();
});

Deno.test("attack: an entry signed by another account key is refused", async () => {
  const world = await makeWorld();
  const ana = await signUp(world, "ana");
  const ben = await signUp(world, "ben");
  const visitor = new Visitor(world);
  const finish = value(await enterPassword(visitor, "ana", ana.password));
  const { request } = await deviceMaterial(ana, finish);
  const day = dayOf(world.clock.now());
  const { entry } = await makeDevice(ben.account, ben.keys.list.aik, "browser", "portable", day);
  const bens = await addDevice(ben.keys.accountKey, ben.keys.list, entry);
  assert.equal(codeOf(await visitor.api.addDevice({ ...request, list: bens })), "bad-keys");
  await appendEntry(ben.keys.list, ben.account, bens);
  world.close();
});

Deno.test("a partial login ends after ten minutes", async () => {
  const world = await makeWorld();
  const ana = await signUp(world, "ana");
  const visitor = new Visitor(world);
  const finish = value(await enterPassword(visitor, "ana", ana.password));
  const { request } = await deviceMaterial(ana, finish);
  world.clock.forward(10 * MINUTE);
  assert.equal(codeOf(await visitor.api.addDevice(request)), "sign-in-needed");
  world.close();
});

Deno.test("a server whose clock jumps a day lets everybody sign in again", async () => {
  const world = await makeWorld();
  const ana = await signUp(world, "ana");
  for (let i = 0; i < 14; i++) await enterPassword(new Visitor(world), "ana", "wrong");
  for (const jump of [-DAY, DAY, DAY]) {
    world.clock.forward(jump);
    const visitor = new Visitor(world);
    const tried = await enterPassword(visitor, "ana", ana.password);
    if (!tried.ok) assert.ok(tried.retryAfter! <= HOUR / 1_000);
  }
  value(await enterPassword(new Visitor(world), "ana", ana.password));
  world.close();
});
