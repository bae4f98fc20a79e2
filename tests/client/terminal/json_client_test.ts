/** The JSON client against the whole server over TLS: the words that scripts may rely on. */
import assert from "node:assert/strict";
import { form, type Line, scene, signUp, type Terminal } from "../../helpers/json_terminal.ts";

Deno.test("every command that people need, its answer and its events", () =>
  scene(async (open, server) => {
    const [ana, ben] = [open("ana"), open("ben")];
    const ready = await signUp(ana, server, "ana");
    assert.deepEqual(Object.keys(ready).sort(), [
      "device",
      "event",
      "recoveryKey",
      "ref",
      "username",
    ]);
    assert.match(String(ready["recoveryKey"]), /^([0-9A-Z]{4}-){8}[0-9A-Z]{4}$/);
    await signUp(ben, server, "ben");

    const sent = await ana.ask({ do: "send", to: "@Ben", text: "hi \u001b]0;x\u0007" });
    assert.deepEqual(Object.keys(sent).sort(), ["event", "id", "ref"]);
    const got = await ben.next(({ event }) => event === "message");
    assert.equal(got["from"], "ana");
    assert.equal(got["text"], "hi \u001b]0;x\u0007", "JSON carries it as it is, escaped");
    assert.equal(got["id"], sent["id"]);
    assert.equal(got["verified"], false);
    assert.equal(typeof got["time"], "number");

    const number = await ana.ask({ do: "safety-number", with: "ben" });
    const same = await ben.ask({ do: "safety-number", with: "ana" });
    assert.equal(number["number"], same["number"]);
    assert.match(String(number["number"]).replaceAll(" ", ""), /^\d{60}$/);
    assert.equal((await ben.ask({ do: "verify", with: "ana" })).event, "verified");
    await ben.ask({ do: "send", to: "ana", text: "back" });
    await ana.next(({ event, id }) => event === "delivered" && id === sent["id"]);
    await ana.ask({ do: "send", to: "ben", text: "now verified" });
    const second = await ben.next(({ event }) => event === "message");
    assert.equal(second["verified"], true);

    const history = await ben.ask({ do: "history", conversation: got["conversation"], limit: 2 });
    const texts = (history["messages"] as Line[]).map(({ text }) => text);
    assert.deepEqual(texts, ["back", "now verified"]);
    const devices = await ben.ask({ do: "devices" });
    assert.equal((devices["devices"] as unknown[]).length, 1);

    assert.equal(await ana.quit(), 0);
    const again = open("ana");
    assert.equal((await again.ask({ do: "open" })).event, "ready");
    await ben.ask({ do: "send", to: "ana", text: "welcome back" });
    await again.next(({ event, text }) => event === "message" && text === "welcome back");
    assert.equal(await again.quit(), 0);
    assert.equal(await ben.quit(), 0);
  }));

Deno.test("three scripts make a room, join, talk, change the code, and send one of them away", () =>
  scene(async (open, server) => {
    const [ana, ben, cleo] = [open("ana"), open("ben"), open("cleo")];
    const people = [["ana", ana], ["ben", ben], ["cleo", cleo]] as const;
    for (const [name, terminal] of people) await signUp(terminal, server, name);
    const made = await ana.ask({ do: "create-room", name: "Kitchen" });
    assert.deepEqual([made.event, made["name"]], ["room", "Kitchen"]);
    const { room, code } = made;
    const joined = await ben.ask({ do: "join-room", code });
    assert.deepEqual([joined["room"], joined["code"]], [room, code]);
    await cleo.ask({ do: "join-room", code });
    const members = (line: Line) =>
      (line["members"] as { username: string }[]).map(({ username }) => username);
    assert.deepEqual(members(await cleo.ask({ do: "room", room })), ["ana", "ben", "cleo"]);

    const heard = (terminal: Terminal, text: string) =>
      terminal.next((line) => line.event === "message" && line["text"] === text);
    assert.equal((await ana.ask({ do: "send", room, text: "soup?" })).event, "sent");
    for (const terminal of [ben, cleo]) {
      const message = await heard(terminal, "soup?");
      assert.deepEqual([message["from"], message["room"]], ["ana", room]);
    }
    const rotated = await ana.ask({ do: "rotate-code", room });
    assert.notEqual(rotated["code"], code);
    await ben.next((line) => line.event === "room" && line["code"] === rotated["code"]);
    const removed = await ana.ask({ do: "remove-member", room, username: "ben" });
    assert.deepEqual(members(removed), ["ana", "cleo"]);
    await ben.next((line) => line.event === "room" && line["stopped"] === "left");
    assert.equal((await ben.ask({ do: "send", room, text: "hey" }))["code"], "not-allowed");
    await ana.ask({ do: "send", room, text: "he is gone" });
    await heard(cleo, "he is gone");
    assert.equal((await ben.ask({ do: "join-room", code }))["code"], "no-such-room");
    assert.equal(
      (await cleo.ask({ do: "remove-member", room, username: "ana" }))["code"],
      "not-allowed",
    );
    assert.equal((await cleo.ask({ do: "leave-room", room }))["stopped"], "left");
    assert.ok(!ben.lines.some((line) => line["text"] === "he is gone"));
    for (const [, terminal] of people) assert.equal(await terminal.quit(), 0);
  }));

