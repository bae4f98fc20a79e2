import assert from "node:assert/strict";
import { makeWorld, Visitor } from "../helpers/account_world.ts";
import { signUp } from "../helpers/members.ts";

const PATH = "/settings/history";

Deno.test("the archive is switched off and on, and erased, by plain forms", async () => {
  const world = await makeWorld();
  const ana = await signUp(world, "ana", new Visitor(world, "browser"));
  const shown = async () => (await ana.visitor.request(PATH)).text;
  const order = async (what: string) => {
    const body = new URLSearchParams({ do: what }).toString();
    const headers = { "content-type": "application/x-www-form-urlencoded" };
    return await ana.visitor.request(PATH, { method: "POST", headers, body });
  };
  assert.match(await shown(), /It is on[\s\S]*It is empty, of 256 MiB/);
  const off = await order("off");
  assert.deepEqual([off.status, off.headers.get("location")], [303, `${PATH}?done=off`]);
  assert.match(await shown(), /It is off/);
  assert.equal((await world.deps.store.archive.state(ana.account)).on, false);
  await order("erase");
  assert.match(await shown(), /It is off/, "erasing switches nothing");
  await order("on");
  assert.equal((await world.deps.store.archive.state(ana.account)).on, true);
  assert.equal((await order("everything")).status, 400);
  const done = await ana.visitor.request(`${PATH}?done=%3Cscript%3E`);
  assert.ok(!done.text.includes("&lt;script") && !done.text.includes("<script>alert"));
  world.close();
});
