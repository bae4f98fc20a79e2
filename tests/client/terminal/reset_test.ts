/** A terminal is a device: it says that somebody wants to start the account over, and stops it. */
import assert from "node:assert/strict";
import { HOUR, makeWorld, Visitor, type World } from "../../helpers/account_world.ts";
import { type Guarded, signUpGuarded } from "../../helpers/guarded.ts";
import { makeTerminal } from "../../helpers/shut_terminal.ts";

/** Somebody with the mailbox begins the wait. Returns the page with the code. */
async function begin(world: World, { contact }: Guarded): Promise<string> {
  world.clock.forward(HOUR);
  const thief = new Visitor(world, "browser");
  await thief.form("/forgot", { contact });
  await thief.form("/forgot/code", { code: world.mailer.code(contact) });
  return (await thief.form("/forgot/start-over/ask", {})).text;
}

Deno.test("a terminal tells once that somebody waits to start the account over, and stops it", async () => {
  const world = await makeWorld();
  const ana = await signUpGuarded(world, "ana");
  await begin(world, ana);
  const { ask, said, close } = makeTerminal(world);
  await ask({ do: "sign-in", username: "ana", password: ana.password });
  const stopped = await ask({ do: "stop-reset" });
  assert.equal(stopped.event, "reset-stopped");
  const warned = said.filter(({ event, kind }) => event === "warning" && kind === "reset-waits");
  assert.equal(warned.length, 1);
  assert.match(String(warned[0]!["message"]), /stop-reset.*approve-reset/);
  assert.equal(await world.deps.store.resets.waiting(ana.account), null);
  await close();
  world.close();
});

Deno.test("a terminal lets the browser through whose code is typed in, and no other", async () => {
  const world = await makeWorld();
  const ana = await signUpGuarded(world, "ana");
  const code = /(\d{3} \d{3})\s*</.exec(await begin(world, ana))![1]!;
  const { ask, close } = makeTerminal(world);
  await ask({ do: "sign-in", username: "ana", password: ana.password });
  const wrong = await ask({
    do: "approve-reset",
    code: code === "000 000" ? "000 001" : "000 000",
  });
  assert.deepEqual([wrong.event, wrong["code"]], ["error", "bad-code"]);
  assert.equal((await ask({ do: "approve-reset", code })).event, "reset-approved");
  await close();
  world.close();
});
