/**
 * Everything that leads round a password - a reset by each way, passkeys, another address, the end of an
 * account - and then a search of what was written and shown for what must not be there.
 */
import assert from "node:assert/strict";
import {
  addPasskey,
  askAnyPasskey,
  enterByPasskey,
  proveByPassword,
} from "../../client/passkeys.ts";
import { recoverAccount, startOver } from "../../client/recovery_flow.ts";
import { createLog } from "../../log.ts";
import { fromBase64Url, utf8 } from "../../protocol/encoding.ts";
import { HOUR, makeWorld, value, Visitor, type World } from "../helpers/account_world.ts";
import { type Canary, filesBelow, findCanaries } from "../helpers/canary.ts";
import { flowAt, type Guarded, quickPassword, signUpGuarded } from "../helpers/guarded.ts";
import { softAuthenticator } from "../helpers/soft_authenticator.ts";

const NEXT = "another long password entirely";
const THIRD = "and yet another long password";

/** What everybody typed, was sent or carried; codes are kept apart, for they stand in letters. */
class Secrets {
  readonly all: Canary[] = [];
  readonly pages: string[] = [];
  add(name: string, secret: string): void {
    this.all.push({ name, secret });
  }
  carried(name: string, { cookies }: Visitor): void {
    for (const [cookie, secret] of cookies) {
      this.add(`${name}: ${cookie} as text`, secret);
      this.all.push({ name: `${name}: ${cookie}`, secret: fromBase64Url(secret) });
    }
  }
}

async function atTheMailbox(world: World, secrets: Secrets, contact: string): Promise<Visitor> {
  world.clock.forward(HOUR);
  const visitor = new Visitor(world, "browser");
  secrets.pages.push((await visitor.form("/forgot", { contact })).text);
  secrets.carried("challenge", visitor);
  const code = world.mailer.code(contact);
  secrets.pages.push((await visitor.form("/forgot/code", { code: "no code" })).text);
  secrets.pages.push((await visitor.form("/forgot/code", { code })).text);
  return visitor;
}

async function resetEveryWay(world: World, secrets: Secrets, ana: Guarded): Promise<void> {
  const first = await atTheMailbox(world, secrets, ana.contact);
  const typed = { recoveryKey: ana.recoveryKey, password: NEXT };
  assert.ok((await recoverAccount(flowAt(first), typed)).ok);
  secrets.carried("login after the recovery key", first);
  const second = await atTheMailbox(world, secrets, ana.contact);
  const { text } = await second.form("/forgot/start-over/ask", {});
  const code = /(\d{3}) (\d{3})\s*</.exec(text)!.slice(1).join("");
  assert.equal((await first.form("/reset/approve", { code: "no" })).status, 422);
  assert.equal((await first.form("/reset/approve", { code })).status, 200);
  const form = { account: ana.account, username: "ana", fullName: "Ana", password: THIRD };
  secrets.add("new recovery key", value(await startOver(flowAt(second), form)).recoveryKey);
  secrets.carried("login after starting over", second);
  const third = await atTheMailbox(world, secrets, ana.contact);
  assert.ok((await recoverAccount(flowAt(third), { ...typed, password: ana.password })).ok);
  secrets.carried("login after coming back", third);
  await passkeyAndAddress(world, secrets, { ...ana, visitor: third });
}

async function passkeyAndAddress(world: World, secrets: Secrets, ana: Guarded): Promise<void> {
  const authenticator = softAuthenticator();
  const parts = { api: ana.visitor.api, authenticator };
  const door = value(await proveByPassword(parts, quickPassword, ana.password));
  const { codes } = value(await addPasskey(parts, "Phone", door));
  for (const code of codes) secrets.add("recovery code", code);
  const fresh = new Visitor(world, "browser");
  const claim = value(await askAnyPasskey({ api: fresh.api, authenticator }));
  assert.ok(claim.prf);
  secrets.all.push({ name: "PRF", secret: claim.prf.slice() });
  assert.ok((await enterByPasskey(flowAt(fresh), claim))?.ok);
  secrets.carried("login by passkey", fresh);
  for (const path of ["", "/passkeys", "/contact", "/devices", "/delete", "/second-factor"]) {
    secrets.pages.push((await fresh.request(`/settings${path}`)).text);
  }
  secrets.pages.push((await fresh.request("/settings/what-the-server-sees")).text);
  assert.equal((await fresh.form("/settings/delete/code", { code: codes[0]! })).status, 200);
}

Deno.test("canary: no code, password, recovery key, login, challenge or PRF of a reset, a passkey or a farewell is left anywhere", async () => {
  const folder = await Deno.makeTempDir();
  const lines: string[] = [];
  const log = createLog({ level: "debug", now: () => 0, write: (line) => void lines.push(line) });
  const world = await makeWorld({ path: `${folder}/snug.db`, log });
  const admin = await signUpGuarded(world, "olga");
  const ana = await signUpGuarded(world, "ana", new Visitor(world, "browser"));
  const secrets = new Secrets();
  for (const password of [NEXT, THIRD, ana.password]) secrets.add("password", password);
  secrets.add("recovery key", ana.recoveryKey);
  secrets.carried("first login", ana.visitor);

  // The queue of letters, the log and the database with its write-ahead log, as they are now and at the end.
  const stored = () => [
    { name: "log", bytes: utf8(lines.join("\n")) },
    { name: "pages", bytes: utf8(secrets.pages.join("\n")) },
    { name: "letters", bytes: utf8(JSON.stringify(world.mailer.letters)) },
    ...filesBelow(folder),
  ];
  await resetEveryWay(world, secrets, ana);
  assert.ok(secrets.all.length > 30 && secrets.pages.length > 15);
  assert.deepEqual(findCanaries(stored(), secrets.all), []);
  const sent = world.mailer.letters.flatMap(({ code }) => code === null ? [] : [code]);
  const codes = sent.map((secret) => ({ name: "code", secret }));
  const noLetters = stored().filter(({ name }) => name !== "letters");
  assert.ok(codes.length >= 5);
  assert.deepEqual(findCanaries(noLetters, codes), []);
  assert.ok(findCanaries(stored(), codes).length > 0, "the search finds what is there");
  world.db.exec("pragma wal_checkpoint(truncate)");
  const left = filesBelow(folder).filter(({ name }) => name === "snug.db");
  const who = [{ name: "address", secret: ana.contact }, { name: "account", secret: ana.account }];
  assert.deepEqual(findCanaries(left, who), [], "nothing of who has left but the name");
  assert.ok((await admin.visitor.api.me()).ok);
  world.close();
  await Deno.remove(folder, { recursive: true });
});
