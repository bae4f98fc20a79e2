import assert from "node:assert/strict";
import { createLog } from "../../log.ts";
import { makeWorld, MINUTE, value, Visitor } from "../helpers/account_world.ts";
import { enterPassword, renew, signInAgain, signUp } from "../helpers/members.ts";

Deno.test("attack: no name, address, code, password, login or challenge is in the log", async () => {
  const lines: string[] = [];
  const write = (line: string) => void lines.push(line);
  const world = await makeWorld({ log: createLog({ level: "debug", now: () => 0, write }) });
  const ana = await signUp(world, "canary_ana");
  const second = await signInAgain(ana);
  await enterPassword(new Visitor(world), ana.username, "canary wrong password");
  await new Visitor(world).api.signIn(ana.username, "canary nonsense");
  value(await renew(second.visitor, second.keys));
  const lost = new Visitor(world);
  value(
    await lost.api.signUp({ username: "eve", fullName: "Canary Eve", contact: "c@canary.org" }),
  );
  await lost.api.confirm("000000");
  world.mailer.broken = true;
  world.clock.forward(MINUTE);
  await lost.api.resend();
  const log = lines.join("\n");
  for (const event of ["signed-up", "signed-in", "device-login", "wrong-password", "wrong-code"]) {
    assert.ok(log.includes(`auth.${event}`), event);
  }
  const secrets = [
    ...["canary", "example.org", ana.password, ana.account, ana.keys.device.device],
    ...[ana.visitor.api.login!, second.visitor.api.login!],
    ...world.mailer.letters.flatMap(({ code }) => code === null ? [] : [code]),
  ];
  for (const secret of secrets) {
    assert.ok(!log.toLowerCase().includes(secret.toLowerCase()), secret);
  }
  world.close();
});
