import assert from "node:assert/strict";
import { makeWorld } from "../../helpers/account_world.ts";
import { enrol, signUpGuarded } from "../../helpers/guarded.ts";
import { makeTerminal } from "../../helpers/shut_terminal.ts";

Deno.test("sign-in in a terminal says code-needed, takes the app's code and is ready", async () => {
  const world = await makeWorld();
  const ana = await signUpGuarded(world, "ana");
  const { app, codes } = await enrol(ana);
  for (const code of [app.code(), codes[0]!]) {
    const { ask, close } = makeTerminal(world);
    const signIn = { do: "sign-in", username: "ana", password: ana.password };
    assert.equal((await ask(signIn)).event, "code-needed");
    const wrong = await ask({ do: "code", code: "000000" });
    assert.deepEqual([wrong.event, wrong["code"]], ["error", "bad-code"]);
    const ready = await ask({ do: "code", code });
    assert.deepEqual([ready.event, ready["username"]], ["ready", "ana"]);
    assert.ok(!("recoveryKey" in ready));
    await close();
  }
  world.close();
});

Deno.test("without a second factor a terminal is ready at once", async () => {
  const world = await makeWorld();
  const ana = await signUpGuarded(world, "ana");
  const { ask, close } = makeTerminal(world);
  const { event } = await ask({ do: "sign-in", username: "ana", password: ana.password });
  assert.equal(event, "ready");
  await close();
  world.close();
});
