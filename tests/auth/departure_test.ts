import assert from "node:assert/strict";
import { deleteAccount } from "../../client/account_deletion.ts";
import { TABLES_ABOUT_SOMEBODY } from "../../db/footprint.ts";
import {
  codeOf,
  DAY,
  HOUR,
  makeWorld,
  value,
  Visitor,
  type World,
} from "../helpers/account_world.ts";
import { encode } from "../../protocol/codec.ts";
import { revealedMessagesSchema } from "../../protocol/reports.ts";
import { enrol, type Guarded, quickPassword, signUpGuarded } from "../helpers/guarded.ts";

/** An id. */
const REPORT = `${"r".repeat(21)}g`;

interface File {
  readonly server: string;
  readonly username: string;
  readonly tables: Readonly<Record<string, Record<string, unknown>[]>>;
}

const owner = (world: World, username: string) =>
  signUpGuarded(world, username, new Visitor(world, "browser"));

/** Two people, the first of whom, the admin, is somebody else. */
async function withAdmin(): Promise<{ world: World; ana: Guarded }> {
  const world = await makeWorld();
  await owner(world, "admin_1");
  return { world, ana: await owner(world, "ana") };
}

const remove = ({ visitor, password }: Guarded, typed = password) =>
  deleteAccount(visitor.api, quickPassword, typed);

Deno.test("the file has every row of every table that is about its owner, and nobody else's", async () => {
  const { world, ana } = await withAdmin();
  await enrol(ana);
  const { status, headers, text } = await ana.visitor.request("/settings/download");
  assert.equal(status, 200);
  assert.equal(
    headers.get("content-disposition"),
    'attachment; filename="snug-ana-2026-01-02.json"',
  );
  assert.equal(headers.get("cache-control"), "no-store");
  const file = JSON.parse(text) as File;
  assert.deepEqual(Object.keys(file.tables).sort(), [...TABLES_ABOUT_SOMEBODY].sort());
  assert.equal(file.username, "ana");
  for (const kept of await world.deps.store.footprints.of(ana.account)) {
    assert.equal(file.tables[kept.table]!.length, kept.rows, kept.table);
  }
  assert.equal(file.tables["accounts"]![0]!["contact"], ana.contact);
  assert.equal(file.tables["recovery_codes"]!.length, 10);
  assert.ok(!text.includes("admin_1"));
  world.close();
});

Deno.test("of a report about oneself the file says that there is one, and not whose or what", async () => {
  const { world, ana } = await withAdmin();
  const admin = world.db.prepare("select id from accounts where username = 'admin_1'").get()!["id"];
  const insert = world.db.prepare(
    "insert into reports (id, reporter, reported, words, made) values (?, ?, ?, ?, 1)",
  );
  insert.run("r1", admin!, ana.account, "words of another");
  insert.run("r2", ana.account, admin!, "words of mine");
  const { text } = await ana.visitor.request("/settings/download");
  const { reports } = (JSON.parse(text) as File).tables;
  assert.deepEqual(reports!.map(({ whose, words }) => [whose, words]), [
    ["about me", null],
    ["by me", "words of mine"],
  ]);
  assert.ok(!text.includes(String(admin)));
  world.close();
});

Deno.test("attack: the file does not say what an admin noted about its owner, which may name a reporter", async () => {
  const { world, ana } = await withAdmin();
  const admin = (await world.deps.store.accounts.byUsername("admin_1"))!;
  const actor = { account: admin.id, name: admin.username };
  const store = world.deps.store.reports;
  await store.insert({
    ...{ id: REPORT, reporter: admin.id, reported: ana.account, words: "rude", made: 1 },
    messages: encode(revealedMessagesSchema, []),
  });
  assert.ok((await world.auth.reports.settle(actor, REPORT, "admin_1 says so")).ok);
  const { text } = await ana.visitor.request("/settings/download");
  const { admin_acts: acts } = (JSON.parse(text) as File).tables;
  assert.deepEqual(acts!.map(({ whose, entry, hash }) => [whose, entry, hash]), [
    ["about me", null, null],
  ]);
  assert.ok(!text.includes(admin.id));
  world.close();
});

Deno.test("a table with many rows comes whole, page by page", async () => {
  const { world, ana } = await withAdmin();
  const device =
    world.db.prepare("select id from devices where account = ?").get(ana.account)!["id"];
  world.db.prepare("insert into queues (device) values (?) on conflict do nothing").run(device!);
  const queue = world.db.prepare("select no from queues where device = ?").get(device!)!["no"];
  const insert = world.db.prepare(
    "insert into envelopes (queue, position, sender, minute, body) values (?, ?, ?, ?, ?)",
  );
  for (let i = 1; i <= 250; i++) insert.run(queue!, i, new Uint8Array(32), 1, new Uint8Array([i]));
  const { text } = await ana.visitor.request("/settings/download");
  const { envelopes } = (JSON.parse(text) as File).tables;
  assert.deepEqual(
    envelopes!.map(({ position }) => position),
    Array.from({ length: 250 }, (_, i) => i + 1),
  );
  world.close();
});

