import assert from "node:assert/strict";
import { firstAccountLink } from "../../auth/mod.ts";
import { codeOf, makeWorld, value, Visitor } from "../helpers/account_world.ts";
import { accountMaterial, registerPassword, signUp } from "../helpers/members.ts";

const FORM = { username: "ana", fullName: "Ana", contact: "ana@example.org" };
const inviteOf = (link: string | null) => new URL(link!).hash.slice(1);

Deno.test("on loopback nobody needs a link", async () => {
  const world = await makeWorld();
  assert.equal(await firstAccountLink(world.deps), null);
  await signUp(world, "ana");
  world.close();
});

Deno.test("off loopback the first account is made through the link, in every mode; then the mode decides", async () => {
  for (const registration of ["open", "invite", "closed"] as const) {
    const world = await makeWorld({ registration, firstAccountByLink: true });
    const link = await firstAccountLink(world.deps);
    assert.match(link!, /^https:\/\/chat\.example\.org\/invite#[\w-]{43}$/);
    assert.equal(codeOf(await new Visitor(world).api.signUp(FORM)), "invite-needed");

    const visitor = new Visitor(world, "browser");
    await visitor.form("/invite", { invite: inviteOf(link) });
    const shown = await visitor.request("/sign-up");
    assert.match(shown.text, new RegExp(`name="invite" value="${inviteOf(link)}"`));
    value(await visitor.api.signUp({ ...FORM, invite: inviteOf(link) }));
    const { account } = value(await visitor.api.confirm(world.mailer.code(FORM.contact)));
    const record = await registerPassword(visitor, "p");
    const { request } = await accountMaterial(world, account, record);
    value(await visitor.api.createAccount(request));
    assert.equal((await world.deps.store.accounts.byId(account))?.admin, true);

    assert.equal(await firstAccountLink(world.deps), null);
    const next = { ...FORM, username: "ben", contact: "ben@example.org", invite: inviteOf(link) };
    const second = await new Visitor(world).api.signUp(next);
    const expected = { open: "ok", invite: "invite-gone", closed: "registration-closed" };
    assert.equal(second.ok ? "ok" : second.code, expected[registration]);
    world.close();
  }
});

Deno.test("attack: a guessed, an old and a twice-used link make no account", async () => {
  const world = await makeWorld({ registration: "invite", firstAccountByLink: true });
  const old = inviteOf(await firstAccountLink(world.deps));
  const link = inviteOf(await firstAccountLink(world.deps));
  for (const invite of [old, "A".repeat(43), "x", `${link}A`, "' or 1=1 --"]) {
    const tried = await new Visitor(world).api.signUp({ ...FORM, invite });
    assert.equal(codeOf(tried), "invite-gone", invite);
  }
  const ready = await Promise.all(["ana", "ben"].map(async (username) => {
    const visitor = new Visitor(world);
    const contact = `${username}@example.org`;
    value(await visitor.api.signUp({ username, fullName: "X", contact, invite: link }));
    const { account } = value(await visitor.api.confirm(world.mailer.code(contact)));
    const record = await registerPassword(visitor, "p");
    return { visitor, request: (await accountMaterial(world, account, record)).request };
  }));
  const results = await Promise.all(
    ready.map(({ visitor, request }) => visitor.api.createAccount(request)),
  );
  assert.deepEqual(results.map((one) => one.ok ? "ok" : one.code).sort(), ["invite-gone", "ok"]);
  world.close();
});

Deno.test("the link itself is not in the database", async () => {
  const world = await makeWorld({ firstAccountByLink: true });
  const invite = inviteOf(await firstAccountLink(world.deps));
  const rows = world.db.prepare("select * from invites").all();
  assert.equal(rows.length, 1);
  assert.ok(
    !JSON.stringify(rows, (_, one) => one instanceof Uint8Array ? String.fromCharCode(...one) : one)
      .includes(invite),
  );
  world.close();
});

Deno.test("attack: a sign-up begun on loopback does not make the first account once the server is open to others", async () => {
  const path = await Deno.makeTempFile({ suffix: ".db" });
  const home = await makeWorld({ path });
  const visitor = new Visitor(home, "browser");
  value(await visitor.api.signUp(FORM));
  const { account } = value(await visitor.api.confirm(home.mailer.code(FORM.contact)));
  const { secrets } = home.deps;
  home.close();

  const away = await makeWorld({ path, secrets, firstAccountByLink: true });
  const later = new Visitor(away, "browser");
  for (const [name, carried] of visitor.cookies) later.cookies.set(name, carried);
  const record = await registerPassword(later, "p");
  const { request } = await accountMaterial(away, account, record);
  assert.equal(codeOf(await later.api.createAccount(request)), "invite-needed");
  assert.equal(await away.deps.store.accounts.count(), 0);
  away.close();
  await Deno.remove(path);
});
