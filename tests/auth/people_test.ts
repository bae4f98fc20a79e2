import assert from "node:assert/strict";
import { makePrekeys } from "../../crypto/prekeys.ts";
import { dayOf, verifyDeviceList, verifyFetched } from "../../protocol/bundle.ts";
import { randomId } from "../../protocol/ids.ts";
import {
  codeOf,
  HOUR,
  makeWorld,
  MINUTE,
  value,
  Visitor,
  type World,
} from "../helpers/account_world.ts";
import { type Member, signInAgain, signUp } from "../helpers/members.ts";

async function two(limits: Parameters<typeof makeWorld>[0] = {}) {
  const world = await makeWorld(limits);
  return { world, ana: await signUp(world, "ana"), ben: await signUp(world, "ben") };
}

/** Uploads so many fresh one-time keys, with ids from `from` on. */
async function stockUp(world: World, member: Member, from: number, once: number, kemOnce: number) {
  const { upload } = await makePrekeys(member.keys.device, member.keys.list, {
    day: dayOf(world.clock.now()),
    mode: "portable",
    counters: { rotation: 2, once: from, kemOnce: from },
    once,
    kemOnce,
  });
  return { upload, answer: await member.visitor.api.uploadPrekeys(upload) };
}

Deno.test("people are found by username in any case, and by id", async () => {
  const { world, ana, ben } = await two();
  const found = value(await ana.visitor.api.person("BEN"));
  assert.deepEqual([found.account, found.username, found.fullName], [
    ben.account,
    "ben",
    "The ben",
  ]);
  const list = await verifyDeviceList(ben.account, found.entries);
  assert.deepEqual(list.hash, ben.keys.list.hash);
  assert.deepEqual(value(await ana.visitor.api.account(ben.account)), found);
  for (
    const name of ["nobody", "b", "ben%00", "../me", "'; drop table accounts", "x".repeat(5_000)]
  ) {
    assert.equal(codeOf(await ana.visitor.api.person(name)), "unknown-person");
  }
  assert.equal(codeOf(await ana.visitor.api.account(randomId<"account">())), "unknown-person");
  world.close();
});

Deno.test("newer entries of a list can be asked for alone", async () => {
  const { world, ana, ben } = await two();
  await signInAgain(ben);
  const whole = value(await ana.visitor.api.account(ben.account)).entries;
  assert.equal(whole.length, 2);
  const ask = async (query: string) => {
    const headers = { authorization: `Bearer ${ana.visitor.api.login}` };
    return await ana.visitor.request(`/api/accounts/${ben.account}${query}`, { headers });
  };
  assert.ok((await ask("?from=2")).body.length < (await ask("")).body.length / 1.5);
  for (const bad of ["?from=0", "?from=-1", "?from=x", "?from=", "?from=1e3"]) {
    assert.equal((await ask(bad)).status, 400);
  }
  world.close();
});

Deno.test("a fetched bundle verifies against the fetched list", async () => {
  const { world, ana, ben } = await two();
  const device = ben.keys.device.device;
  const { bundles, missing } = value(await ana.visitor.api.bundles(ben.account, [device]));
  assert.deepEqual(missing, []);
  const person = value(await ana.visitor.api.person("ben"));
  const list = await verifyDeviceList(ben.account, person.entries);
  const verified = await verifyFetched(list, bundles[0]!, dayOf(world.clock.now()));
  assert.equal(verified.device, device);
  assert.equal(verified.kem.kind, "once");
  world.close();
});

Deno.test("attack: a hundred parallel fetches of fifty keys give fifty distinct ones, then the last resort", async () => {
  const roomy = { prekeyFetches: 1_000, prekeysPerHour: 1_000 };
  const { world, ana, ben } = await two({ limits: roomy });
  value((await stockUp(world, ben, 4, 47, 18)).answer);
  const device = ben.keys.device.device;
  const fetched = await Promise.all(
    Array.from({ length: 100 }, () => ana.visitor.api.bundles(ben.account, [device])),
  );
  const bundles = fetched.map((one) => value(one).bundles[0]!);
  const once = bundles.flatMap(({ oneTime }) => oneTime === null ? [] : [oneTime.id]);
  const kem = bundles.flatMap(({ kem }) => kem.kind === "once" ? [kem.id] : []);
  assert.deepEqual([once.length, new Set(once).size], [50, 50]);
  assert.deepEqual([kem.length, new Set(kem).size], [20, 20]);
  assert.ok(bundles.every(({ kem }) => kem.key.length === 1184), "every bundle has a KEM key");
  assert.ok(world.low.includes(device));
  world.close();
});

Deno.test("attack: an upload sent again brings back no key that was handed out", async () => {
  const { world, ana, ben } = await two();
  const { upload, answer } = await stockUp(world, ben, 4, 10, 4);
  assert.deepEqual(value(answer), { oneTime: 13, kemOnce: 6, day: dayOf(world.clock.now()) });
  const device = ben.keys.device.device;
  for (let i = 0; i < 5; i++) value(await ana.visitor.api.bundles(ben.account, [device]));
  const again = value(await ben.visitor.api.uploadPrekeys(upload));
  assert.deepEqual([again.oneTime, again.kemOnce], [8, 1]);
  world.close();
});

Deno.test("no more keys are kept for a device than the limit says", async () => {
  const { world, ben } = await two({ limits: { prekeyStock: 10 } });
  const { answer } = await stockUp(world, ben, 4, 50, 20);
  assert.deepEqual([value(answer).oneTime, value(answer).kemOnce], [10, 10]);
  const more = value((await stockUp(world, ben, 60, 50, 20)).answer);
  assert.deepEqual([more.oneTime, more.kemOnce], [10, 10]);
  world.close();
});

