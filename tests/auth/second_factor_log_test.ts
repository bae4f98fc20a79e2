import assert from "node:assert/strict";
import { Secret } from "otpauth";
import { confirmSignIn } from "../../client/account_flow.ts";
import { createLog } from "../../log.ts";
import { utf8 } from "../../protocol/encoding.ts";
import { makeWorld, Visitor } from "../helpers/account_world.ts";
import { filesBelow, findCanaries } from "../helpers/canary.ts";
import { enrol, flowAt, signInToCode, signUpGuarded } from "../helpers/guarded.ts";

Deno.test("canary: no seed and no recovery code is in the log, the database or a letter", async () => {
  const folder = await Deno.makeTempDir();
  const lines: string[] = [];
  const write = (line: string) => void lines.push(line);
  const log = createLog({ level: "debug", now: () => 0, write });
  const world = await makeWorld({ path: `${folder}/snug.db`, log });
  const ana = await signUpGuarded(world, "ana");
  const { app, codes } = await enrol(ana);
  for (const code of ["000000", codes[0]!]) {
    const visitor = new Visitor(world);
    await confirmSignIn(flowAt(visitor), await signInToCode(visitor, ana), code);
  }
  await ana.visitor.form("/settings/second-factor/off", { code: "garbage" });
  const canaries = [
    { name: "secret", secret: app.secret },
    { name: "seed", secret: new Uint8Array(Secret.fromBase32(app.secret).bytes) },
    ...codes.flatMap((code) => [code, code.replace("-", "")])
      .map((secret) => ({ name: "recovery code", secret })),
  ];
  const letters = JSON.stringify(world.mailer.letters);
  const written = [
    { name: "log", bytes: utf8(lines.join("\n")) },
    { name: "letters", bytes: utf8(letters) },
    ...filesBelow(folder),
  ];
  assert.ok(lines.length > 0);
  assert.ok(written.some(({ name }) => name === "snug.db-wal"), "the log of the database too");
  assert.deepEqual(findCanaries(written, canaries), []);
  const control = findCanaries([{ name: "page", bytes: utf8(codes.join()) }], canaries);
  assert.ok(control.length >= 10, "the search finds what is there");
  world.close();
  await Deno.remove(folder, { recursive: true });
});
