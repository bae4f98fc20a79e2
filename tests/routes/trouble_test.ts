/** A disk that takes nothing and a database that somebody holds, as requests meet them. */
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { silentLog } from "../../log.ts";
import { makeWorld, MINUTE, value, type World } from "../helpers/account_world.ts";
import { type Member, signUp } from "../helpers/members.ts";

interface Scene {
  readonly world: World;
  readonly ana: Member;
  /** Bugs in the log. */
  readonly bugs: string[];
  /** Changes the full name; resolves to the answer's status. */
  write(): Promise<number>;
}

async function withAna(path: string, body: (scene: Scene) => Promise<void>): Promise<void> {
  const bugs: string[] = [];
  const log = { ...silentLog, error: (event: string) => void bugs.push(event) };
  const world = await makeWorld({ path, log });
  const ana = await signUp(world, "ana");
  const write = async () => {
    const headers = { "content-type": "application/x-www-form-urlencoded", accept: "text/html" };
    const login = { authorization: `Bearer ${ana.visitor.api.login}` };
    const sent = { method: "POST", headers: { ...headers, ...login }, body: "fullName=Somebody" };
    return (await ana.visitor.request("/settings/profile", sent)).status;
  };
  await body({ world, ana, bugs, write });
  world.close();
  assert.deepEqual(bugs, [], "trouble with the machine is no bug");
}

Deno.test("a disk that takes nothing: writes are refused with 507, reads go on, and then it goes on", () =>
  withAna(":memory:", async ({ world, ana, write }) => {
    assert.equal(await write(), 303);
    world.db.exec("pragma query_only = on");
    world.clock.forward(2 * MINUTE);
    assert.equal(await write(), 507);
    assert.equal(value(await ana.visitor.api.me()).account, ana.account, "who reads gets in");
    assert.equal((await ana.visitor.request("/health")).status, 200);
    world.db.exec("pragma query_only = off");
    assert.equal(await write(), 303);
  }));

Deno.test("a database that another program holds: 503 and when to come again; reads go on", async () => {
  const folder = await Deno.makeTempDir();
  await withAna(`${folder}/snug.db`, async ({ world, ana, write }) => {
    const outside = new DatabaseSync(`${folder}/snug.db`);
    outside.exec("begin immediate");
    world.clock.forward(2 * MINUTE);
    assert.equal(await write(), 503);
    assert.equal(ana.visitor.last!.headers.get("retry-after"), "2");
    assert.equal(value(await ana.visitor.api.me()).account, ana.account);
    outside.exec("rollback");
    outside.close();
    assert.equal(await write(), 303);
  });
  await Deno.remove(folder, { recursive: true });
});

Deno.test("what SQLite calls a mistake of ours stays a bug", async () => {
  const bugs: string[] = [];
  const log = { ...silentLog, error: (event: string) => void bugs.push(event) };
  const world = await makeWorld({ log });
  const ana = await signUp(world, "ana");
  world.db.exec("alter table accounts rename column full_name to away");
  const { status } = await ana.visitor.request("/api/me", {
    headers: { authorization: `Bearer ${ana.visitor.api.login}` },
  });
  world.close();
  assert.equal(status, 500);
  assert.deepEqual(bugs, ["request.failed"]);
});
