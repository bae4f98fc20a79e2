/** An operator who keeps old copies, against somebody who signs in. */
import assert from "node:assert/strict";
import { signIn } from "../../client/account_flow.ts";
import { MemoryStore } from "../../client/store_memory.ts";
import { makeWorld, value, Visitor, type World } from "../helpers/account_world.ts";
import { change, flowAt, type Guarded, signUpGuarded } from "../helpers/guarded.ts";

const TABLES = ["vaults", "wraps"] as const;

/** What the server keeps to open the vault by, and puts back as it was. */
function keepCopy({ db }: World, { account }: Guarded): () => void {
  const record = db.prepare("select password_record from accounts where id = ?").get(account)!;
  for (const table of TABLES) db.exec(`create temp table old_${table} as select * from ${table}`);
  return () => {
    db.prepare("update accounts set password_record = ? where id = ?")
      .run(record["password_record"]!, account);
    for (const table of TABLES) {
      db.exec(`delete from ${table}; insert into ${table} select * from old_${table}`);
    }
  };
}

Deno.test("attack: an older vault with the older password record is refused, whoever knows the old password", async () => {
  const world = await makeWorld();
  const ana = await signUpGuarded(world, "ana");
  const putBack = keepCopy(world, ana);
  assert.ok((await change(ana, "another long password of ana")).ok);
  putBack();
  const outcome = await signIn(flowAt(new Visitor(world, "browser"), new MemoryStore()), ana);
  assert.ok(!outcome.ok && outcome.code === "untrusted-server", JSON.stringify(outcome));
  // What it is, that nothing happened, and what to do now.
  assert.match(outcome.words, /an old copy.*Nothing was done.*Use a device.*ask whoever runs/);
  const { entries } = value(await ana.visitor.api.account(ana.account));
  assert.equal(entries.length, 2, "nothing was signed on top");
  world.close();
});
