/** The people commands of the JSON client against the whole server. */
import assert from "node:assert/strict";
import { scene, signUp } from "../../helpers/json_terminal.ts";

Deno.test("scripts see a request, take it, block, unblock, and accept no key without its number", () =>
  scene(async (open, server) => {
    const [ana, ben] = [open("ana"), open("ben")];
    await signUp(ana, server, "ana");
    await signUp(ben, server, "ben");
    await ana.ask({ do: "send", to: "ben", text: "hello" });
    const message = await ben.next(({ event }) => event === "message");
    assert.equal(message["request"], true);
    const { requests } = await ben.ask({ do: "requests" });
    const [request] = requests as Record<string, unknown>[];
    assert.deepEqual([request?.["username"], request?.["text"]], ["ana", "hello"]);

    const { ref: _, ...accepted } = await ben.ask({ do: "accept", with: "ana" });
    assert.deepEqual(accepted, { event: "accepted", with: "ana" });
    const delivered = await ana.next(({ event }) => event === "delivered");
    assert.equal(delivered["by"], "ben");
    assert.deepEqual((await ben.ask({ do: "requests" }))["requests"], []);

    assert.equal((await ben.ask({ do: "block", with: "ana" })).event, "blocked");
    const { people } = await ben.ask({ do: "blocked-people" });
    assert.deepEqual((people as { username: string }[]).map(({ username }) => username), ["ana"]);
    assert.equal((await ben.ask({ do: "send", to: "ana", text: "no" }))["code"], "blocked");
    assert.equal((await ana.ask({ do: "send", to: "ben", text: "hello?" })).event, "sent");
    assert.equal((await ben.ask({ do: "unblock", with: "ana" })).event, "unblocked");
    await ana.ask({ do: "send", to: "ben", text: "again" });
    const next = await ben.next(({ event }) => event === "message");
    assert.deepEqual([next["text"], next["request"]], ["again", undefined]);

    assert.deepEqual((await ben.ask({ do: "find-people", words: "an" }))["people"], []);
    const shown = await ben.ask({ do: "safety-number", with: "ana" });
    assert.equal(shown["state"], "unverified");
    assert.equal((await ben.ask({ do: "accept-key", with: "ana" }))["code"], "bad-input");
    const none = await ben.ask({ do: "accept-key", with: "ana", number: shown["number"] });
    assert.equal(none.event, "key-accepted", "there is nothing to accept");
    assert.equal((await ben.ask({ do: "verify", with: "ana" })).event, "verified");
  }));
