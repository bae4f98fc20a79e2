import assert from "node:assert/strict";
import { sign } from "../../crypto/signature.ts";
import { loginProofBytes } from "../../protocol/api.ts";
import { ownPath } from "../../routes/sign_in.tsx";
import { makeWorld, MINUTE, ORIGIN, value, Visitor, type World } from "../helpers/account_world.ts";
import { enterPassword, type Member, renew, signInAgain, signUp } from "../helpers/members.ts";

const PAGES = [
  "/settings",
  "/settings/history",
  "/settings/password",
  "/settings/second-factor",
  "/settings/what-the-server-sees",
];
const HTML = { accept: "text/html" };

function member(world: World, username: string): Promise<Member> {
  return signUp(world, username, new Visitor(world, "browser"));
}

const loginIds = (text: string) =>
  [...text.matchAll(/name="login" value="([^"]+)"/g)].map(([, id]) => id!);

Deno.test("every page is whole, never cached, with the answer's nonce on every script and htmx element", async () => {
  const world = await makeWorld();
  const ana = await member(world, "ana");
  for (const path of PAGES) {
    const { status, headers, text } = await ana.visitor.request(path);
    assert.equal(status, 200, path);
    assert.match(text, /^<!DOCTYPE html><html lang="en">/);
    assert.equal(headers.get("cache-control"), "no-store");
    const nonce = /script-src 'nonce-([^']+)'/.exec(headers.get("content-security-policy")!)?.[1];
    for (const [tag] of text.matchAll(/<(?:script|form|input|button)[^>]*>/g)) {
      if (tag.startsWith("<script")) assert.ok(tag.includes(`nonce="${nonce}"`), tag);
      if (/ hx-(post|get)=/.test(tag)) assert.ok(tag.includes(`hx-nonce="${nonce}"`), tag);
      if (tag.startsWith("<form")) assert.match(tag, /method="post"/);
      if (/type="password"/.test(tag)) assert.ok(!/ name=/.test(tag), tag);
    }
  }
  world.close();
});

Deno.test("attack: settings with a device login lead to sign-in and back, and nowhere else", async () => {
  const world = await makeWorld();
  const ana = await member(world, "ana");
  value(await renew(ana.visitor, ana.keys.device));
  assert.ok((await ana.visitor.api.me()).ok, "chatting goes on");
  for (const path of PAGES) {
    const { status, headers, text } = await ana.visitor.request(path, { headers: HTML });
    assert.deepEqual([status, headers.get("location")], [303, `/sign-in?next=${path}`]);
    assert.equal(text, "");
  }
  const saved = await ana.visitor.form("/settings/profile", { fullName: "Mallory" });
  assert.equal(saved.headers.get("HX-Redirect"), "/sign-in?next=/settings");
  assert.equal((await world.deps.store.accounts.byId(ana.account))!.fullName, "The ana");
  for (const path of PAGES) {
    assert.equal((await new Visitor(world, "browser").request(path)).status, 303, "nobody");
  }
  world.close();
});

Deno.test("attack: open redirect; after signing in only a path of our own is gone to", async () => {
  for (const good of ["/settings", "/settings/second-factor", "/chat"]) {
    assert.equal(ownPath(good), good);
  }
  const bad = [
    ...[
      "//evil.example",
      "/\\evil.example",
      "https://evil.example",
      "/a//b",
      "javascript:alert(1)",
    ],
    ...["/%2f%2fevil", "/a?next=x", "/a#b", "", "/", "settings", "/a\r\nset-cookie:x", "/\t/evil"],
    "/" + "a".repeat(500),
  ];
  for (const next of bad) assert.equal(ownPath(next), null, next);
  const world = await makeWorld();
  const show = async (next: string) => {
    const path = `/sign-in?next=${encodeURIComponent(next)}`;
    const { text } = await new Visitor(world, "browser").request(path);
    return /data-next="([^"]*)"/.exec(text)?.[1];
  };
  assert.equal(await show("/settings"), "/settings");
  assert.equal(await show("//evil.example"), "/");
  world.close();
});

Deno.test("a name is saved, with htmx as a part and without as a page", async () => {
  const world = await makeWorld();
  const ana = await member(world, "ana");
  const part = await ana.visitor.form("/settings/profile", { fullName: "Ana Lind" });
  assert.match(part.text, /^<section class="part" id="profile"/);
  assert.match(part.text, /data-state="ok"/);
  const plain = { "hx-request": "false" };
  const page = await ana.visitor.form("/settings/profile", { fullName: "Ana L." }, plain);
  assert.deepEqual([page.status, page.headers.get("location")], [303, "/settings?done=name"]);
  assert.match((await ana.visitor.request("/settings")).text, /value="Ana L\."/);
  const refused = await ana.visitor.form("/settings/profile", { fullName: "  " }, plain);
  assert.equal(refused.status, 422);
  assert.match(refused.text, /Write your name in 1 to 64 characters/);
  const hostile = '"><img src=x onerror=alert(1)>';
  const kept = await ana.visitor.form("/settings/profile", { fullName: hostile });
  assert.ok(!kept.text.includes("<img"));
  assert.equal(
    (await ana.visitor.form("/settings/profile", { fullName: "a", admin: "1" })).status,
    400,
  );
  world.close();
});

