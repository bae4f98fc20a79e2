/** A new device through one that is signed in, against real accounts: and whoever stands in between. */
import assert from "node:assert/strict";
import { takeLinkCode } from "../../client/link_approving.ts";
import { waitForLink } from "../../client/link_waiting.ts";
import { addPasskey, proveByPasskey, proveByPassword } from "../../client/passkeys.ts";
import { type Contact, type MeRecord, META } from "../../client/records.ts";
import { removeOwnDevice } from "../../client/settings_devices.ts";
import { MemoryStore } from "../../client/store_memory.ts";
import type { Api } from "../../client/transport.ts";
import { makeDevicePairs } from "../../crypto/account.ts";
import {
  bindKeys,
  linkSecret,
  makeLinkCode,
  makeLinkPairs,
  parseLinkCode,
} from "../../crypto/device_link.ts";
import { randomBytes } from "../../crypto/random.ts";
import { verifyDeviceList } from "../../protocol/bundle.ts";
import { decode, encode, type Schema } from "../../protocol/codec.ts";
import type { Bytes } from "../../protocol/encoding.ts";
import {
  LINK_MS,
  type LinkBound,
  linkDone,
  type LinkKeys,
  linkOfferRequest,
  linkOpened,
  linkOpenRequest,
  linkWaitAnswer,
  linkWaitRequest,
} from "../../protocol/link_api.ts";
import { ORIGIN, value, Visitor } from "../helpers/account_world.ts";
import { flowAt, quickPassword, signInAt, signUpGuarded } from "../helpers/guarded.ts";
import {
  approve,
  bent,
  browser,
  codeOf,
  devicesOf,
  met,
  type Scene,
  scene,
  take,
} from "../helpers/link_scene.ts";
import { must } from "../helpers/people_world.ts";
import { softAuthenticator } from "../helpers/soft_authenticator.ts";

for (const how of ["typed", "scanned"] as const) {
  Deno.test(`a device is linked by its code, ${how}, and is told of by letter`, async () => {
    const one = await scene();
    const approval = await met(
      one,
      how === "typed" ? one.wait.code.toLowerCase() : one.wait.address,
    );
    assert.equal(approval.code, one.wait.code);
    must(await approve(one, approval));
    assert.equal(await devicesOf(one), 1, "nobody is listed before it is there");
    assert.deepEqual(must(await one.wait.look()), { state: "handed" });
    const store = new MemoryStore();
    const entered = must(await one.wait.enter(flowAt(one.fresh, store)));
    assert.deepEqual([entered.username, entered.known], ["ana", false]);
    assert.equal(await devicesOf(one), 2);
    value(await one.fresh.api.me());
    assert.deepEqual(
      [...(await store.list<{ id: string }>("device", { prefix: "archive/" })).map((r) =>
        r.value.id
      )],
      [...(await one.ana.store.list<{ id: string }>("device", { prefix: "archive/" }))
        .map((r) => r.value.id)],
      "it has the archive's keys",
    );
    assert.ok(one.world.mailer.letters.at(-1)!.subject.includes("new device"));
    assert.deepEqual(one.world.listChanges.at(-1), [one.ana.account, 2]);
    one.world.close();
  });
}

/** Keys of a device that never showed any code. */
async function foreignKeys(): Promise<LinkKeys> {
  const [device, pairs] = [await makeDevicePairs("portable"), await makeLinkPairs()];
  const [sign, agree] = [device.sign.public, device.agree.public];
  return { sign, agree, ephemeral: pairs.ephemeral.public, kem: pairs.kem.public };
}

/** The signed-in side's calls to a server that shows other keys than it was given. */
function showing(api: Api, bend: (bound: LinkBound) => LinkBound): Api {
  return new Proxy(api, {
    get(target, name) {
      if (name !== "ask") return Reflect.get(target, name, target);
      return async <T>(path: string, body: Bytes, schema: Schema<T>) => {
        const answer = await target.ask(path, body, schema);
        if (path !== "/settings/link/look" || !answer.ok) return answer;
        const { bound } = answer.value as { bound: LinkBound };
        return { ok: true, value: { ...answer.value, bound: bend(bound) } };
      };
    },
  });
}

