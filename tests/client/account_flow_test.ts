/** Becoming a device while the server lies or the network goes away, against real accounts. */
import assert from "node:assert/strict";
import { type FlowParts, signIn } from "../../client/account_flow.ts";
import { type Contact, type MeRecord, META } from "../../client/records.ts";
import { MemoryStore } from "../../client/store_memory.ts";
import type { Api } from "../../client/transport.ts";
import { verifyDeviceList } from "../../protocol/bundle.ts";
import { makeWorld, value, Visitor } from "../helpers/account_world.ts";
import { flowAt, signInAt, signUpGuarded } from "../helpers/guarded.ts";

/** The visitor's calls, some of them bent. */
function bent(visitor: Visitor, store: MemoryStore, how: (api: Api) => Partial<Api>): FlowParts {
  const { api } = visitor;
  const bends: Partial<Record<PropertyKey, unknown>> = how(api);
  const proxy = new Proxy(api, {
    get(target, name) {
      if (Object.hasOwn(bends, name)) return bends[name];
      const own: unknown = Reflect.get(target, name, target);
      return typeof own === "function" ? own.bind(target) : own;
    },
    set: (target, name, to) => Reflect.set(target, name, to, target),
  });
  return { ...flowAt(visitor, store), api: proxy };
}

Deno.test("attack: a store that knows a newer own list signs no older one that the server shows", async () => {
  const world = await makeWorld();
  const ana = await signUpGuarded(world, "ana");
  assert.ok((await signInAt(new Visitor(world, "browser"), ana)).ok);
  const { entries } = value(await ana.visitor.api.account(ana.account));
  assert.equal(entries.length, 2);
  const list = await verifyDeviceList(ana.account, entries);
  const contact = (await ana.store.get<Contact>("accounts", ana.account))!;
  const me = (await ana.store.get<MeRecord>("meta", META.me))!;
  await ana.store.commit([
    { table: "accounts", key: ana.account, value: { ...contact, list, required: list.version } },
    // A restored store: signing in makes it a new device, and the account key signs a new list.
    { table: "meta", key: META.me, value: { ...me, state: "restored" } },
  ]);
  let added = 0;
  const visitor = new Visitor(world, "browser");
  const lying = bent(visitor, ana.store, (api) => ({
    async finishSignIn(request) {
      const answer = await api.finishSignIn(request);
      if (!answer.ok || answer.value.next !== "device") return answer;
      return { ok: true, value: { ...answer.value, entries: answer.value.entries.slice(0, 1) } };
    },
    addDevice(request) {
      added++;
      return api.addDevice(request);
    },
  }));
  const outcome = await signIn(lying, ana);
  assert.ok(!outcome.ok && outcome.code === "untrusted-server");
  assert.equal(added, 0, "nothing was signed for the server to keep");
  const honest = await signIn(flowAt(new Visitor(world, "browser"), ana.store), ana);
  assert.ok(honest.ok && "known" in honest.value && !honest.value.known);
  world.close();
});