Deno.test("bad input and early commands are answered in words and end nothing", () =>
  scene(async (open, server) => {
    const client = open("ana");
    const code = async (command: Record<string, unknown>) => {
      const answer = await client.ask(command);
      assert.equal(answer.event, "error", JSON.stringify(answer));
      assert.ok(String(answer["message"]).length > 10);
      return answer["code"];
    };
    assert.equal(await code({ do: "send", to: "ben", text: "x" }), "no-device");
    assert.equal(await code({ do: "open" }), "no-device");
    assert.equal(await code({ do: "code", code: "123456" }), "bad-input");
    assert.equal(await code({ ...form("ana"), password: "short" }), "weak-password");
    assert.equal(await code({ ...form("x!"), username: "x!" }), "bad-input");
    assert.equal(
      await code({ do: "sign-in", username: "nobody", password: "a b c d" }),
      "wrong-password",
    );
    assert.equal((await client.ask(form("ana"))).event, "code-needed");
    assert.equal(await code({ do: "code", code: "000 000" }), "bad-code");
    assert.equal((await client.ask({ do: "code", code: server.lastCode() })).event, "ready");
    for (const line of ["nonsense", "[]", "null", "7", `{"do":`, "x".repeat(70_000)]) {
      const from = client.lines.length;
      client.say(line);
      const answer = await client.next((one) => client.lines.indexOf(one) >= from);
      assert.equal(answer["code"], "bad-input");
    }
    assert.equal(await code({ do: "dance" }), "bad-input");
    assert.equal(await code({ do: "constructor" }), "bad-input");
    assert.equal(await code({ do: "send", to: "ben" }), "bad-input");
    assert.equal(await code({ do: "send", to: "nobody_here", text: "x" }), "unknown-person");
    assert.equal(await code({ do: "send", to: "ana", text: "x" }), "yourself");
    assert.equal(await code({ do: "history", conversation: "ana", limit: 1 }), "yourself");
    assert.equal(await code({ do: "revoke-device", device: "x" }), "bad-input");
    assert.equal(await code({ do: "create-room" }), "bad-input");
    assert.equal(await code({ do: "join-room", code: "XXXX" }), "bad-input");
    assert.equal(await code({ do: "join-room", code: "0000-0000-0000-0000" }), "no-such-room");
    assert.equal(await code({ do: "send", room: "x", text: "x" }), "bad-input");
    const nowhere = "AAAAAAAAAAAAAAAAAAAAAA";
    assert.equal(await code({ do: "send", room: nowhere, text: "x" }), "unknown-conversation");
    assert.equal(await code({ do: "room", room: nowhere }), "unknown-conversation");
    assert.equal(await code({ do: "open" }), "already-open");
    assert.equal(await code(form("ana")), "already-open");
    const other = open("other");
    assert.equal((await other.ask(form("ana")))["code"], "name-taken");
    assert.equal(await other.quit(), 0);
    assert.equal(await client.quit(), 0);
  }));

Deno.test("only the certificate that was named is trusted, by file or by fingerprint", () =>
  scene(async (open, server) => {
    const trusting = open("trusting", ["--fingerprint", server.fingerprint]);
    assert.equal((await trusting.ask(form("ana"))).event, "code-needed");
    assert.equal(await trusting.quit(), 0);
    const system = open("system", []);
    assert.equal((await system.ask(form("ben")))["code"], "offline");
    assert.equal(await system.quit(), 0);
    const wrong = open("wrong", ["--fingerprint", server.fingerprint.replace(/^../, "00")]);
    assert.equal(await wrong.status, 1);
    assert.match(wrong.logged.join(), /does not have the certificate you expect/);
    const missing = open("missing", ["--ca", "/nowhere/ca.pem"]);
    assert.equal(await missing.status, 2);
  }));

Deno.test("a second client on one profile is turned away in words", () =>
  scene(async (open, server) => {
    const first = open("ana");
    await signUp(first, server, "ana");
    const second = open("ana");
    assert.equal((await second.ask({ do: "open" }))["code"], "profile-taken");
    assert.equal(await second.quit(), 0);
    assert.equal(await first.quit(), 0);
  }));
