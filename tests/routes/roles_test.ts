import assert from "node:assert/strict";
import { CBOR_TYPE } from "../../protocol/api.ts";
import type { Visitor } from "../helpers/account_world.ts";
import { makeRoleWorld, type Role, ROLES } from "../helpers/role_world.ts";
import { pathOf, type Row, ROWS, type Sent } from "./role_rows.ts";

const WHAT_TO_DO = "Every route has a row in tests/routes/role_rows.ts that says what it answers " +
  "to whom: add one, such as\n" +
  '  "POST /settings/profile": row(owners(303), () => ({ form: { fullName: "Somebody" } })),';

/** Answers before anything is done. */
const TURNED_AWAY: readonly number[] = [400, 401, 403, 404];

/** Sends a row's request as its visitor. */
async function send(visitor: Visitor, route: string, path: string, sent: Sent): Promise<number> {
  const [method = ""] = route.split(" ");
  const headers: Record<string, string> = { accept: sent.accept ?? "text/html" };
  if (sent.cbor) headers["content-type"] = CBOR_TYPE;
  if (sent.form) headers["content-type"] = "application/x-www-form-urlencoded";
  const body = sent.cbor ?? (sent.form ? new URLSearchParams(sent.form).toString() : null);
  return (await visitor.request(path, { method, headers, body })).status;
}

Deno.test("every route of the server has a row, and every row a route", async () => {
  const roles = await makeRoleWorld();
  const routes = roles.routes.filter(({ method }) => method !== "ALL")
    .filter(({ path }) => !roles.files.has(path)).map(({ method, path }) => `${method} ${path}`);
  roles.close();
  const missing = routes.filter((route) => !Object.hasOwn(ROWS, route));
  assert.deepEqual(missing, [], WHAT_TO_DO);
  const idle = Object.keys(ROWS).filter((route) => !routes.includes(route));
  assert.deepEqual(idle, [], "These rows are of no route any more: remove them.");
});

Deno.test("every route answers every role as its row says", async () => {
  const roles = await makeRoleWorld();
  const { things } = roles;
  const wrong: string[] = [];
  type Entered = Awaited<ReturnType<typeof roles.enter>>;
  const ask = async (route: string, row: Row, role: Role, { world, visitor }: Entered) => {
    const sent = row.sends(things);
    const path = sent.path ?? pathOf(route.slice(route.indexOf(" ") + 1), things);
    const status = await send(visitor, route, path, sent);
    const expected = row.statuses[role];
    if (status !== expected) wrong.push(`${route} as ${role}: ${status}, its row says ${expected}`);
    await row.then?.(role, things, world).catch((error) =>
      wrong.push(`${route} as ${role}: ${error.message}`)
    );
  };
  for (const role of ROLES) {
    // What only reads, or is turned away, leaves nothing behind that another request could meet.
    const reading = await roles.enter(role);
    const changesNothing = (route: string, status: number) =>
      route.startsWith("GET ") || TURNED_AWAY.includes(status);
    for (const [route, row] of Object.entries(ROWS)) {
      const alone = !changesNothing(route, row.statuses[role]);
      const entered = alone ? await roles.enter(role) : reading;
      await ask(route, row, role, entered);
      if (entered !== reading) entered.world.close();
    }
    reading.world.close();
  }
  roles.close();
  assert.deepEqual(wrong, []);
});

Deno.test("files are for everybody and nothing but GET reaches them", async () => {
  const roles = await makeRoleWorld();
  const { world, visitor } = await roles.enter("anonymous");
  for (const path of roles.files) {
    assert.equal((await visitor.request(path)).status, 200, path);
    const form = { "content-type": "application/x-www-form-urlencoded" };
    const posted = await visitor.request(path, { method: "POST", headers: form, body: "" });
    assert.equal(posted.status, 404, path);
  }
  world.close();
  roles.close();
});
