/** Everything that an admin and a reporter do, and then a search of all that was written and shown for what must not be there. */
import assert from "node:assert/strict";
import { Secret } from "otpauth";
import { COMMAND_LINE, USER_ACTS } from "../../auth/mod.ts";
import { createLog } from "../../log.ts";
import { CBOR_TYPE } from "../../protocol/api.ts";
import { encode } from "../../protocol/codec.ts";
import { fromBase64Url, utf8 } from "../../protocol/encoding.ts";
import { reportRequest } from "../../protocol/reports.ts";
import { runOrder } from "../../routes/admin_orders.ts";
import { makeWorld, Visitor } from "../helpers/account_world.ts";
import { type Canary, filesBelow, findCanaries } from "../helpers/canary.ts";
import { enrol, signUpGuarded } from "../helpers/guarded.ts";
import { signUp } from "../helpers/members.ts";

const MESSAGE = "canary: a revealed message";
const NOTE = "canary: a note of the admin";

const machine = () => ({
  ...{ version: "1", started: 0, sockets: 0, memoryBytes: 0, databaseBytes: 0 },
  ...{ freeBytes: null, backup: null },
});

Deno.test("canary: no password, code, login, key, seed or revealed message is where it must not be", async () => {
  const folder = await Deno.makeTempDir();
  const lines: string[] = [];
  const write = (line: string) => void lines.push(line);
  const log = createLog({ level: "debug", now: () => 0, write });
  const world = await makeWorld({ path: `${folder}/snug.db`, log });
  const olga = await signUp(world, "olga", new Visitor(world, "browser"));
  const ana = await signUpGuarded(world, "ana");
  const { app, codes } = await enrol(ana);
  const ben = await signUp(world, "ben", new Visitor(world, "browser"));
  const login = olga.visitor.cookies.get("__Host-snug")!;

  const shown: string[] = [];
  const get = async (path: string) => {
    const { text, status } = await olga.visitor.request(path, { headers: { accept: "text/html" } });
    shown.push(text);
    return status;
  };
  const post = async (path: string, fields: Record<string, string>) => {
    const { text } = await olga.visitor.form(path, fields);
    shown.push(text);
  };
  const messages = [{ time: 0, own: false, text: MESSAGE }];
  const told = await olga.visitor.request("/api/reports", {
    ...{ method: "POST", headers: { "content-type": CBOR_TYPE } },
    body: encode(reportRequest, { account: ben.account, words: "He shouts.", messages }),
  });
  assert.equal(told.status, 204);
  const [report] = await world.auth.reports.open();
  const pages = ["", "/users", `/users/${ana.account}`, `/users/${ben.account}`, "/limits", "/log"];
  for (const page of [...pages, "/sign-ups", "/health", "/reports", "/what-admins-see"]) {
    assert.equal(await get(`/admin${page}`), 200, page);
  }
  for (const page of ["/nothing", "/users/nobody", "/reports/none"]) await get(`/admin${page}`);
  await post("/admin/users", { search: "an" });
  await post("/admin/limits", { name: "lookupsPerHour", value: "no number" });
  await post("/admin/limits", { name: "canary", value: "1" });
  await post(`/admin/users/${ana.account}/delete`, { username: "nobody" });
  const beforeSettling = shown.join("\n");
  await post(`/admin/reports/${report!.id}/settle`, { note: NOTE });
  for (const act of USER_ACTS) await world.auth.admin.act(COMMAND_LINE, act, ana.account);
  const parts = { auth: world.auth, machine };
  const link = await runOrder(parts, { do: "invite", uses: 1, days: 7 });
  assert.ok(link.ok);
  const invite = new URL((link.value as { link: string }).link).hash.slice(1);
  for (const order of ["users", "invites", "reports", "audit", "verify", "health", "limits"]) {
    const asked = order === "users" ? { do: order, search: "" } : { do: order };
    shown.push(JSON.stringify(await runOrder(parts, asked)));
  }

  const secrets: Canary[] = [
    ...[olga, ana, ben].map(({ password }) => ({ name: "password", secret: password })),
    ...codes.map((secret) => ({ name: "recovery code", secret })),
    { name: "seed as text", secret: app.secret },
    { name: "seed", secret: new Uint8Array(Secret.fromBase32(app.secret).bytes) },
    { name: "login as text", secret: login },
    { name: "login", secret: fromBase64Url(login) },
    { name: "invitation as text", secret: invite },
    { name: "invitation", secret: fromBase64Url(invite) },
    { name: "key of codes", secret: world.deps.secrets.codeKey },
    { name: "OPAQUE setup", secret: world.deps.secrets.opaqueSetup },
  ];
  world.db.exec("pragma wal_checkpoint(truncate)");
  const logged = { name: "log", bytes: utf8(lines.join("\n")) };
  const letters = { name: "letters", bytes: utf8(JSON.stringify(world.mailer.letters)) };
  const places = [
    ...[logged, letters, { name: "pages", bytes: utf8(shown.join("\n")) }],
    ...filesBelow(folder),
  ];
  assert.deepEqual(findCanaries(places, secrets), []);
  const said = [{ name: "message", secret: MESSAGE }, { name: "note", secret: NOTE }];
  assert.deepEqual(findCanaries([logged, letters], said), []);
  const settled = filesBelow(folder).filter(({ name }) => name.startsWith("snug.db"));
  assert.deepEqual(findCanaries(settled, said.slice(0, 1)), [], "settling forgets the message");
  const codesOfLetters = world.mailer.letters.flatMap(({ code }) => code === null ? [] : [code]);
  for (const code of codesOfLetters) {
    assert.ok(!lines.join("\n").includes(code), "a code in the log");
  }
  assert.ok(lines.some((line) => line.includes("admin.act")), "acts are logged, by their kind");
  assert.ok(!lines.join("\n").includes(ana.account), "and not by whom they are about");
  assert.ok(!beforeSettling.includes(MESSAGE), "only the report's own page shows it");
  const control = findCanaries([{ name: "page", bytes: utf8(invite) }], secrets);
  assert.ok(control.length > 0, "the search finds what is there");
  world.close();
  await Deno.remove(folder, { recursive: true });
});
