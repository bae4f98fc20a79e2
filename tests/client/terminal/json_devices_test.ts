/** Devices in the JSON client, against the whole server over TLS: named, listed, removed, told why. */
import assert from "node:assert/strict";
import { type Line, scene, signUp } from "../../helpers/json_terminal.ts";

Deno.test("a script lists, names and removes the devices of its account; the removed one is told and gone", () =>
  scene(async (open, server) => {
    let ana = open("ana");
    const second = open("second");
    await signUp(ana, server, "ana");
    const password = "lantern under the stairs ana";
    const ready = await second.ask({ do: "sign-in", username: "ana", password });
    assert.equal(ready.event, "ready", JSON.stringify(ready));
    const { device } = ready;
    await ana.next(({ event, kind }) => event === "warning" && kind === "own-new-device");
    // Asked again at the next start, until it is answered.
    assert.equal(await ana.quit(), 0);
    const later = open("ana");
    const asked = async () => {
      const from = later.lines.length;
      assert.equal((await later.ask({ do: "open" })).event, "ready");
      return later.lines.slice(from).filter(({ kind }) => kind === "own-new-device");
    };
    assert.deepEqual((await asked()).map((line) => line["device"]), [device]);
    const accepted = await later.ask({ do: "accept-device", device });
    assert.deepEqual([accepted.event, accepted["device"]], ["device-accepted", device]);
    assert.equal(await later.quit(), 0);
    ana = open("ana");
    assert.equal((await ana.ask({ do: "open" })).event, "ready");
    assert.ok(!ana.lines.some(({ kind }) => kind === "own-new-device"));
    const named = await ana.ask({ do: "rename-device", device, name: "Bot in the cellar" });
    const devices = named["devices"] as Line[];
    assert.deepEqual(Object.keys(devices[0]!).sort(), [
      ...["current", "device", "kind", "made", "name", "seen"],
    ]);
    assert.deepEqual(devices.map(({ name }) => name).sort(), ["", "Bot in the cellar"]);

    const left = await ana.ask({ do: "revoke-device", device });
    assert.deepEqual((left["devices"] as Line[]).map(({ current }) => current), [true]);
    await second.next(({ event, state }) => event === "connection" && state === "removed");
    assert.equal(await second.quit(), 0);
    const again = open("second");
    const empty = await again.ask({ do: "open" });
    assert.deepEqual([empty.event, empty["code"]], ["error", "no-device"]);
    assert.equal(await again.quit(), 0);
    const gone = await ana.ask({ do: "revoke-device", device });
    assert.deepEqual([gone.event, gone["code"]], ["error", "bad-input"]);
    assert.equal(await ana.quit(), 0);
  }));