Deno.test("attack: draining somebody's keys; six fetches, then one every ten minutes", async () => {
  const { world, ana, ben } = await two();
  const device = ben.keys.device.device;
  const fetch = () => ana.visitor.api.bundles(ben.account, [device]);
  for (let i = 0; i < 6; i++) value(await fetch());
  const seventh = await fetch();
  assert.equal(codeOf(seventh), "rate-limited");
  assert.equal(seventh.ok ? 0 : seventh.retryAfter, 600);
  world.clock.forward(10 * MINUTE);
  value(await fetch());
  assert.equal(codeOf(await fetch()), "rate-limited");
  value(await ben.visitor.api.bundles(ana.account, [ana.keys.device.device]));
  world.close();
});

Deno.test("attack: many accounts together drain sixty keys an hour, then get the last resort only", async () => {
  const { world, ana, ben } = await two({ limits: { prekeysPerHour: 4, prekeyFetches: 100 } });
  value((await stockUp(world, ben, 4, 20, 10)).answer);
  const device = ben.keys.device.device;
  const kinds = [];
  for (let i = 0; i < 6; i++) {
    const { bundles: [bundle] } = value(await ana.visitor.api.bundles(ben.account, [device]));
    kinds.push(`${bundle!.oneTime === null ? "none" : "one"} ${bundle!.kem.kind}`);
  }
  assert.deepEqual(kinds, [...Array(4).fill("one once"), ...Array(2).fill("none last")]);
  world.clock.forward(HOUR);
  const { bundles: [later] } = value(await ana.visitor.api.bundles(ben.account, [device]));
  assert.equal(later!.kem.kind, "once");
  world.close();
});

Deno.test("attack: fetches at the same moment share what is left of the hour", async () => {
  const { world, ana, ben } = await two({ limits: { prekeysPerHour: 4, prekeyFetches: 100 } });
  value((await stockUp(world, ben, 4, 20, 20)).answer);
  const device = ben.keys.device.device;
  const fetched = await Promise.all(
    Array.from({ length: 12 }, () => ana.visitor.api.bundles(ben.account, [device])),
  );
  const once = fetched.filter((one) => value(one).bundles[0]!.kem.kind === "once");
  assert.equal(once.length, 4);
  world.close();
});

Deno.test("a fetch of what is not there uses up nothing of the hour", async () => {
  const { world, ana, ben } = await two({ limits: { prekeysPerHour: 2, prekeyFetches: 100 } });
  for (let i = 0; i < 5; i++) {
    value(await ana.visitor.api.bundles(ben.account, [randomId<"device">()]));
  }
  const { device } = ben.keys.device;
  const { bundles: [bundle] } = value(await ana.visitor.api.bundles(ben.account, [device]));
  assert.equal(bundle!.kem.kind, "once");
  world.close();
});

Deno.test("own other devices can be written to, the asking one not", async () => {
  const world = await makeWorld();
  const ana = await signUp(world, "ana");
  const second = await signInAgain(ana);
  const [first, other] = [ana.keys.device.device, second.keys.device];
  assert.equal(value(await ana.visitor.api.bundles(ana.account, [other])).bundles.length, 1);
  assert.equal(codeOf(await ana.visitor.api.bundles(ana.account, [first])), "own-device");
  assert.equal(codeOf(await ana.visitor.api.bundles(ana.account, [other, other])), "bad-input");
  assert.equal(codeOf(await ana.visitor.api.bundles(ana.account, [])), "bad-input");
  world.close();
});

Deno.test("attack: another account's device named under a wrong account is missing, and loses no key", async () => {
  const { world, ana, ben } = await two();
  const eve = await signUp(world, "eve");
  const device = ben.keys.device.device;
  const { bundles, missing } = value(await eve.visitor.api.bundles(ana.account, [device]));
  assert.deepEqual([bundles, missing], [[], [device]]);
  assert.equal(value(await ben.visitor.api.prekeyStock()).oneTime, 3);
  world.close();
});

Deno.test("attack: prekeys of another device or account are not taken for one's own", async () => {
  const { world, ana, ben } = await two();
  const { upload } = await stockUp(world, ben, 10, 2, 1);
  assert.equal(codeOf(await ana.visitor.api.uploadPrekeys(upload)), "bad-keys");
  const second = await signInAgain(ben);
  assert.equal(codeOf(await second.visitor.api.uploadPrekeys(upload)), "bad-keys");
  const bent = { ...upload, lastKem: { ...upload.lastKem, signature: new Uint8Array(64) } };
  assert.equal(codeOf(await ben.visitor.api.uploadPrekeys(bent)), "bad-keys");
  world.close();
});

Deno.test("attack: nobody signed in gets nothing", async () => {
  const { world, ana } = await two();
  const nobody = new Visitor(world);
  const { upload } = await stockUp(world, ana, 10, 1, 1);
  const refusals = [
    await nobody.api.me(),
    await nobody.api.person("ana"),
    await nobody.api.account(ana.account),
    await nobody.api.bundles(ana.account, [ana.keys.device.device]),
    await nobody.api.prekeyStock(),
    await nobody.api.uploadPrekeys(upload),
  ];
  for (const refusal of refusals) assert.equal(codeOf(refusal), "sign-in-needed");
  world.close();
});

Deno.test("attack: looking up everybody is limited", async () => {
  const { world, ana } = await two({ limits: { lookupsPerHour: 3 } });
  for (let i = 0; i < 3; i++) await ana.visitor.api.person(`name_${i}`);
  assert.equal(codeOf(await ana.visitor.api.person("ben")), "rate-limited");
  world.close();
});
