import assert from "node:assert/strict";
import type { MadeInvite } from "../../auth/invites.ts";
import { COMMAND_LINE, type OwnerLogin, type Registration } from "../../auth/mod.ts";
import {
  codeOf,
  DAY,
  HOUR,
  makeWorld,
  value,
  Visitor,
  type World,
} from "../helpers/account_world.ts";
import { accountMaterial, type Member, registerPassword, signUp } from "../helpers/members.ts";

/** Everybody comes from an address of their own, so that only the invite is in the way. */
const ROOMY = { signUpsPerIpHour: 10_000, codesPerIpHour: 10_000, nameChecksPerIpHour: 10_000 };

/** A server by invitation, whose admin is ana. */
async function byInvitation(options: Parameters<typeof makeWorld>[0] = {}) {
  const world = await makeWorld({ limits: ROOMY, ...options });
  const ana = await signUp(world, "ana", new Visitor(world, "browser"));
  await setMode(world, "invite");
  return { world, ana };
}

async function setMode(world: World, mode: Registration): Promise<void> {
  const nobody = { actor: null, actorName: "", subject: null, subjectName: "" };
  const act = { ...nobody, act: "registration", detail: mode, at: world.clock.now() };
  const set = await world.deps.live.setRegistration(mode, act);
  assert.ok(set.ok);
}

async function ownerOf(world: World, { visitor }: Member): Promise<OwnerLogin> {
  const cookie = [...visitor.cookies].map((pair) => pair.join("=")).join("; ");
  const login = await world.auth.logins.authenticateOwner(new Headers({ cookie }));
  assert.ok(login, "signed in as the owner");
  return login;
}

async function make(world: World, who: Member, uses = 1, days = 7): Promise<MadeInvite> {
  const made = await world.auth.invites.make(await ownerOf(world, who), { uses, days });
  assert.ok(made.ok, made.ok ? "" : made.refusal.code);
  return made.value;
}

const secretOf = ({ link }: MadeInvite) => new URL(link).hash.slice(1);

/** Somebody with a link, up to the last step. */
async function atTheDoor(world: World, username: string, invite: string) {
  const visitor = new Visitor(world);
  const contact = `${username}@example.org`;
  value(await visitor.api.signUp({ username, fullName: "X", contact, invite }));
  const { account } = value(await visitor.api.confirm(world.mailer.code(contact)));
  const record = await registerPassword(visitor, "p");
  return { visitor, request: (await accountMaterial(world, account, record)).request };
}

Deno.test("an invite is good for as many accounts as it says, and the list says who came", async () => {
  const { world, ana } = await byInvitation();
  const invite = secretOf(await make(world, ana, 2));
  for (const username of ["ben", "cid"]) {
    const { visitor, request } = await atTheDoor(world, username, invite);
    value(await visitor.api.createAccount(request));
    world.clock.forward(1_000);
  }
  const third = { username: "dee", fullName: "D", contact: "dee@example.org", invite };
  assert.equal(codeOf(await new Visitor(world).api.signUp(third)), "invite-gone");
  const listed = await world.auth.invites.list(await ownerOf(world, ana));
  const [row] = listed.ok ? listed.value.invites : [];
  assert.deepEqual([row?.used, row?.uses, row?.state, row?.makerName], [2, 2, "used up", "ana"]);
  assert.deepEqual(row?.guests.map(({ username }) => username), ["ben", "cid"]);
  world.close();
});

Deno.test("attack: thirty sign-ups race for one use; one account is made", async () => {
  const { world, ana } = await byInvitation();
  const invite = secretOf(await make(world, ana, 1));
  const names = Array.from({ length: 30 }, (_, i) => `racer_${i}`);
  const ready = await Promise.all(names.map((name) => atTheDoor(world, name, invite)));
  const results = await Promise.all(
    ready.map(({ visitor, request }) => visitor.api.createAccount(request)),
  );
  assert.equal(results.filter((one) => one.ok).length, 1);
  assert.ok(results.every((one) => one.ok || one.code === "invite-gone"));
  assert.equal(await world.deps.store.accounts.count(), 2);
  world.close();
});

Deno.test("an invite ends with its time, and when it is taken back, even for whoever holds a code already", async () => {
  const { world, ana } = await byInvitation();
  const late = await atTheDoor(world, "ben", secretOf(await make(world, ana, 1, 1)));
  world.clock.forward(10 * 60_000);
  const taken = await make(world, ana);
  const early = await atTheDoor(world, "cid", secretOf(taken));
  const owner = await ownerOf(world, ana);
  const listed = await world.auth.invites.list(owner);
  const id = listed.ok ? listed.value.invites[0]!.id : "";
  assert.ok((await world.auth.invites.revoke(owner, id)).ok);
  assert.equal(codeOf(await early.visitor.api.createAccount(early.request)), "invite-gone");
  world.db.prepare("update invites set expires = ? where revoked is null").run(world.clock.now());
  assert.equal(codeOf(await late.visitor.api.createAccount(late.request)), "invite-gone");
  assert.equal((await world.auth.invites.revoke(owner, id)).ok, false, "it is over");
  assert.equal(await world.deps.store.accounts.count(), 1);
  world.close();
});