Deno.test("logins are listed, this one first, and one of them is ended with its sockets", async () => {
  const world = await makeWorld();
  const ana = await member(world, "ana");
  const second = await signInAgain(ana);
  world.clock.forward(5 * MINUTE);
  const { text } = await ana.visitor.request("/settings");
  assert.match(text, /Browser<em class="badge">this one/);
  assert.match(text, /Terminal/);
  const [id = ""] = loginIds(text);
  const after = await ana.visitor.form("/settings/logins/end", { login: id });
  assert.match(after.text, /^<section class="part" id="logins"/);
  assert.equal(loginIds(after.text).length, 0);
  assert.ok(!(await second.visitor.api.me()).ok);
  assert.ok(world.ended.includes(id));
  const back = await renew(second.visitor, second.keys);
  assert.equal(back.ok ? "in" : back.code, "bad-proof", "its key alone does not bring it back");
  world.close();
});

Deno.test("a device that was signed out comes back with the password, and renews by its key again", async () => {
  const world = await makeWorld();
  const ana = await member(world, "ana");
  const second = await signInAgain(ana);
  const out = {
    "content-type": "application/x-www-form-urlencoded",
    authorization: `Bearer ${second.visitor.api.login}`,
  };
  await second.visitor.request("/sign-out", { method: "POST", headers: out });
  assert.ok(!(await renew(second.visitor, second.keys)).ok);
  await takeUpAgain(ana, second);
  assert.ok((await renew(second.visitor, second.keys)).ok);
  world.close();
});

/** The password again, on a device that is on the list already. */
async function takeUpAgain(
  { username, password }: Member,
  { visitor, keys }: Awaited<ReturnType<typeof signInAgain>>,
): Promise<void> {
  const { account, challenge } = value(await enterPassword(visitor, username, password));
  const proof = { account, device: keys.device, origin: ORIGIN, challenge };
  const signature = await sign(keys.sign, "login", loginProofBytes(proof));
  value(
    await visitor.api.addDevice({ list: null, device: keys.device, prekeys: null, signature }),
  );
}

Deno.test("signing out the others leaves this one", async () => {
  const world = await makeWorld();
  const ana = await member(world, "ana");
  const others = [await signInAgain(ana), await signInAgain(ana)];
  const after = await ana.visitor.form("/settings/logins/end-others", {});
  assert.equal(loginIds(after.text).length, 0);
  assert.ok((await ana.visitor.api.me()).ok);
  for (const { visitor, keys } of others) {
    assert.ok(!(await visitor.api.me()).ok);
    assert.ok(!(await renew(visitor, keys)).ok);
  }
  assert.ok((await renew(new Visitor(world), ana.keys.device)).ok);
  world.close();
});

Deno.test("attack: IDOR on logins; another account's login is not ended, and not shown", async () => {
  const world = await makeWorld();
  const [ana, ben] = [await member(world, "ana"), await member(world, "ben")];
  const phone = await signInAgain(ana);
  const [target = ""] = loginIds((await ana.visitor.request("/settings")).text);
  const tried = await ben.visitor.form("/settings/logins/end", { login: target });
  assert.equal(tried.status, 200);
  assert.ok(!tried.text.includes(target));
  assert.ok((await phone.visitor.api.me()).ok);
  await ben.visitor.form("/settings/logins/end-others", {});
  assert.ok((await ana.visitor.api.me()).ok);
  assert.ok(!world.ended.includes(target));
  assert.ok((await renew(phone.visitor, phone.keys)).ok, "nor is its device locked");
  for (const login of ["", "x".repeat(900), "' or 1=1 --", ben.account]) {
    assert.ok((await ben.visitor.form("/settings/logins/end", { login })).status < 500);
  }
  world.close();
});

Deno.test("attack: another site's form changes nothing", async () => {
  const world = await makeWorld();
  const ana = await member(world, "ana");
  const cookie = [...ana.visitor.cookies].map((pair) => pair.join("=")).join("; ");
  const body = "fullName=Mallory";
  const request = new Request("https://chat.example.org/settings/profile", {
    method: "POST",
    headers: {
      ...{ cookie, origin: "https://evil.example", "content-length": String(body.length) },
      "content-type": "application/x-www-form-urlencoded",
    },
    body,
  });
  assert.equal((await world.fetch(request)).status, 403);
  world.close();
});

Deno.test("the page of what the server sees names every kind of row, with sizes and how long it stays", async () => {
  const world = await makeWorld();
  const ana = await member(world, "ana");
  const { text } = await ana.visitor.request("/settings/what-the-server-sees");
  for (
    const words of [
      "Account",
      "Device list",
      "Vault",
      "Logins",
      "Waiting envelopes",
      "ana@example.org",
    ]
  ) {
    assert.ok(text.includes(words), words);
  }
  assert.ok(!text.includes("password_record"));
  world.close();
});
