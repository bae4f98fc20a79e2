/** Two people talk in two terminals over TLS, with the server's own certificate authority as the only trust. */
import assert from "node:assert/strict";
import { openSqliteStore } from "../../client/store_sqlite.ts";
import type { DeviceKeys } from "../../crypto/account.ts";
import { exportPrivate } from "../../crypto/private_key.ts";
import type { StoredPrekey } from "../../crypto/prekeys.ts";
import { type Canary, filesBelow, findCanaries } from "../helpers/canary.ts";
import { openWireTap } from "../helpers/wire_tap.ts";
import { person } from "./people.ts";
import { codeFor, freePort, type Server, startServer } from "./server.ts";
import { openTerminal, type Terminal } from "./terminal.ts";

const ana = person("ana");
const ben = person("ben");

interface Scene {
  server: Server;
  readonly data: string;
  readonly profiles: string;
}

async function openScene(): Promise<Scene> {
  const data = await Deno.makeTempDir({ prefix: "snug-e2e-" });
  const profiles = await Deno.makeTempDir({ prefix: "snug-profiles-" });
  const server = await startServer({ data, port: freePort(), tls: "self-signed" });
  return { server, data, profiles };
}

function terminal(scene: Scene, name: string): Terminal {
  const flags = ["--ca", `${scene.data}/ca.pem`];
  return openTerminal(scene.server.origin, `${scene.profiles}/${name}`, flags);
}

async function signUp(scene: Scene, who: typeof ana): Promise<Terminal> {
  const { username, fullName, contact, password } = who;
  const opened = terminal(scene, username);
  const needed = await opened.ask({ do: "sign-up", username, fullName, contact, password });
  assert.equal(needed.event, "code-needed", JSON.stringify(needed) + opened.errors());
  const ready = await opened.ask({ do: "code", code: codeFor(scene.data, contact) });
  assert.equal(ready.event, "ready", JSON.stringify(ready) + opened.errors());
  assert.equal(ready["username"], username);
  assert.equal(typeof ready["recoveryKey"], "string");
  return opened;
}

const message = (text: string) => (line: { event: string }) =>
  line.event === "message" && (line as unknown as { text: string }).text === text;

Deno.test("two people talk in two terminals, offline and through a kill -9", async () => {
  const scene = await openScene();
  const anaTerminal = await signUp(scene, ana);
  let benTerminal = await signUp(scene, ben);

  for (let i = 0; i < 20; i++) {
    const sent = await anaTerminal.ask({ do: "send", to: "ben", text: `terminal canary a${i}` });
    assert.equal(sent.event, "sent", JSON.stringify(sent));
  }
  for (let i = 0; i < 20; i++) await benTerminal.next(message(`terminal canary a${i}`));
  for (let i = 0; i < 20; i++) {
    await benTerminal.ask({ do: "send", to: "ana", text: `terminal canary b${i}` });
  }
  for (let i = 0; i < 20; i++) await anaTerminal.next(message(`terminal canary b${i}`));

  assert.equal(await benTerminal.quit(), 0);
  for (let i = 20; i < 25; i++) {
    const sent = await anaTerminal.ask({ do: "send", to: "ben", text: `terminal canary a${i}` });
    assert.equal(sent.event, "sent");
  }
  await scene.server.kill();
  const log = scene.server.log();
  scene.server = await startServer(scene.server.options);
  benTerminal = terminal(scene, "ben");
  assert.equal((await benTerminal.ask({ do: "open" })).event, "ready");
  for (let i = 20; i < 25; i++) await benTerminal.next(message(`terminal canary a${i}`));
  const texts = benTerminal.lines().filter((line) => line.event === "message");
  assert.equal(texts.length, 5, "none is shown twice");

  const numbers = await Promise.all([
    anaTerminal.ask({ do: "safety-number", with: "ben" }),
    benTerminal.ask({ do: "safety-number", with: "ana" }),
  ]);
  assert.match(String(numbers[0]["number"]).replaceAll(" ", ""), /^\d{60}$/);
  assert.equal(numbers[0]["number"], numbers[1]["number"]);

  assert.equal(await anaTerminal.quit(), 0);
  assert.equal(await benTerminal.quit(), 0);
  assert.equal(await scene.server.stop(), 0, scene.server.log());
  const stored = filesBelow(scene.data).filter(({ name }) => !name.startsWith("outbox/"));
  const logs = new TextEncoder().encode(log + scene.server.log());
  assert.deepEqual(
    findCanaries([...stored, { name: "log", bytes: logs }], [
      { name: "a message", secret: "terminal canary" },
      { name: "a password", secret: ana.password },
    ]),
    [],
  );
});

