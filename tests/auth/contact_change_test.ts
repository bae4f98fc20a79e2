import assert from "node:assert/strict";
import { HOUR, makeWorld, Visitor, type World } from "../helpers/account_world.ts";
import { type Member, signUp } from "../helpers/members.ts";

const NEW = "ana@elsewhere.example";

async function owner(world: World, username: string): Promise<Member> {
  return await signUp(world, username, new Visitor(world, "browser"));
}

const begin = ({ visitor }: Member, contact = NEW) =>
  visitor.form("/settings/contact", { contact });
const enter = ({ visitor }: Member, old: string, next: string) =>
  visitor.form("/settings/contact/codes", { old, new: next });
const contactOf = async (world: World, { account }: Member) =>
  (await world.deps.store.accounts.byId(account))!.contact;
const wrongFor = (code: string) => code === "000000" ? "000001" : "000000";

Deno.test("a code to the old address and one to the new change it; both are told", async () => {
  const world = await makeWorld({ limits: { codeResendSeconds: 0 } });
  const ana = await owner(world, "ana");
  const shown = await begin(ana);
  assert.equal(shown.status, 200, shown.text);
  assert.match(shown.text, /Code from the old one.*Code from the new one/s);
  const [old, next] = [world.mailer.code(ana.contact), world.mailer.code(NEW)];
  const done = await enter(ana, old, next);
  assert.equal(done.headers.get("HX-Redirect"), "/settings?done=contact");
  assert.deepEqual((await contactOf(world, ana)).address, NEW);
  const told = world.mailer.letters.slice(-2);
  assert.deepEqual(told.map(({ to }) => to), [ana.contact, NEW]);
  assert.ok(told.every(({ subject, code }) => /another address/.test(subject) && code === null));
  const again = await enter(ana, old, next);
  assert.equal(again.status, 409);
  world.close();
});

Deno.test("to a phone number as well, and the codes say what they are for", async () => {
  const world = await makeWorld({ limits: { codeResendSeconds: 0 } });
  const ana = await owner(world, "ana");
  await begin(ana, "+49 170 1234567");
  const letters = world.mailer.letters.slice(-2);
  assert.match(letters[0]!.text, /leave this address/);
  assert.deepEqual([letters[1]!.kind, letters[1]!.to], ["phone", "+491701234567"]);
  await enter(ana, letters[0]!.code!, letters[1]!.code!);
  assert.equal((await contactOf(world, ana)).kind, "phone");
  world.close();
});

Deno.test("one right code counts once: the other one may be tried again beside it", async () => {
  const world = await makeWorld({ limits: { codeResendSeconds: 0 } });
  const ana = await owner(world, "ana");
  await begin(ana);
  const [old, next] = [world.mailer.code(ana.contact), world.mailer.code(NEW)];
  const half = await enter(ana, old, wrongFor(next));
  assert.equal(half.status, 422);
  assert.match(half.text, /value="confirmed" readonly/);
  assert.match(half.text, /id="new-code-hint"[^>]*data-state="bad"[^>]*>That code is not right/);
  assert.equal((await contactOf(world, ana)).address, ana.contact);
  assert.equal((await enter(ana, "confirmed", next)).status, 204);
  assert.equal((await contactOf(world, ana)).address, NEW);
  world.close();
});

Deno.test("attack: the codes of the two sides are not each other's, and another login's are none", async () => {
  const world = await makeWorld({ limits: { codeResendSeconds: 0 } });
  const ana = await owner(world, "ana");
  await begin(ana);
  const [old, next] = [world.mailer.code(ana.contact), world.mailer.code(NEW)];
  if (old !== next) assert.equal((await enter(ana, next, old)).status, 422);
  const ben = await owner(world, "ben");
  assert.equal((await enter(ben, old, next)).status, 409);
  assert.equal((await contactOf(world, ana)).address, ana.contact);
  world.close();
});

Deno.test("attack: thirty guesses at either code count as thirty", async () => {
  const world = await makeWorld({ limits: { codeResendSeconds: 0 } });
  const ana = await owner(world, "ana");
  await begin(ana);
  const [old, next] = [world.mailer.code(ana.contact), world.mailer.code(NEW)];
  const guess = (code: string, i: number) =>
    String((Number(code) + (i === 29 ? 0 : 1 + i)) % 1_000_000).padStart(6, "0");
  const answers = await Promise.all(
    Array.from({ length: 30 }, (_, i) => enter(ana, guess(old, i), guess(next, i))),
  );
  assert.equal(answers.filter(({ status }) => status === 204).length, 0);
  assert.equal((await enter(ana, old, next)).status, 422, "both are dead");
  assert.equal((await contactOf(world, ana)).address, ana.contact);
  world.close();
});

Deno.test("attack: an address that has an account gets the same answers as a new one, and its owner a letter without a code", async () => {
  const world = await makeWorld({ limits: { codeResendSeconds: 0 } });
  const [ana, ben] = [await owner(world, "ana"), await owner(world, "ben")];
  const story = async (contact: string) => {
    const seen = [];
    const neutral = (text: string) =>
      text.replaceAll(contact, "ADDRESS").replace(/(hx-)?nonce[=-]"?[^"' ]*/g, "");
    const first = await begin(ana, contact);
    seen.push([first.status, neutral(first.text), [...first.headers].map(([name]) => name)]);
    for (let i = 0; i < 6; i++) {
      const { status, text } = await enter(ana, world.mailer.code(ana.contact), "000000");
      seen.push([status, neutral(text)]);
    }
    return seen;
  };
  assert.deepEqual(await story(ben.contact), await story("nobody@example.org"));
  const toBen = world.mailer.letters.findLast(({ to }) => to === ben.contact)!;
  assert.equal(toBen.code, null);
  assert.equal((await contactOf(world, ana)).address, ana.contact);
  world.close();
});

Deno.test("attack: a login of yesterday, the same address, and nonsense change nothing", async () => {
  const world = await makeWorld({ limits: { codeResendSeconds: 0 } });
  const ana = await owner(world, "ana");
  assert.equal((await begin(ana, ana.contact.toUpperCase())).status, 422);
  assert.equal((await begin(ana, "nowhere")).status, 422);
  world.clock.forward(HOUR);
  const late = await begin(ana);
  assert.equal(late.headers.get("HX-Redirect"), "/sign-in?next=/settings/contact");
  assert.equal(world.mailer.letters.length, 1, "of the sign-up");
  world.close();
});

Deno.test("attack: two accounts that race for one new address; one gets it", async () => {
  const world = await makeWorld({ limits: { codeResendSeconds: 0, codesPerAddressHour: 20 } });
  const both = [await owner(world, "ana"), await owner(world, "ben")];
  const codes: (readonly [string, string])[] = [];
  for (const who of both) {
    await begin(who);
    codes.push([world.mailer.code(who.contact), world.mailer.code(NEW)] as const);
  }
  const answers = await Promise.all(both.map((who, i) => enter(who, ...codes[i]!)));
  assert.deepEqual(answers.map(({ status }) => status).sort(), [204, 409]);
  world.close();
});
