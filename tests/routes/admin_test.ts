import assert from "node:assert/strict";
import { CBOR_TYPE } from "../../protocol/api.ts";
import { encode } from "../../protocol/codec.ts";
import { reportRequest } from "../../protocol/reports.ts";
import { DAY, HOUR, makeWorld, Visitor, type World } from "../helpers/account_world.ts";
import { type Member, signUp } from "../helpers/members.ts";

const HTML = { accept: "text/html" };

async function two(options: Parameters<typeof makeWorld>[0] = {}) {
  const world = await makeWorld(options);
  const olga = await signUp(world, "olga", new Visitor(world, "browser"));
  const ana = await signUp(world, "ana", new Visitor(world, "browser"));
  const get = (path: string) => olga.visitor.request(path, { headers: HTML });
  /** A form of a page without scripts. */
  const post = (path: string, fields: Record<string, string> = {}) =>
    olga.visitor.form(path, fields, { "hx-request": "false" });
  return { world, olga, ana, get, post };
}

const actsOf = async (world: World) => (await world.auth.admin.acts(1_000)).length;

async function report(from: Member, about: Member, words: string, text: string): Promise<string> {
  const messages = [{ time: 0, own: false, text }];
  const body = encode(reportRequest, { account: about.account, words, messages });
  const headers = { "content-type": CBOR_TYPE };
  await from.visitor.request("/api/reports", { method: "POST", headers, body });
  return (await from.visitor.world.auth.reports.open())[0]!.id;
}

Deno.test("every page is whole, never cached, with the answer's nonce on every script and htmx element", async () => {
  const { world, ana, get } = await two();
  const paths = ["", "/users", `/users/${ana.account}`, "/reports", "/sign-ups", "/limits", "/log"];
  for (const path of [...paths, "/health", "/what-admins-see"]) {
    const { status, headers, text } = await get(`/admin${path}`);
    assert.equal(status, 200, path);
    assert.match(text, /^<!DOCTYPE html><html lang="en">/);
    assert.equal(headers.get("cache-control"), "no-store");
    const nonce = /script-src 'nonce-([^']+)'/.exec(headers.get("content-security-policy")!)?.[1];
    for (const [tag] of text.matchAll(/<(?:script|form|input|button)[^>]*>/g)) {
      if (tag.startsWith("<script")) assert.ok(tag.includes(`nonce="${nonce}"`), tag);
      if (/ hx-(post|get)=/.test(tag)) assert.ok(tag.includes(`hx-nonce="${nonce}"`), tag);
      if (tag.startsWith("<form")) assert.match(tag, /method="post"/);
    }
  }
  world.close();
});

Deno.test("htmx gets the list and the row alone; without it whole pages come", async () => {
  const { world, olga, get, post } = await two();
  const part = await olga.visitor.form("/admin/users", { search: "ana@" });
  assert.match(part.text, /^<section id="people"/);
  assert.ok(part.text.includes("@ana") && !part.text.includes("@olga"));
  assert.match((await post("/admin/users", { search: "ana@" })).text, /^<!DOCTYPE html>/);
  const row = await olga.visitor.form("/admin/limits", { name: "lookupsPerHour", value: "1 000" });
  assert.match(row.text, /^<li id="limit-lookupsPerHour-row">.*Saved\. Default: 300\./s);
  assert.equal(world.deps.limits.lookupsPerHour, 1_000);
  const wrong = await olga.visitor.form("/admin/limits", { name: "lookupsPerHour", value: "-1" });
  assert.equal(wrong.status, 422);
  assert.match(wrong.text, /value="-1".*outside of what makes sense here\. 1 or more/s);
  const whole = await post("/admin/limits", { name: "lookupsPerHour", value: "no" });
  assert.equal(whole.status, 422);
  assert.ok(whole.text.startsWith("<!DOCTYPE html>") && whole.text.includes('value="no"'));
  assert.equal((await post("/admin/limits", { name: "lookupsPerHour", value: "" })).status, 303);
  assert.ok((await get("/admin/limits?done=saved")).text.includes("Saved. It holds from now on."));
  assert.equal(world.deps.limits.lookupsPerHour, 300);
  world.close();
});

Deno.test("what cannot be undone asks for a password of the last hour, and does nothing before", async () => {
  const { world, ana, post } = await two();
  world.clock.forward(HOUR + 1);
  const user = `/admin/users/${ana.account}`;
  for (const act of ["delete", "make-admin", "reset-second-factor"]) {
    const { status, headers } = await post(`${user}/${act}`, { username: "ana" });
    assert.deepEqual([status, headers.get("location")], [303, `/sign-in?next=${user}`], act);
  }
  assert.equal(await actsOf(world), 0);
  const off = await post(`${user}/disable`);
  assert.equal(off.headers.get("location"), `${user}?done=disable`, "this can");
  world.close();
});

