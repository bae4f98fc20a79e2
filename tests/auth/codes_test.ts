import assert from "node:assert/strict";
import { newCode, readCode } from "../../auth/codes.ts";
import {
  codeOf,
  DAY,
  fakeRandom,
  makeWorld,
  MINUTE,
  value,
  Visitor,
  type World,
} from "../helpers/account_world.ts";

const FORM = { username: "ana", fullName: "Ana", contact: "ana@example.org" };

async function waiting(world: World, form = FORM): Promise<{ visitor: Visitor; code: string }> {
  const visitor = new Visitor(world);
  value(await visitor.api.signUp(form));
  return { visitor, code: world.mailer.code(form.contact) };
}

/** Codes that are not this one. */
function wrongCodes(code: string, count: number): string[] {
  const first = Number(code) + 1;
  return Array.from({ length: count }, (_, i) => String((first + i) % 1_000_000).padStart(6, "0"));
}

Deno.test("codes are six digits, leading zeros and all, and equally likely", () => {
  const random = fakeRandom("codes");
  const counts = new Array<number>(10).fill(0);
  for (let i = 0; i < 20_000; i++) {
    const code = newCode(random);
    assert.match(code, /^\d{6}$/);
    counts[Number(code[0])]!++;
  }
  for (const count of counts) assert.ok(Math.abs(count - 2_000) < 250, String(counts));
});

Deno.test("a draw that would favour low codes is thrown away", () => {
  const draws = [[255, 255, 255, 255], [0xff, 0xff, 0x3e, 0xc0], [0, 0, 0, 7]];
  const code = newCode(() => new Uint8Array(draws.shift()!));
  assert.equal(code, "000007");
});

Deno.test("a code may be typed with spaces and hyphens, and nothing else", () => {
  assert.equal(readCode(" 123 456 "), "123456");
  assert.equal(readCode("123-456"), "123456");
  for (const bad of ["12345", "1234567", "12345a", "", "١٢٣٤٥٦", "1".repeat(50_000), "123456\0"]) {
    assert.equal(readCode(bad), null);
  }
});

Deno.test("something that is no code costs no try", async () => {
  const world = await makeWorld();
  const { visitor, code } = await waiting(world);
  for (let i = 0; i < 20; i++) assert.equal(codeOf(await visitor.api.confirm("12345")), "bad-code");
  value(await visitor.api.confirm(code));
  world.close();
});

Deno.test("a wrong code is said with the tries that are left; after five the right one is dead too", async () => {
  const world = await makeWorld();
  const { visitor, code } = await waiting(world);
  const words = [];
  for (const wrong of wrongCodes(code, 5)) {
    const refusal = await visitor.api.confirm(wrong);
    words.push(refusal.ok ? "" : `${refusal.code}: ${refusal.words}`);
  }
  assert.match(words[0]!, /^bad-code: .*4 tries left/);
  assert.match(words[3]!, /^bad-code: .*one try left/);
  assert.match(words[4]!, /^code-locked: .*Send another/);
  assert.equal(codeOf(await visitor.api.confirm(code)), "code-locked");
  world.clock.forward(MINUTE);
  value(await visitor.api.resend());
  value(await visitor.api.confirm(world.mailer.code(FORM.contact)));
  world.close();
});

Deno.test("attack: thirty guesses at once count as thirty", async () => {
  const world = await makeWorld();
  const { visitor, code } = await waiting(world);
  const guesses = [...wrongCodes(code, 29), code];
  const results = await Promise.all(guesses.map((guess) => visitor.api.confirm(guess)));
  const wrong = results.filter((one) => !one.ok && one.code === "bad-code").length;
  const locked = results.filter((one) => !one.ok && one.code === "code-locked").length;
  assert.equal(results.filter((one) => one.ok).length, 0);
  assert.deepEqual([wrong, locked], [4, 26]);
  world.close();
});

Deno.test("attack: the right code thirty times at once is right once", async () => {
  const world = await makeWorld();
  const { visitor, code } = await waiting(world);
  const results = await Promise.all(Array.from({ length: 30 }, () => visitor.api.confirm(code)));
  assert.equal(results.filter((one) => one.ok).length, 1);
  world.close();
});

Deno.test("attack: a code is good once", async () => {
  const world = await makeWorld();
  const { visitor, code } = await waiting(world);
  value(await visitor.api.confirm(code));
  assert.equal(codeOf(await visitor.api.confirm(code)), "code-expired");
  world.close();
});

Deno.test("attack: the code of one browser's challenge does not confirm another's", async () => {
  const world = await makeWorld();
  const ana = await waiting(world);
  const ben = await waiting(world, { ...FORM, username: "ben", contact: "ben@example.org" });
  if (ana.code !== ben.code) {
    assert.equal(codeOf(await ben.visitor.api.confirm(ana.code)), "bad-code");
  }
  value(await ben.visitor.api.confirm(ben.code));
  world.close();
});

Deno.test("attack: a MAC copied from one challenge to another in the database confirms nothing", async () => {
  const world = await makeWorld();
  const ana = await waiting(world);
  const ben = await waiting(world, { ...FORM, username: "ben", contact: "ben@example.org" });
  world.db.exec(
    "update challenges set code = (select code from challenges where username = 'ana')",
  );
  assert.equal(codeOf(await ben.visitor.api.confirm(ana.code)), "bad-code");
  world.close();
});

Deno.test("a code is dead after ten minutes, and says so", async () => {
  const world = await makeWorld();
  const { visitor, code } = await waiting(world);
  world.clock.forward(10 * MINUTE);
  const late = await visitor.api.confirm(code);
  assert.equal(codeOf(late), "code-expired");
  assert.match(late.ok ? "" : late.words, /Send another/);
  world.close();
});

Deno.test("attack: a clock set back a day brings no old code to life", async () => {
  const world = await makeWorld();
  const { visitor, code } = await waiting(world);
  world.clock.forward(11 * MINUTE - DAY);
  assert.equal(codeOf(await visitor.api.confirm(code)), "challenge-gone");
  world.close();
});

Deno.test("neither the code nor what the browser carries is in the database", async () => {
  const world = await makeWorld();
  const visitor = new Visitor(world, "browser");
  await visitor.form("/sign-up", FORM);
  const code = world.mailer.code(FORM.contact);
  const carried = visitor.cookies.get("__Host-snug-challenge")!;
  const stored = JSON.stringify(
    world.db.prepare("select * from challenges").all(),
    (_, one) => one instanceof Uint8Array ? String.fromCharCode(...one) : one,
  );
  assert.ok(!stored.includes(code) && !stored.includes(carried) && carried.length === 43);
  assert.ok(stored.includes(FORM.contact));
  world.close();
});
