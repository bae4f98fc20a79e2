import assert from "node:assert/strict";
import type { AccountId } from "../../protocol/ids.ts";
import { HOUR, makeWorld, value, Visitor } from "../helpers/account_world.ts";
import { accountMaterial, registerPassword } from "../helpers/members.ts";

const FORM = { username: "ana", fullName: "Ana", contact: "ana@example.org" };

Deno.test("somebody signs up with a phone number; written otherwise it is the same account", async () => {
  const world = await makeWorld();
  const visitor = new Visitor(world);
  value(await visitor.api.signUp({ ...FORM, contact: "+49 170 1234567" }));
  const letter = world.mailer.letters[0]!;
  assert.deepEqual([letter.kind, letter.to], ["phone", "+491701234567"]);
  assert.ok(letter.short.includes(letter.code!) && letter.short.length <= 160);
  const { account } = value(await visitor.api.confirm(letter.code!));
  const record = await registerPassword(visitor, "p");
  value(await visitor.api.createAccount((await accountMaterial(world, account, record)).request));
  assert.equal((await world.deps.store.accounts.byId(account))?.contact.key, "+491701234567");

  world.clock.forward(HOUR);
  const again = { ...FORM, username: "eve", contact: "0049 (0)170 123-4567" };
  value(await new Visitor(world).api.signUp(again));
  assert.deepEqual(world.mailer.letters.map(({ code }) => code !== null), [true, false]);
  world.close();
});

Deno.test("letters are in the language that the browser asks for, and stay in it", async () => {
  const world = await makeWorld();
  const visitor = new Visitor(world, "browser");
  const wish = { "accept-language": "fr, de-CH;q=0.9, en;q=0.8" };
  await visitor.form("/sign-up", FORM, wish);
  assert.match(world.mailer.letters[0]!.subject, /^\d{6} ist dein Snug-Code$/);
  assert.match(world.mailer.letters[0]!.html, /<html lang="de">/);
  const confirmed = await visitor.form("/sign-up/code", { code: world.mailer.code(FORM.contact) });
  const account = /data-account="([\w-]{22})"/.exec(confirmed.text)![1] as AccountId;
  const record = await registerPassword(visitor, "p");
  value(await visitor.api.createAccount((await accountMaterial(world, account, record)).request));
  assert.equal((await world.deps.store.accounts.byId(account))?.contact.language, "de");
  world.close();
});