Deno.test("a closed server takes nobody, with an invite or without, and its admin makes none", async () => {
  const { world, ana } = await byInvitation();
  const invite = secretOf(await make(world, ana));
  await setMode(world, "closed");
  const form = { username: "ben", fullName: "B", contact: "ben@example.org", invite };
  assert.equal(codeOf(await new Visitor(world).api.signUp(form)), "registration-closed");
  const owner = await ownerOf(world, ana);
  const made = await world.auth.invites.make(owner, { uses: 1, days: 7 });
  assert.equal(made.ok ? "" : made.refusal.code, "registration-closed");
  const page = await new Visitor(world, "browser").request("/sign-up");
  assert.equal(page.status, 403);
  assert.match(page.text, /Closed for now.*takes no new people/s);
  world.close();
});

Deno.test("attack: a server that is closed, or asks for invites, in the middle of a sign-up makes no account", async () => {
  for (
    const [mode, code] of [["closed", "registration-closed"], ["invite", "invite-needed"]] as const
  ) {
    const world = await makeWorld({ limits: ROOMY });
    await signUp(world, "ana", new Visitor(world, "browser"));
    const { visitor, request } = await atTheDoor(world, "ben", "");
    await setMode(world, mode);
    assert.equal(codeOf(await visitor.api.createAccount(request)), code);
    await setMode(world, "open");
    value(await visitor.api.createAccount(request));
    world.close();
  }
});

Deno.test("an open server needs no invite, and writes down who came by whose all the same", async () => {
  const { world, ana } = await byInvitation();
  await setMode(world, "open");
  const invite = secretOf(await make(world, ana, 1));
  const [ben, cid] = [await atTheDoor(world, "ben", invite), await atTheDoor(world, "cid", invite)];
  value(await ben.visitor.api.createAccount(ben.request));
  value(await cid.visitor.api.createAccount(cid.request));
  value(
    await new Visitor(world).api.signUp({
      ...{ username: "dee", fullName: "D", contact: "dee@example.org" },
      invite: "A".repeat(43),
    }),
  );
  const listed = await world.auth.invites.list(await ownerOf(world, ana));
  const [row] = listed.ok ? listed.value.invites : [];
  assert.deepEqual(row?.guests.map(({ username }) => username), ["ben"]);
  world.close();
});

Deno.test("members invite where the server says so, see their own only, and take back no one else's", async () => {
  for (const memberInvites of [false, true]) {
    const world = await makeWorld({ memberInvites, limits: ROOMY });
    const ana = await signUp(world, "ana", new Visitor(world, "browser"));
    const ben = await signUp(world, "ben", new Visitor(world, "browser"));
    const owner = await ownerOf(world, ben);
    assert.equal(await world.auth.invites.may(owner), memberInvites);
    const made = await world.auth.invites.make(owner, { uses: 1, days: 7 });
    assert.equal(made.ok ? "made" : made.refusal.code, memberInvites ? "made" : "no-invites");
    const shown = await ben.visitor.request("/invites");
    assert.equal(shown.status, memberInvites ? 200 : 403);
    assert.equal((await ben.visitor.request("/settings")).text.includes("/invites"), memberInvites);
    if (memberInvites) {
      await make(world, ana);
      const own = await world.auth.invites.list(owner);
      assert.deepEqual(own.ok && own.value.invites.map((one) => one.makerName), ["ben"]);
      const all = await world.auth.invites.list(await ownerOf(world, ana));
      assert.deepEqual(all.ok && all.value.invites.map((one) => one.makerName).sort(), [
        "ana",
        "ben",
      ]);
      const anas = all.ok ? all.value.invites.find((one) => one.makerName === "ana")!.id : "";
      assert.equal((await world.auth.invites.revoke(owner, anas)).ok, false);
      assert.doesNotMatch((await ben.visitor.request("/invites")).text, /@ana/);
    }
    world.close();
  }
});

Deno.test("attack: an invite of nought, of a thousand, for ever, and one too many are refused", async () => {
  const { world, ana } = await byInvitation({
    limits: { ...ROOMY, invitesOpen: 2, invitesPerDay: 4 },
  });
  const owner = await ownerOf(world, ana);
  const tryOne = async (uses: number, days: number) => {
    const made = await world.auth.invites.make(owner, { uses, days });
    return made.ok ? "made" : made.refusal.code;
  };
  for (const uses of [0, -1, 101, 1.5, NaN]) assert.equal(await tryOne(uses, 7), "bad-invite");
  for (const days of [0, 2, 365, NaN]) assert.equal(await tryOne(1, days), "bad-invite");
  assert.deepEqual([await tryOne(1, 1), await tryOne(1, 1)], ["made", "made"]);
  assert.equal(await tryOne(1, 1), "too-many-invites");
  world.clock.forward(DAY - HOUR);
  assert.equal(await tryOne(1, 1), "too-many-invites");
  assert.equal(await tryOne(1, 1), "rate-limited");
  world.close();
});

