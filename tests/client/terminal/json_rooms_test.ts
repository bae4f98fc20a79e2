/** The room commands of the JSON client against the whole server. */
import assert from "node:assert/strict";
import { type Line, scene, signUp, type Terminal } from "../../helpers/json_terminal.ts";

const who = (line: Line, field = "members") =>
  ((line[field] ?? []) as { username: string; role: string }[])
    .map(({ username, role }) => `${username} ${role}`);

const said = (terminal: Terminal, words: RegExp) =>
  terminal.next(({ event, text }) => event === "line" && words.test(String(text)));

Deno.test("scripts preview, ask to come in, are let in, get a role, and the room is closed and deleted", () =>
  scene(async (open, server) => {
    const [ana, ben] = [open("ana"), open("ben")];
    await signUp(ana, server, "ana");
    await signUp(ben, server, "ben");
    const { room, code } = await ana.ask({ do: "create-room", name: "Kitchen" });
    assert.equal((await ana.ask({ do: "set-topic", room, topic: "soup" }))["topic"], "soup");
    const named = await ana.ask({ do: "rename-room", room, name: "Soup kitchen" });
    assert.equal(named["name"], "Soup kitchen");
    const picture = "iVBORw0KGgo";
    assert.equal((await ana.ask({ do: "set-picture", room, picture }))["picture"], picture);
    assert.equal(
      (await ana.ask({ do: "set-picture", room, picture: "AAAA" }))["code"],
      "bad-picture",
    );
    assert.equal((await ana.ask({ do: "set-picture", room, picture: "-" }))["picture"], undefined);
    const closed = await ana.ask({ do: "set-newcomers", room, newcomers: "approve" });
    assert.equal(closed["newcomers"], "approve");

    const { ref: _, ...preview } = await ben.ask({ do: "preview-room", code });
    assert.deepEqual(preview, {
      ...{ event: "room-preview", name: "Soup kitchen", topic: "soup", members: 1, known: [] },
      newcomers: "approve",
    });
    const waiting = await ben.ask({ do: "join-room", code });
    assert.equal(waiting["role"], "waiting");
    assert.equal((await ben.ask({ do: "send", room, text: "hello?" }))["code"], "not-allowed");
    await said(ana, /^ben .*would like to come in/);
    assert.deepEqual(who(await ana.ask({ do: "room", room }), "waiting"), ["ben waiting"]);
    const let_ = await ana.ask({ do: "approve", room, username: "ben" });
    assert.deepEqual(who(let_), ["ana owner", "ben member"]);
    await said(ben, /let you in/);
    await ben.ask({ do: "send", room, text: "hello @ana" });
    const mention = await ana.next(({ event }) => event === "message");
    assert.deepEqual([mention["mention"], mention["from"], mention["room"]], [true, "ben", room]);

    const refused = await ben.ask({ do: "rename-room", room, name: "Mine" });
    assert.equal(refused["code"], "not-allowed");
    await ana.ask({ do: "set-role", room, username: "ben", role: "moderator" });
    await said(ben, /You are now a moderator/);
    assert.equal((await ben.ask({ do: "rename-room", room, name: "Ours" }))["name"], "Ours");
    await said(ana, /renamed the room to “Ours”/);
    assert.equal(
      (await ana.ask({ do: "set-role", room, username: "ben", role: "x" }))["code"],
      "bad-input",
    );

    const muted = await ana.ask({ do: "mute", conversation: room });
    assert.deepEqual([muted.event, muted["muted"]], ["muted", true]);
    assert.equal((await ana.ask({ do: "unmute", conversation: room }))["muted"], false);
    assert.deepEqual((await ana.ask({ do: "rooms" }))["rooms"], [{ room, name: "Ours" }]);
    assert.equal((await ben.ask({ do: "end-room", room }))["code"], "not-allowed");
    assert.equal((await ana.ask({ do: "end-room", room }))["stopped"], "ended");
    await ben.next((line) => line.event === "room" && line["stopped"] === "ended");
    assert.equal(await ana.quit() + await ben.quit(), 0);
  }));

Deno.test("scripts add a contact, decline one who waits, and ban one for good", () =>
  scene(async (open, server) => {
    const [ana, ben] = [open("ana"), open("ben")];
    await signUp(ana, server, "ana");
    await signUp(ben, server, "ben");
    const { room, code } = await ana.ask({ do: "create-room", name: "Kitchen" });
    const stranger = await ana.ask({ do: "add-member", room, username: "ben" });
    assert.equal(stranger["code"], "unknown-person");
    await ana.ask({ do: "send", to: "ben", text: "shall I add you?" });
    const added = await ana.ask({ do: "add-member", room, username: "ben" });
    assert.deepEqual(who(added), ["ana owner", "ben member"]);
    await ben.next((line) => line.event === "room" && line["code"] === code);
    await ben.ask({ do: "leave-room", room });

    await ana.ask({ do: "set-newcomers", room, newcomers: "approve" });
    await ben.ask({ do: "join-room", code });
    await said(ana, /would like to come in/);
    const declined = await ana.ask({ do: "decline", room, username: "ben" });
    assert.deepEqual([who(declined), who(declined, "waiting")], [["ana owner"], []]);
    await said(ben, /declined you/);

    const banned = await ana.ask({ do: "ban-member", room, username: "ben" });
    assert.notEqual(banned["code"], declined["code"]);
    const again = await ben.ask({ do: "join-room", code: banned["code"] });
    assert.deepEqual([again["code"], again["message"]], ["no-such-room", "There is no such room."]);
    assert.equal(await ana.quit() + await ben.quit(), 0);
  }));
