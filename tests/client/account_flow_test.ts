/** Becoming a device while the server lies or the network goes away, against real accounts. */
import assert from "node:assert/strict";
import { finishSignUp, type FlowParts, signIn } from "../../client/account_flow.ts";
import { type Contact, type MeRecord, META } from "../../client/records.ts";
import { MemoryStore } from "../../client/store_memory.ts";
import type { Api } from "../../client/transport.ts";
import type { DeviceKeys } from "../../crypto/account.ts";
import { parseRecoveryKey } from "../../crypto/recovery_key.ts";
import { unwrapVaultKey } from "../../crypto/vault.ts";
import { verifyDeviceList } from "../../protocol/bundle.ts";
import type { Bytes } from "../../protocol/encoding.ts";
import { makeWorld, value, Visitor } from "../helpers/account_world.ts";
import { confirmContact } from "../helpers/members.ts";
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

/** Ana's first store, restored from a copy, and knowing the list with her second device in it. */
async function restored() {
  const world = await makeWorld();
  const ana = await signUpGuarded(world, "ana");
  assert.ok((await signInAt(new Visitor(world, "browser"), ana)).ok);
  const { entries } = value(await ana.visitor.api.account(ana.account));
  assert.equal(entries.length, 2);
  const list = await verifyDeviceList(ana.account, entries);
  const contact = (await ana.store.get<Contact>("accounts", ana.account))!;
  const me = (await ana.store.get<MeRecord>("meta", META.me))!;
  await ana.store.commit([
    { table: "accounts", key: ana.account, value: { ...contact, list } },
    { table: "meta", key: META.me, value: { ...me, state: "restored" } },
  ]);
  return { world, ana };
}

/** A sign-in whose server shows the list as it was before the second device. */
function shownOlder(visitor: Visitor, store: MemoryStore, offered: { count: number }): FlowParts {
  return bent(visitor, store, (api) => ({
    async finishSignIn(request) {
      const answer = await api.finishSignIn(request);
      if (!answer.ok || answer.value.next !== "device") return answer;
      return { ok: true, value: { ...answer.value, entries: answer.value.entries.slice(0, 1) } };
    },
    addDevice(request) {
      offered.count++;
      return api.addDevice(request);
    },
  }));
}

/** A sign-in that the server breaks off at its last step. */
function brokenOff(visitor: Visitor, store: MemoryStore): FlowParts {
  const refusal = {
    ok: false,
    status: 409,
    code: "stale-list",
    words: "",
    retryAfter: null,
  } as const;
  return bent(visitor, store, () => ({ addDevice: () => Promise.resolve(refusal) }));
}

Deno.test("attack: a store that knows a newer own list signs no older one that the server shows", async () => {
  const { world, ana } = await restored();
  const visitor = () => new Visitor(world, "browser");
  const offered = { count: 0 };
  const outcome = await signIn(shownOlder(visitor(), ana.store, offered), ana);
  assert.ok(!outcome.ok && outcome.code === "untrusted-server");
  // Nor after a first try that the server broke off.
  assert.ok(!(await signIn(brokenOff(visitor(), ana.store), ana)).ok);
  const later = await signIn(shownOlder(visitor(), ana.store, offered), ana);
  assert.ok(!later.ok && later.code === "untrusted-server");
  assert.equal(offered.count, 0, "nothing was signed for the server to keep");
  const honest = await signIn(flowAt(visitor(), ana.store), ana);
  assert.ok(honest.ok && "known" in honest.value && !honest.value.known);
  world.close();
});

Deno.test("attack: messages stay their owner's when a sign-in breaks off; another account is refused the store", async () => {
  const { world, ana } = await restored();
  const ben = await signUpGuarded(world, "ben");
  assert.ok(!(await signIn(brokenOff(new Visitor(world, "browser"), ana.store), ana)).ok);
  const outcome = await signIn(flowAt(new Visitor(world, "browser"), ana.store), ben);
  assert.ok(!outcome.ok && outcome.code === "not-available");
  assert.match(outcome.words, /@ana's messages/);
  world.close();
});

for (const taken of [true, false]) {
  const what = taken ? "of an account that was made" : "before the request arrived";
  Deno.test(`a sign-up whose last answer is lost, ${what}, goes on and shows the key that opens the vault`, async () => {
    const world = await makeWorld();
    const visitor = new Visitor(world, "browser");
    const form = {
      account: await confirmContact(visitor, "ana"),
      username: "ana",
      fullName: "Ana",
    };
    const sealed: Bytes[] = [];
    let lost = 0;
    const parts = bent(visitor, new MemoryStore(), (api) => ({
      async createAccount(request) {
        sealed.push(request.vault.wraps.find(({ kind }) => kind === "recovery")!.sealed);
        if (lost++ > 0) return await api.createAccount(request);
        if (taken) value(await api.createAccount(request));
        return { ok: false, status: 0, code: "offline", words: "", retryAfter: null };
      },
    }));
    const password = "the long password of ana";
    assert.ok(!(await finishSignUp(parts, { ...form, password })).ok);
    const again = await finishSignUp(parts, { ...form, password });
    assert.ok(again.ok, again.ok ? "" : again.words);
    assert.equal(sealed.length, taken ? 1 : 2);
    const key = await parseRecoveryKey(again.value.recoveryKey);
    const { aik } = (await parts.store.get<DeviceKeys>("device", "keys"))!;
    const owner = { account: form.account, aik };
    assert.ok(key.ok);
    assert.equal((await unwrapVaultKey(sealed.at(-1)!, key.key, "recovery", owner)).length, 32);
    assert.equal(value(await visitor.api.me()).device, again.value.device);
    assert.equal((await parts.store.get<MeRecord>("meta", META.me))?.state, "active");
    world.close();
  });
}