Deno.test("the link is shown once, with a square; neither page nor database has it afterwards", async () => {
  const { world, ana } = await byInvitation();
  const { status, text, headers } = await ana.visitor.form("/invites", { uses: "3", days: "7" });
  assert.equal(status, 200);
  assert.equal(headers.get("cache-control"), "no-store");
  const link = /aria-label="Invite link">(https:\/\/chat\.example\.org\/invite#[\w-]{43})</.exec(
    text,
  )?.[1];
  assert.ok(link, "the link is there");
  assert.match(text, /<svg class="qr-code"/);
  const secret = link.split("#")[1]!;
  assert.ok(!(await ana.visitor.request("/invites")).text.includes(secret));
  const stored = JSON.stringify(
    world.db.prepare("select * from invites").all(),
    (_, one) => one instanceof Uint8Array ? String.fromCharCode(...one) : one,
  );
  assert.ok(!stored.includes(secret));
  world.close();
});

Deno.test("a link opens a page without htmx, and its secret comes to the form in a cookie", async () => {
  const { world, ana } = await byInvitation();
  const invite = secretOf(await make(world, ana));
  const visitor = new Visitor(world, "browser");
  const shown = await visitor.request("/invite");
  assert.equal(shown.status, 200);
  assert.doesNotMatch(shown.text, /htmx|hx_csp|hx-/);
  assert.equal((await visitor.request("/sign-up")).status, 403);
  const gone = await visitor.form("/invite", { invite }, { "hx-request": "false" });
  assert.deepEqual([gone.status, gone.headers.get("location")], [303, "/sign-up"]);
  assert.match(
    gone.headers.get("set-cookie")!,
    /^__Host-snug-invite=[\w-]{43}; Path=\/; Secure; HttpOnly; SameSite=Strict/,
  );
  const form = await visitor.request("/sign-up");
  assert.equal(form.status, 200);
  assert.ok(form.text.includes(`name="invite" value="${invite}"`));
  world.close();
});

Deno.test("attack: what is no invite is put into no header, and leads to the polite refusal", async () => {
  const { world } = await byInvitation();
  const visitor = new Visitor(world, "browser");
  for (const invite of ["x\r\nSet-Cookie: a=b", "", "A".repeat(44), "a;b", "' or 1=1 --"]) {
    const answer = await visitor.form("/invite", { invite }, { "hx-request": "false" });
    assert.deepEqual([answer.status, answer.headers.get("set-cookie")], [303, null]);
  }
  await visitor.form("/invite", { invite: "A".repeat(43) });
  assert.match((await visitor.request("/sign-up")).text, /no longer good/);
  world.close();
});

Deno.test("what is over is forgotten after 30 days; who came by it stays known", async () => {
  const { world, ana } = await byInvitation();
  const invite = await make(world, ana);
  const { visitor, request } = await atTheDoor(world, "ben", secretOf(invite));
  value(await visitor.api.createAccount(request));
  world.clock.forward(29 * DAY);
  await world.auth.invites.purge();
  const count = (table: string) =>
    table === "invites"
      ? world.db.prepare("select count(*) as n from invites").get()!["n"]
      : world.db.prepare("select count(*) as n from invited").get()!["n"];
  assert.deepEqual([count("invites"), count("invited")], [1, 1]);
  world.clock.forward(9 * DAY);
  await world.auth.invites.purge();
  assert.deepEqual([count("invites"), count("invited")], [0, 1]);
  world.close();
});

Deno.test("attack: the invites of somebody who is shut out let nobody in, and do again when they are back", async () => {
  const { world, ana } = await byInvitation({ memberInvites: true });
  await setMode(world, "open");
  const ben = await signUp(world, "ben", new Visitor(world, "browser"));
  await setMode(world, "invite");
  const invite = secretOf(await make(world, ben, 2));
  const early = await atTheDoor(world, "cid", invite);
  const act = (kind: "disable" | "enable") => world.auth.admin.act(COMMAND_LINE, kind, ben.account);
  assert.ok((await act("disable")).ok);
  assert.equal(codeOf(await early.visitor.api.createAccount(early.request)), "invite-gone");
  const late = { username: "dee", fullName: "D", contact: "dee@example.org", invite };
  assert.equal(codeOf(await new Visitor(world).api.signUp(late)), "invite-gone");
  const seen = await world.auth.invites.list(await ownerOf(world, ana));
  assert.equal(seen.ok && seen.value.invites[0]!.state, "taken back");
  assert.ok((await act("enable")).ok);
  assert.ok((await early.visitor.api.createAccount(early.request)).ok);
  world.close();
});
