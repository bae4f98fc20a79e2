/** The end of a link at the new device: what was lost, changed or there already meanwhile. */
import assert from "node:assert/strict";
import { waitForLink } from "../../client/link_waiting.ts";
import { type MeRecord, META } from "../../client/records.ts";
import { MemoryStore } from "../../client/store_memory.ts";
import type { Api } from "../../client/transport.ts";
import { value } from "../helpers/account_world.ts";
import { flowAt, signInAt } from "../helpers/guarded.ts";
import { approve, browser, codeOf, devicesOf, met, scene } from "../helpers/link_scene.ts";
import { must } from "../helpers/people_world.ts";

Deno.test("a device that is added while a link waits for its new device ends the link, and the server is not blamed", async () => {
  const one = await scene();
  must(await approve(one, await met(one)));
  assert.ok((await signInAt(browser(one.world), one.ana)).ok);
  must(await one.wait.look());
  const store = new MemoryStore();
  const entered = await one.wait.enter(flowAt(one.fresh, store));
  assert.equal(codeOf(entered), "code-expired");
  assert.equal(await store.get("meta", META.me), undefined);
  assert.equal(await devicesOf(one), 2);
  one.world.close();
});

Deno.test("a device that links itself once more is the one it was: nothing is added, and its sessions stay", async () => {
  const one = await scene();
  must(await approve(one, await met(one)));
  must(await one.wait.look());
  const store = new MemoryStore();
  const { device } = must(await one.wait.enter(flowAt(one.fresh, store)));
  await store.commit([{ table: "sessions", key: "with Ben", value: 1 }]);
  const fresh = browser(one.world);
  const { now } = one.world.clock;
  const wait = must(
    await waitForLink({ api: fresh.api, kind: "browser", mode: "portable", now }),
  );
  const again = { ...one, fresh, wait };
  must(await approve(again, await met(again)));
  must(await wait.look());
  const entered = must(await wait.enter(flowAt(fresh, store)));
  assert.deepEqual([entered.device, entered.known], [device, true]);
  assert.equal(await store.get("sessions", "with Ben"), 1);
  assert.equal(value(await fresh.api.me()).device, device);
  assert.equal(await devicesOf(one), 2);
  one.world.close();
});

for (const lost of ["question", "answer"] as const) {
  Deno.test(`a link whose last ${lost} is lost is gone on with, and leaves no second device`, async () => {
    const one = await scene();
    must(await approve(one, await met(one)));
    must(await one.wait.look());
    const store = new MemoryStore();
    const { api } = one.fresh;
    const silent = new Proxy(api, {
      get(target, name) {
        const own: unknown = Reflect.get(target, name, target);
        if (name !== "addDevice") return typeof own === "function" ? own.bind(target) : own;
        return async (request: Parameters<Api["addDevice"]>[0]) => {
          if (lost === "answer") await target.addDevice(request);
          const words = "The server cannot be reached.";
          return { ok: false, status: 0, code: "offline", words, retryAfter: null };
        };
      },
    });
    const flow = flowAt(one.fresh, store);
    assert.equal(codeOf(await one.wait.enter({ ...flow, api: silent })), "offline");
    const { device } = must(await one.wait.enter(flow));
    assert.equal((await store.get<MeRecord>("meta", META.me))!.state, "active");
    assert.equal(value(await api.me()).device, device);
    assert.equal(await devicesOf(one), 2);
    one.world.close();
  });
}