Deno.test("attack: the server puts its own keys in the place of the new device's", async () => {
  const one = await scene();
  const keys = await foreignKeys();
  const guessed = await bindKeys(await linkSecret(makeLinkCode(), ORIGIN), keys);
  const bends: ((bound: LinkBound) => LinkBound)[] = [
    ({ mac }) => ({ keys, mac }),
    () => guessed,
    ({ keys: real, mac }) => ({ keys: { ...real, sign: keys.sign }, mac }),
    ({ keys: real, mac }) => ({ keys: { ...real, ephemeral: keys.ephemeral }, mac }),
    ({ keys: real, mac }) => ({ keys: { ...real, kem: keys.kem }, mac }),
  ];
  for (const bend of bends) {
    const api = showing(one.ana.visitor.api, bend);
    for (const typed of [one.wait.code, one.wait.address]) {
      const taken = await takeLinkCode({ api, store: one.ana.store }, typed);
      assert.equal(codeOf(taken), "untrusted-server");
    }
  }
  assert.deepEqual(must(await one.wait.look()), { state: "waiting" }, "it was told nothing");
  assert.equal(await devicesOf(one), 1);
  one.world.close();
});

Deno.test("attack: who photographed the code but is not the device that showed it is found by the picture", async () => {
  const one = await scene();
  const secret = await linkSecret(parseLinkCode(one.wait.code)!.code, ORIGIN);
  const bound = await bindKeys(secret, await foreignKeys());
  const order = encode(linkOpenRequest, {
    ...{ request: secret.request, waiter: randomBytes(32), bound },
  });
  const opened = await browser(one.world).api.ask("/sign-in/link/open", order, linkOpened);
  assert.ok(!opened.ok, "a request is not taken over by the same id");
  const api = showing(one.ana.visitor.api, () => bound);
  const scanned = await takeLinkCode({ api, store: one.ana.store }, one.wait.address);
  assert.equal(codeOf(scanned), "untrusted-server");
  one.world.close();
});

Deno.test("attack: a server that tells the new device of another account is not believed", async () => {
  const one = await scene();
  const ben = await signUpGuarded(one.world, "ben");
  // Ben's browser knows the request, as the server does, and not the code.
  const { request } = await linkSecret(parseLinkCode(one.wait.code)!.code, ORIGIN);
  const { now } = one.world.clock;
  const { api: fresh } = browser(one.world);
  const other = must(await waitForLink({ api: fresh, kind: "browser", mode: "portable", now }));
  const api = bent(ben.visitor.api, (path, body) => {
    if (path !== "/settings/link/offer") return undefined;
    return encode(linkOfferRequest, { ...decode(linkOfferRequest, body!), request });
  });
  must(await takeLinkCode({ api, store: ben.store }, other.code));
  assert.equal(codeOf(await one.wait.look()), "untrusted-server");
  assert.equal(codeOf(await one.wait.enter(flowAt(one.fresh))), "not-available");
  one.world.close();
});

Deno.test("attack: who saw the code signs the new device in to another account, under the owner's name", async () => {
  for (const name of ["ana", "ana (yours)"]) {
    const one = await scene();
    const ben = await signUpGuarded(one.world, "ben");
    const me = (await ben.store.get<MeRecord>("meta", META.me))!;
    await ben.store.commit([{ table: "meta", key: META.me, value: { ...me, username: name } }]);
    if (name !== "ana") {
      must(await take({ ana: ben }, one.wait.code));
      assert.equal(codeOf(await one.wait.look()), "untrusted-server", "nobody has such a name");
      one.world.close();
      continue;
    }
    const asBen = { ...one, ana: ben };
    must(await approve(asBen, await met(asBen)));
    must(await one.wait.look());
    const store = new MemoryStore();
    const entered = await one.wait.enter(flowAt(one.fresh, store));
    assert.ok(!entered.ok && /@ana.*@ben/.test(entered.words), JSON.stringify(entered));
    assert.equal(await store.get("meta", META.me), undefined);
    assert.equal(await store.get("device", "keys"), undefined);
    assert.equal(await devicesOf(asBen), 1, "it has taken itself out again");
    assert.ok(!(await one.fresh.api.me()).ok, "and is signed in nowhere");
    one.world.close();
  }
});

