import assert from "node:assert/strict";
import { CBOR_TYPE } from "../../protocol/api.ts";
import { decode, encode } from "../../protocol/codec.ts";
import { directoryAnswer, directoryRequest } from "../../protocol/directory_api.ts";
import { makeWorld, Visitor, type World } from "../helpers/account_world.ts";
import { type Member, signUp } from "../helpers/members.ts";

const browser = (world: World) => new Visitor(world, "browser");

async function post(member: Member, path: string, fields: Record<string, string>) {
  const body = new URLSearchParams(fields).toString();
  const headers = { "content-type": "application/x-www-form-urlencoded" };
  return await member.visitor.request(path, { method: "POST", headers, body });
}

const list = (member: Member, listed: "yes" | "no") => post(member, "/people/listed", { listed });

async function find(member: Member, words: string) {
  const found = await member.visitor.api.ask(
    "/api/directory",
    encode(directoryRequest, { words }),
    directoryAnswer,
  );
  return found.ok ? found.value.people.map(({ username }) => username) : found.code;
}

Deno.test("nobody is found before they ask for it, and nobody any more once they take it back", async () => {
  const world = await makeWorld();
  const ana = await signUp(world, "ana", browser(world));
  const ben = await signUp(world, "ben", browser(world));
  assert.deepEqual(await find(ana, "ben"), []);
  assert.deepEqual(await find(ana, ""), []);
  assert.equal((await list(ben, "yes")).headers.get("location"), "/people");
  assert.deepEqual(await find(ana, "ben"), ["ben"]);
  assert.deepEqual(await find(ana, ""), ["ben"]);
  await list(ben, "no");
  assert.deepEqual(await find(ana, "ben"), []);
  world.close();
});

Deno.test("people are found by the beginnings of their names, without case and accents", async () => {
  const world = await makeWorld();
  const ana = await signUp(world, "ana", browser(world));
  const ben = await signUp(world, "ben_42", browser(world));
  await list(ben, "yes");
  await post(ben, "/settings/profile", { fullName: "José Müller-Ø" });
  for (const words of ["ben", "@BEN_4", "42", "jose", "JOSÉ mull", "müller", "ø", " mül  jo "]) {
    assert.deepEqual(await find(ana, words), ["ben_42"], words);
  }
  for (const words of ["en", "uller", "%", "_", "jose x", "' or 1=1 --", "anyone"]) {
    assert.deepEqual(await find(ana, words), [], words);
  }
  world.close();
});

Deno.test("the page works by plain forms, and sends the list alone to who types", async () => {
  const world = await makeWorld();
  const ana = await signUp(world, "ana", browser(world));
  const whole = (await ana.visitor.request("/people")).text;
  assert.match(whole, /It is off\. Nobody finds you here/);
  await list(ana, "yes");
  assert.match(
    (await ana.visitor.request("/people")).text,
    /It is on\..*href="\/chat#@ana"|href="\/chat#@ana".*It is on\./s,
  );
  const found = await post(ana, "/people", { words: "<script>" });
  assert.match(found.text, /value="&lt;script&gt;"[\s\S]*Nobody by that name/);
  const part = await ana.visitor.form("/people", { words: "an" });
  assert.match(part.text, /^<div id="found"/);
  assert.equal(
    (await browser(world).request("/people")).headers.get("location"),
    "/sign-in?next=/people",
  );
  world.close();
});

Deno.test("attack: names are not gathered by searching, and who is switched off is not found", async () => {
  const world = await makeWorld({ limits: { searchesPerHour: 3 } });
  const ana = await signUp(world, "ana", browser(world));
  const ben = await signUp(world, "ben", browser(world));
  await list(ben, "yes");
  assert.deepEqual(await find(ana, "b"), ["ben"]);
  world.db.prepare("update accounts set disabled = 1 where username = 'ben'").run();
  assert.deepEqual(await find(ana, "b"), []);
  assert.deepEqual(await find(ana, "c"), []);
  assert.equal(await find(ana, "d"), "rate-limited");
  assert.equal((await ana.visitor.request("/people")).status, 429);
  const headers = { "content-type": CBOR_TYPE, accept: CBOR_TYPE };
  const body = encode(directoryRequest, { words: "" });
  const stranger = await browser(world).request("/api/directory", {
    method: "POST",
    headers,
    body,
  });
  assert.equal(stranger.status, 401);
  world.close();
});

Deno.test("an answer holds at most twenty people", async () => {
  const world = await makeWorld();
  const ana = await signUp(world, "ana", browser(world));
  await list(ana, "yes");
  const clone = world.db.prepare(`
    insert into accounts (id, username, full_name, contact_kind, contact, contact_key, language,
    password_record, aik, list_version, list_hash, admin, made, listed)
    select ?, ?, full_name, contact_kind, contact, ?, language, password_record, aik, list_version,
    list_hash, 0, made, listed from accounts where username = 'ana'
  `);
  for (let i = 0; i < 30; i++) clone.run(`id${i}`, `name_${i}`, `key${i}`);
  assert.equal((await find(ana, "")).length, 20);
  assert.ok(decode(directoryAnswer, encode(directoryAnswer, { people: [] })));
  world.close();
});