Deno.test("a deletion needs the username typed, and says so beside the field", async () => {
  const { world, ana, post } = await two();
  const path = `/admin/users/${ana.account}/delete`;
  for (const username of ["", "an", "olga"]) {
    const { status, text } = await post(path, { username });
    assert.equal(status, 422);
    assert.match(text, /aria-invalid="true".*That is not the username of this account\./s);
  }
  assert.equal((await post(path)).status, 422);
  assert.ok(await world.deps.store.accounts.byId(ana.account));
  assert.equal(
    (await post(path, { username: "@ana" })).headers.get("location"),
    "/admin?done=delete",
  );
  assert.equal(await world.deps.store.accounts.byId(ana.account), null);
  assert.equal((await post(path, { username: "ana" })).status, 404);
  world.close();
});

Deno.test("the last admin is told why, on the page", async () => {
  const { world, olga, post } = await two();
  for (const act of ["disable", "unmake-admin"]) {
    const { status, text } = await post(`/admin/users/${olga.account}/${act}`);
    assert.equal(status, 409);
    assert.ok(text.includes("Nobody would be left to run this server."), act);
  }
  world.close();
});

Deno.test("what the start says cannot be changed here, and the page says so", async () => {
  const { world, get, post } = await two({
    registrationGiven: true,
    limitsGiven: new Set(["lookupsPerHour"]),
  });
  assert.match(
    (await get("/admin/sign-ups")).text,
    /<fieldset[^>]*disabled.*started with --registration/s,
  );
  const refused = await post("/admin/sign-ups", { mode: "closed" });
  assert.equal(refused.status, 409);
  assert.ok(refused.text.includes("given when the server was started"));
  assert.equal(world.deps.registration, "open");
  assert.ok(!(await get("/admin/limits")).text.includes('id="limit-lookupsPerHour"'));
  world.close();
});

Deno.test("attack: markup in names, reports and notes is text", async () => {
  const { world, olga, ana, get, post } = await two();
  const evil = '<img src=x onerror="alert(1)"><script>alert(2)</script>';
  world.db.prepare("update accounts set full_name = ? where id = ?").run(evil, ana.account);
  const id = await report(ana, olga, evil, evil);
  const user = `/admin/users/${ana.account}`;
  const pages = ["/admin/users", user, "/admin/reports", `/admin/reports/${id}`];
  for (const path of pages) {
    const { text } = await get(path);
    assert.ok(!text.includes("<img src=x") && !text.includes("<script>"), path);
  }
  await post(`/admin/reports/${id}/settle`, { note: evil });
  assert.ok(!(await get("/admin/log")).text.includes("<img src=x"));
  assert.ok((await get("/admin/log")).text.includes("&lt;img"), "and readable");
  world.close();
});

Deno.test("attack: another site's form, and a login of 30 days ago, do nothing", async () => {
  const { world, olga, ana } = await two();
  const path = `/admin/users/${ana.account}/disable`;
  const foreign = await world.fetch(
    new Request(`https://chat.example.org${path}`, {
      method: "POST",
      headers: {
        origin: "https://evil.example",
        "content-type": "application/x-www-form-urlencoded",
        "content-length": "0",
        cookie: [...olga.visitor.cookies].map((pair) => pair.join("=")).join("; "),
      },
      body: "",
    }),
  );
  assert.equal(foreign.status, 403);
  for (let day = 0; day < 31; day += 6) {
    world.clock.forward(6 * DAY);
    await olga.visitor.request("/admin", { headers: HTML });
  }
  const old = await olga.visitor.form(path, {});
  assert.equal(old.headers.get("HX-Redirect"), "/sign-in?next=/admin/users");
  assert.equal(await actsOf(world), 0);
  world.close();
});

Deno.test("a log that is not whole is an alarm on its page; older acts are a page away", async () => {
  const { world, ana, get } = await two();
  const actor = { account: null, name: "snug admin" };
  for (let n = 0; n < 60; n++) {
    await world.auth.admin.act(actor, n % 2 ? "enable" : "disable", ana.account);
  }
  const newest = await get("/admin/log");
  assert.match(newest.text, /Whole: 60 acts/);
  assert.match(newest.text, /href="\/admin\/log\?before=11"/);
  const older = (await get("/admin/log?before=11")).text;
  assert.ok(!older.includes("?before=") && older.includes("10 ·"));
  world.db.exec("update admin_acts set actor = 'x' where seq = 7");
  assert.match((await get("/admin/log")).text, /role="alert">This log is not whole: act 7/);
  for (const before of ["0", "-1", "1e9", "'", "99999999999"]) {
    assert.equal((await get(`/admin/log?before=${encodeURIComponent(before)}`)).status, 200);
  }
  world.close();
});
