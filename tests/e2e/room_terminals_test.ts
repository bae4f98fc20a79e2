/** Three people in a room, in three terminals over TLS: the code lets in, the server never learns it. */
import assert from "node:assert/strict";
import { filesBelow, findCanaries } from "../helpers/canary.ts";
import { person } from "./people.ts";
import { codeFor, freePort, type Server, startServer } from "./server.ts";
import { type Line, openTerminal, type Terminal } from "./terminal.ts";

async function signUp(server: Server, profiles: string, name: string): Promise<Terminal> {
  const { username, fullName, contact, password } = person(name);
  const { data } = server.options;
  const opened = openTerminal(server.origin, `${profiles}/${name}`, ["--ca", `${data}/ca.pem`]);
  await opened.ask({ do: "sign-up", username, fullName, contact, password });
  const ready = await opened.ask({ do: "code", code: codeFor(data, contact) });
  assert.equal(ready.event, "ready", JSON.stringify(ready) + opened.errors());
  return opened;
}

const says = (text: string) => (line: Line) => line.event === "message" && line["text"] === text;

Deno.test("three people meet in a room by its code, and the server never learns the code", async () => {
  const data = await Deno.makeTempDir({ prefix: "snug-e2e-" });
  const profiles = await Deno.makeTempDir({ prefix: "snug-profiles-" });
  const server = await startServer({ data, port: freePort(), tls: "self-signed" });
  const [ana, ben, cleo] = [
    await signUp(server, profiles, "ana"),
    await signUp(server, profiles, "ben"),
    await signUp(server, profiles, "cleo"),
  ];
  const made = await ana.ask({ do: "create-room", name: "Secret garden" });
  assert.equal(made.event, "room", JSON.stringify(made));
  const code = String(made["code"]);
  assert.match(code, /^([0-9A-Z]{4}-){3}[0-9A-Z]{4}$/);
  const room = made["room"];
  for (const one of [ben, cleo]) {
    const joined = await one.ask({ do: "join-room", code: code.toLowerCase() });
    assert.equal(joined.event, "room", JSON.stringify(joined));
    assert.equal(joined["name"], "Secret garden");
  }
  for (const [speaker, text] of [[ana, "canary from ana"], [ben, "canary from ben"]] as const) {
    const sent = await speaker.ask({ do: "send", room, text });
    assert.equal(sent.event, "sent", JSON.stringify(sent));
  }
  for (const one of [ben, cleo]) await one.next(says("canary from ana"));
  for (const one of [ana, cleo]) await one.next(says("canary from ben"));

  const removed = await ana.ask({ do: "remove-member", room, username: "cleo" });
  assert.equal(removed.event, "room", JSON.stringify(removed));
  assert.notEqual(removed["code"], code, "the old code is dead");
  assert.equal((await ana.ask({ do: "send", room, text: "canary after cleo" })).event, "sent");
  await ben.next(says("canary after cleo"));
  assert.equal((await cleo.ask({ do: "send", room, text: "still here?" })).event, "error");
  assert.equal((await cleo.ask({ do: "join-room", code })).event, "error");

  for (const one of [ana, ben, cleo]) assert.equal(await one.quit(), 0);
  assert.ok(!cleo.lines().some(says("canary after cleo")));
  assert.equal(await server.stop(), 0, server.log());
  const stored = filesBelow(data).filter(({ name }) => !name.startsWith("outbox/"));
  const places = [...stored, { name: "log", bytes: new TextEncoder().encode(server.log()) }];
  assert.deepEqual(
    findCanaries(places, [
      { name: "the code", secret: code },
      { name: "the code without dashes", secret: code.replaceAll("-", "") },
      { name: "the room's name", secret: "Secret garden" },
      { name: "a message", secret: "canary" },
    ]),
    [],
  );
});
