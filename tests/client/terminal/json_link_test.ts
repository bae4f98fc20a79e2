/** Linking between two terminals, against the whole server over TLS: code, digits, password, and what goes wrong. */
import assert from "node:assert/strict";
import { scene, signUp } from "../../helpers/json_terminal.ts";

Deno.test("a new terminal shows a code, a signed-in one takes it, and both talk for one account", () =>
  scene(async (open, server) => {
    const [ana, ben, fresh] = [open("ana"), open("ben"), open("fresh")];
    await signUp(ana, server, "ana");
    await signUp(ben, server, "ben");
    const early = await fresh.ask({ do: "link-digits", digits: "123456" });
    assert.deepEqual([early.event, early["code"]], ["error", "bad-input"]);
    const shown = await fresh.ask({ do: "request-link" });
    assert.equal(shown.event, "link-code", JSON.stringify(shown));
    assert.match(String(shown["code"]), /^[0-9A-Z]{4}(-[0-9A-Z]{4}){3}$/);
    assert.ok(String(shown["address"]).startsWith(`${server.origin}/settings/link#`));

    const met = fresh.next(({ event }) => event === "link-digits");
    const taken = await ana.ask({ do: "link-device", code: shown["address"] });
    assert.equal(taken.event, "digits-needed", JSON.stringify(taken));
    const { username, digits } = await met;
    assert.equal(username, "ana");
    const wrong = digits === "000000" ? "000001" : "000000";
    assert.equal((await ana.ask({ do: "link-digits", digits: wrong }))["code"], "bad-code");
    const early2 = await ana.ask({ do: "link-password", password: "lantern under the stairs ana" });
    assert.equal(early2["code"], "bad-code", "nothing is opened before the digits are right");
    assert.equal((await ana.ask({ do: "link-digits", digits })).event, "password-needed");
    const no = await ana.ask({ do: "link-password", password: "not her password at all" });
    assert.equal(no["code"], "wrong-password");
    const ready = fresh.next(({ event }) => event === "ready");
    const linked = await ana.ask({ do: "link-password", password: "lantern under the stairs ana" });
    assert.equal(linked.event, "device-linked", JSON.stringify(linked));
    assert.equal((await ready)["username"], "ana");

    await fresh.next(({ event, state }) => event === "connection" && state === "online");
    await ben.ask({ do: "send", to: "ana", text: "to both of you" });
    for (const one of [ana, fresh]) {
      await one.next(({ event, text }) => event === "message" && text === "to both of you");
    }
    const again = await fresh.ask({ do: "request-link" });
    assert.equal(again["code"], "already-open");
    for (const one of [ana, ben, fresh]) assert.equal(await one.quit(), 0);
  }));

Deno.test("attack: three wrong digits end a link; the new terminal is told, and no device was added", () =>
  scene(async (open, server) => {
    const [ana, fresh] = [open("ana"), open("fresh")];
    await signUp(ana, server, "ana");
    const shown = await fresh.ask({ do: "request-link" });
    const met = fresh.next(({ event }) => event === "link-digits");
    await ana.ask({ do: "link-device", code: shown["code"] });
    const { digits } = await met;
    const wrong = digits === "000000" ? "000001" : "000000";
    const codes: unknown[] = [];
    for (let i = 0; i < 3; i++) {
      codes.push((await ana.ask({ do: "link-digits", digits: wrong }))["code"]);
    }
    assert.deepEqual(codes, ["bad-code", "bad-code", "code-expired"]);
    await fresh.next(({ event, code }) => event === "error" && code === "link-over");
    const { devices } = await ana.ask({ do: "devices" });
    assert.equal((devices as unknown[]).length, 1);
    assert.equal(await fresh.quit(), 0);
    assert.equal(await ana.quit(), 0);
  }));
