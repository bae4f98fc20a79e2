import assert from "node:assert/strict";
import { JsonClient, type Output } from "../../../client/terminal/json_client.ts";
import { ChatSession } from "../../../client/terminal/session.ts";
import { MemoryStore } from "../../../client/store_memory.ts";
import type { HttpSend } from "../../../client/transport.ts";
import { makeWorld, ORIGIN, Visitor, type World } from "../../helpers/account_world.ts";
import { enrol, quickPassword, signUpGuarded } from "../../helpers/guarded.ts";

/** A terminal at a server, whose sockets stay shut. */
function makeTerminal(world: World) {
  const visitor = new Visitor(world);
  const said: Output[] = [];
  const send: HttpSend = async ({ method, path, headers, body }) => {
    const { status, headers: answered, body: content } = await visitor.request(path, {
      ...{ method, headers: { ...headers }, body },
    });
    return { status, headers: answered, body: content };
  };
  const session = new ChatSession({
    ...{ origin: ORIGIN, send, now: world.clock.now },
    socket: () => ({ send: () => {}, close: () => {} }),
    openStore: () => Promise.resolve(new MemoryStore()),
    password: () => Promise.resolve(quickPassword),
    known: () => Promise.resolve(false),
    fault: (error) => assert.fail(String(error)),
  });
  const client = new JsonClient(session, (output) => void said.push(output));
  const ask = async (command: Record<string, unknown>) => {
    const ref = `ask ${said.length}`;
    await client.take(JSON.stringify({ ...command, ref }));
    return said.find((output) => output["ref"] === ref)!;
  };
  return { ask, close: () => session.close() };
}

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