Deno.test("bad input to the terminal client is answered in words and never ends it", async () => {
  const scene = await openScene();
  const client = await signUp(scene, ana);
  await client.say("this is not JSON");
  assert.equal((await client.next((line) => line.event === "error"))["code"], "bad-input");
  const cases: [Record<string, unknown>, string][] = [
    [{ do: "dance" }, "bad-input"],
    [{ do: "send", text: "hi" }, "bad-input"],
    [{ do: "send", to: "nobody_here", text: "hi" }, "unknown-person"],
    [{ do: "send", to: "ana", text: "hi" }, "yourself"],
    [{ do: "send", to: "ben", text: "x".repeat(4_001) }, "too-long"],
  ];
  for (const [command, code] of cases) {
    const answer = await client.ask(command);
    assert.equal(answer.event, "error", JSON.stringify(answer));
    if (code !== "too-long") assert.equal(answer["code"], code, JSON.stringify(answer));
    assert.ok(String(answer["message"]).length > 10);
  }
  assert.equal(await client.quit(), 0);
  assert.equal(await scene.server.stop(), 0);
});

/** Every private key of a profile, in the bytes it is kept in. */
async function privateKeys(profile: string): Promise<Canary[]> {
  const store = openSqliteStore(`${profile}/snug.db`);
  try {
    const keys = (await store.get<DeviceKeys>("device", "keys"))!;
    const prekeys = await store.list<StoredPrekey>("prekeys");
    const all = [keys.sign, keys.agree, ...prekeys.map(({ value }) => value)];
    return await Promise.all(all.map(async (key, i) => ({
      name: `private key ${i}`,
      secret: key.private instanceof Uint8Array ? key.private : await exportPrivate(key.private),
    })));
  } finally {
    await store.close();
  }
}

Deno.test("no private key, password, recovery key or text crosses the wire or reaches the server", async () => {
  const data = await Deno.makeTempDir({ prefix: "snug-e2e-" });
  const profiles = await Deno.makeTempDir({ prefix: "snug-profiles-" });
  const port = freePort();
  const tap = openWireTap(port);
  const server = await startServer({ data, port, origin: `http://localhost:${tap.port}` });
  const terminals: Terminal[] = [];
  const secrets: Canary[] = [{ name: "a text", secret: "wire canary" }];
  for (const { username, fullName, contact, password } of [ana, ben]) {
    const opened = openTerminal(server.origin, `${profiles}/${username}`);
    terminals.push(opened);
    await opened.ask({ do: "sign-up", username, fullName, contact, password });
    const ready = await opened.ask({ do: "code", code: codeFor(data, contact) });
    secrets.push({ name: `${username}'s password`, secret: password });
    secrets.push({ name: `${username}'s recovery key`, secret: String(ready["recoveryKey"]) });
  }
  const [anaTerminal, benTerminal] = terminals as [Terminal, Terminal];
  for (let i = 0; i < 5; i++) {
    await anaTerminal.ask({ do: "send", to: "ben", text: `wire canary a${i}` });
    await benTerminal.next(message(`wire canary a${i}`));
    await benTerminal.ask({ do: "send", to: "ana", text: `wire canary b${i}` });
    await anaTerminal.next(message(`wire canary b${i}`));
  }
  for (const opened of terminals) assert.equal(await opened.quit(), 0);
  assert.equal(await server.stop(), 0, server.log());
  await tap.close();
  for (const { username } of [ana, ben]) {
    secrets.push(...await privateKeys(`${profiles}/${username}`));
  }
  assert.ok(secrets.length > 200, "identity and prekeys of both are looked for");
  const wire = tap.recorded().map((bytes, i) => ({ name: `wire ${i}`, bytes }));
  const stored = filesBelow(data).filter(({ name }) => !name.startsWith("outbox/"));
  const log = { name: "log", bytes: new TextEncoder().encode(server.log()) };
  assert.deepEqual(findCanaries([...wire, ...stored, log], secrets), []);
  assert.ok(findCanaries(wire, [{ name: "a username", secret: ana.username }]).length > 0);
});
