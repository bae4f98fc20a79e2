import assert from "node:assert/strict";
import { sign } from "../../crypto/signature.ts";
import { loginProofBytes } from "../../protocol/api.ts";
import { randomId } from "../../protocol/ids.ts";
import { codeOf, makeWorld, MINUTE, ORIGIN, value, Visitor } from "../helpers/account_world.ts";
import { renew, signUp } from "../helpers/members.ts";

Deno.test("a device renews its login with its key; the old one ends", async () => {
  const world = await makeWorld();
  const ana = await signUp(world, "ana");
  const before = ana.visitor.api.login;
  value(await renew(ana.visitor, ana.keys.device));
  assert.notEqual(ana.visitor.api.login, before);
  value(await ana.visitor.api.me());
  assert.equal(world.ended.length, 1);
  const headers = new Headers({ authorization: `Bearer ${ana.visitor.api.login}` });
  assert.equal((await world.auth.logins.authenticate(headers))?.kind, "device");
  world.close();
});

Deno.test("attack: a challenge is good once, for five minutes, for one device", async () => {
  const world = await makeWorld();
  const ana = await signUp(world, "ana");
  const ben = await signUp(world, "ben");
  const { account, device } = ana.keys.device;
  const answer = async (challenge: typeof ana.keys.list.hash) => {
    const proof = loginProofBytes({ account, device, origin: ORIGIN, challenge });
    const signature = await sign(ana.keys.device.sign, "login", proof);
    return await new Visitor(world).api.renewLogin({ account, device, challenge, signature });
  };
  const once = value(await ana.visitor.api.challenge(device)).challenge;
  value(await answer(once));
  assert.equal(codeOf(await answer(once)), "bad-proof");
  const late = value(await ana.visitor.api.challenge(device)).challenge;
  world.clock.forward(5 * MINUTE);
  assert.equal(codeOf(await answer(late)), "bad-proof");
  const bens = value(await ana.visitor.api.challenge(ben.keys.device.device)).challenge;
  assert.equal(codeOf(await answer(bens)), "bad-proof");
  assert.equal(codeOf(await answer(new Uint8Array(32))), "bad-proof");
  world.close();
});

Deno.test("attack: thirty renewals at once with one challenge give one login", async () => {
  const world = await makeWorld();
  const ana = await signUp(world, "ana");
  const { account, device } = ana.keys.device;
  const { challenge } = value(await ana.visitor.api.challenge(device));
  const proof = loginProofBytes({ account, device, origin: ORIGIN, challenge });
  const signature = await sign(ana.keys.device.sign, "login", proof);
  const request = { account, device, challenge, signature };
  const results = await Promise.all(
    Array.from({ length: 30 }, () => new Visitor(world).api.renewLogin(request)),
  );
  assert.equal(results.filter((one) => one.ok).length, 1);
  world.close();
});

Deno.test("attack: a signature for another server, account, device or purpose is no proof", async () => {
  const world = await makeWorld();
  const ana = await signUp(world, "ana");
  const ben = await signUp(world, "ben");
  const keys = ana.keys.device;
  const visitor = new Visitor(world);
  for (
    const bend of [
      { origin: "https://evil.example.org" },
      { account: ben.account },
      { device: ben.keys.device.device },
      { challenge: new Uint8Array(32) },
    ]
  ) assert.equal(codeOf(await renew(visitor, keys, bend)), "bad-proof");
  const { account, device } = keys;
  const { challenge } = value(await visitor.api.challenge(device));
  const proof = loginProofBytes({ account, device, origin: ORIGIN, challenge });
  const signature = await sign(keys.sign, "device", proof);
  const request = { account, device, challenge, signature };
  assert.equal(codeOf(await visitor.api.renewLogin(request)), "bad-proof");
  world.close();
});

Deno.test("attack: an unknown device gets a challenge like any other, and one refusal for everything", async () => {
  const world = await makeWorld();
  const ana = await signUp(world, "ana");
  const unknown = { ...ana.keys.device, device: randomId<"device">() };
  const foreign = { ...ana.keys.device, account: randomId<"account">() };
  const answers = [];
  for (const keys of [unknown, foreign]) answers.push(await renew(new Visitor(world), keys));
  assert.deepEqual(answers[0], answers[1]);
  assert.equal(codeOf(answers[0]!), "bad-proof");
  world.close();
});

Deno.test("attack: challenges are limited by address", async () => {
  const world = await makeWorld({ limits: { challengesPerIpHour: 3 } });
  const visitor = new Visitor(world);
  const device = randomId<"device">();
  for (let i = 0; i < 3; i++) value(await visitor.api.challenge(device));
  assert.equal(codeOf(await visitor.api.challenge(device)), "rate-limited");
  world.close();
});

for (const how of ["signed out", "removed"] as const) {
  Deno.test(`attack: a device that is ${how} while its renewal is judged gets no login`, async () => {
    const world = await makeWorld();
    const ana = await signUp(world, "ana");
    const { devices, logins } = world.deps.store;
    const { account, device } = ana.keys.device;
    const find = devices.find;
    Object.assign(devices, {
      async find(wanted: typeof device) {
        const row = await find(wanted);
        const login = world.db.prepare("select id from logins where device = ?").get(device);
        if (how === "signed out") await logins.end(account, String(login?.["id"]));
        else world.db.prepare("delete from devices where id = ?").run(device);
        return row;
      },
    });
    assert.equal(codeOf(await renew(new Visitor(world), ana.keys.device)), "bad-proof");
    assert.equal(world.db.prepare("select count(*) as n from logins").get()?.["n"], 0);
    world.close();
  });
}