Deno.test("attack: digits that were not read from the new device end the link after three tries", async () => {
  const one = await scene();
  const approval = must(await take(one, one.wait.code));
  const news = must(await one.wait.look());
  assert.ok(news.state === "met");
  must(await approval.isMet());
  const wrong = news.check === "000000" ? "000001" : "000000";
  const tried = [];
  for (let i = 0; i < 4; i++) tried.push(codeOf(await approval.compare(wrong)));
  assert.deepEqual(tried, ["bad-code", "bad-code", "code-expired", "code-expired"]);
  assert.equal(codeOf(await approval.compare(news.check)), "code-expired");
  assert.equal(codeOf(await approve(one, approval)), "bad-code");
  assert.ok(!(await one.wait.look()).ok, "the request is gone");
  assert.equal(await devicesOf(one), 1);
  one.world.close();
});

Deno.test("attack: what was handed over once is handed over to nobody a second time", async () => {
  const waits: Bytes[] = [];
  const handed: Bytes[] = [];
  const two = await scene((path, body) => {
    if (path === "/sign-in/link/wait") waits.push(body!);
    return undefined;
  });
  const api = bent(two.ana.visitor.api, (path, body) => {
    if (path === "/settings/link/hand") handed.push(body!);
    return undefined;
  });
  const spied: Scene = {
    ...two,
    ana: { ...two.ana, visitor: { ...two.ana.visitor, api } as Visitor },
  };
  must(await approve(spied, await met(spied)));
  must(await two.wait.look());
  const thief = browser(two.world);
  const again = await thief.api.ask("/sign-in/link/wait", waits.at(-1)!, linkWaitAnswer);
  assert.ok(!again.ok && again.status === 404);
  const replayed = await two.ana.visitor.api.ask("/settings/link/hand", handed[0]!, linkDone);
  assert.ok(!replayed.ok, "its proof is used up");
  must(await two.wait.enter(flowAt(two.fresh)));
  assert.equal(await devicesOf(two), 2);
  two.world.close();
});

Deno.test("attack: who knows a request but not what its device carries learns nothing of it", async () => {
  const one = await scene();
  must(await approve(one, await met(one)));
  const { request } = await linkSecret(parseLinkCode(one.wait.code)!.code, ORIGIN);
  const body = encode(linkWaitRequest, { request, waiter: randomBytes(32) });
  const asked = await browser(one.world).api.ask("/sign-in/link/wait", body, linkWaitAnswer);
  assert.ok(!asked.ok && asked.status === 404);
  must(
    await one.wait.enter(flowAt(one.fresh)).then(async (early) => {
      assert.equal(codeOf(early), "not-available", "it has not looked yet");
      must(await one.wait.look());
      return await one.wait.enter(flowAt(one.fresh));
    }),
  );
  one.world.close();
});

Deno.test("a request is somebody's from the first offer on, and over after ten minutes", async () => {
  const one = await scene();
  const ben = await signUpGuarded(one.world, "ben");
  const approval = must(await take(one, one.wait.code));
  const other = await takeLinkCode({ api: ben.visitor.api, store: ben.store }, one.wait.code);
  assert.ok(!other.ok && /no such request/.test(other.words));
  one.world.clock.forward(LINK_MS);
  assert.ok(!(await one.wait.look()).ok);
  assert.ok(!(await approval.isMet()).ok);
  one.world.close();
});