Deno.test("attack: the file needs a sign-in of the last hour, and comes five times an hour at most", async () => {
  const world = await makeWorld();
  const ana = await owner(world, "ana");
  for (let i = 0; i < 5; i++) {
    assert.equal((await ana.visitor.request("/settings/download")).status, 200);
  }
  assert.equal((await ana.visitor.request("/settings/download")).status, 429);
  world.clock.forward(HOUR);
  const late = await ana.visitor.request("/settings/download");
  assert.deepEqual([late.status, late.headers.get("location")], [
    303,
    "/sign-in?next=/settings/download",
  ]);
  assert.equal((await new Visitor(world, "browser").request("/settings/download")).status, 303);
  world.close();
});

Deno.test("the password deletes an account: rows, logins and sockets go, and the owner is told", async () => {
  const { world, ana } = await withAdmin();
  const logins = world.db.prepare("select id from logins where account = ?").all(ana.account);
  const gone = await remove(ana);
  assert.ok(gone.ok, gone.ok ? "" : gone.words);
  assert.deepEqual(world.ended, logins.map(({ id }) => id));
  assert.equal(ana.visitor.last!.headers.get("clear-site-data"), '"storage"');
  assert.equal(ana.visitor.cookies.size, 0);
  for (const { table, rows } of await world.deps.store.footprints.of(ana.account)) {
    assert.equal(rows, 0, table);
  }
  const letter = world.mailer.letters.at(-1)!;
  assert.deepEqual([letter.to, /deleted/.test(letter.subject)], [ana.contact, true]);
  assert.equal((await ana.visitor.api.me()).ok, false);
  assert.equal((await new Visitor(world, "browser").request("/deleted")).status, 200);
  world.close();
});

Deno.test("a wrong password deletes nothing; a wrong code neither; the right code does", async () => {
  const { world, ana } = await withAdmin();
  assert.equal(codeOf(await remove(ana, "not the password") as never), "wrong-password");
  const { app } = await enrol(ana);
  const refusal = await remove(ana);
  assert.equal(refusal.ok, false, "with a second factor its code is asked for");
  assert.match((await ana.visitor.request("/settings/delete")).text, /Authenticator code/);
  const wrong = await ana.visitor.form("/settings/delete/code", { code: "000000" });
  assert.equal(wrong.status, 422);
  assert.ok(await world.deps.store.accounts.byId(ana.account));
  const right = await ana.visitor.form("/settings/delete/code", { code: app.code() });
  assert.equal(right.status, 200);
  assert.match(right.text, /Your account is deleted/);
  assert.equal(await world.deps.store.accounts.byId(ana.account), null);
  world.close();
});

Deno.test("attack: thirty guesses at the code that deletes count as thirty", async () => {
  const { world, ana } = await withAdmin();
  const { app } = await enrol(ana);
  const right = Number(app.code());
  const guesses = Array.from(
    { length: 30 },
    (_, i) => (right + (i === 29 ? 0 : i + 1)) % 1_000_000,
  );
  const answers = await Promise.all(
    guesses.map((code) =>
      ana.visitor.form("/settings/delete/code", { code: String(code).padStart(6, "0") })
    ),
  );
  const count = (status: number) => answers.filter((one) => one.status === status).length;
  assert.deepEqual([count(200), count(422), count(429)], [0, 5, 25]);
  assert.ok(await world.deps.store.accounts.byId(ana.account));
  world.close();
});

Deno.test("attack: for 30 days nobody takes the name of who is gone; the address is free at once", async () => {
  const { world, ana } = await withAdmin();
  await remove(ana);
  const form = { username: "ana", fullName: "Eve", contact: "eve@example.org" };
  assert.equal(codeOf(await new Visitor(world).api.signUp(form)), "name-taken");
  world.clock.forward(30 * DAY - 1);
  await world.auth.purge();
  assert.equal(codeOf(await new Visitor(world).api.signUp(form)), "name-taken");
  world.clock.forward(1);
  await world.auth.purge();
  value(await new Visitor(world).api.signUp({ ...form, contact: ana.contact }));
  assert.equal(
    world.mailer.letters.at(-1)!.code !== null,
    true,
    "a fresh code, not 'already here'",
  );
  world.close();
});

Deno.test("whoever alone runs a server for others cannot leave them without an admin; the last person can", async () => {
  const world = await makeWorld();
  const admin = await owner(world, "admin_1");
  const ben = await owner(world, "ben");
  assert.equal((await remove(admin)).ok, false);
  assert.ok(await world.deps.store.accounts.byId(admin.account));
  assert.ok((await remove(ben)).ok);
  assert.ok((await remove(admin)).ok);
  assert.equal(await world.deps.store.accounts.count(), 0);
  world.close();
});