Deno.test("attack: a login that ended since it said yes vouches for nobody", async () => {
  const one = await scene();
  must(await approve(one, await met(one)));
  await one.ana.visitor.request("/sign-out", { method: "POST" });
  const news = await one.wait.look();
  assert.ok(!news.ok);
  assert.equal(await devicesOf(one), 1);
  one.world.close();
});

Deno.test("attack: a device's own login, without a sign-in by password, links nothing", async () => {
  const one = await scene();
  const stranger = browser(one.world);
  const taken = await takeLinkCode({ api: stranger.api, store: one.ana.store }, one.wait.code);
  assert.equal(codeOf(taken), "signed-out");
  one.world.close();
});

Deno.test("attack: an older list that the server shows is not signed on from", async () => {
  const one = await scene();
  must(await approve(one, await met(one)));
  must(await one.wait.look());
  must(await one.wait.enter(flowAt(one.fresh)));
  const { account, store, visitor, password } = one.ana;
  const entries = await one.world.deps.store.devices.entries(account, 0, 100);
  const contact = (await store.get<Contact>("accounts", account))!;
  const list = await verifyDeviceList(account, entries);
  await store.commit([{ table: "accounts", key: account, value: { ...contact, list } }]);
  const { now } = one.world.clock;
  const { api } = browser(one.world);
  const wait = must(await waitForLink({ api, kind: "browser", mode: "portable", now }));
  const approval = await met({ ...one, wait });
  const door = must(await proveByPassword({ api: visitor.api }, quickPassword, password));
  const old = { ...door.proven, entries: entries.slice(0, 1) };
  assert.equal(codeOf(await approval.approve({ ...door, proven: old })), "untrusted-server");
  assert.deepEqual(must(await wait.look()).state, "met");
  assert.equal(await devicesOf(one), 2);
  one.world.close();
});

Deno.test("a passkey that opens the vault links a device too", async () => {
  const one = await scene();
  const authenticator = softAuthenticator();
  const parts = { api: one.ana.visitor.api, authenticator };
  const { password } = one.ana;
  const first = must(await proveByPassword(parts, quickPassword, password));
  must(await addPasskey(parts, "Phone", first));
  const approval = await met(one);
  must(await approval.approve(must(await proveByPasskey(parts))));
  must(await one.wait.look());
  must(await one.wait.enter(flowAt(one.fresh)));
  assert.equal(await devicesOf(one), 2);
  one.world.close();
});

Deno.test("what is no code is said to be none, and a wrong one finds nothing", async () => {
  const one = await scene();
  for (const typed of ["", "hello", "ABCD-EFGH", `${one.wait.code}.short`, `${one.wait.code}A`]) {
    assert.equal(codeOf(await take(one, typed)), "bad-code", typed);
  }
  const nobody = await take(one, "0000-0000-0000-0000");
  assert.ok(!nobody.ok && /no such request/.test(nobody.words));
  one.world.close();
});

Deno.test("a ninth device is refused in words, and goes on once there is room", async () => {
  const one = await scene();
  const approval = await met(one);
  for (let i = 0; i < 7; i++) assert.ok((await signInAt(new Visitor(one.world), one.ana)).ok);
  const full = await approve(one, approval);
  assert.ok(!full.ok && full.code === "not-available");
  assert.match(full.words, /eight devices\. Remove one first/);
  assert.equal(await devicesOf(one), 8);
  const away = (await one.world.deps.store.devices.named(one.ana.account))
    .find(({ kind }) => kind === "terminal")!;
  const { api } = one.ana.visitor;
  must(await removeOwnDevice({ api, store: one.ana.store }, away.device));
  must(await approve(one, approval));
  assert.deepEqual(must(await one.wait.look()), { state: "handed" });
  must(await one.wait.enter(flowAt(one.fresh, new MemoryStore())));
  assert.equal(await devicesOf(one), 8);
});
