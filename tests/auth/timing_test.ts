/** Slow and only as steady as the machine: run with SNUG_SLOW=1. */
import assert from "node:assert/strict";
import { client as opaque, ready } from "@serenity-kit/opaque";
import { makeWorld, value, Visitor, type World } from "../helpers/account_world.ts";
import { signUp } from "../helpers/members.ts";

const PAIRS = 60;
const roomy = { passwordTries: 10_000, passwordTriesPerIp: 10_000, codesPerIpHour: 10_000 };
const slow = { ignore: Deno.env.get("SNUG_SLOW") !== "1" };

const often = {
  ...roomy,
  codesPerAddressHour: 10_000,
  codeResendSeconds: 0,
  nameChecksPerIpHour: 10_000,
};

/** How far apart two samples are (Mann-Whitney U, normal approximation). */
function mannWhitney(a: readonly number[], b: readonly number[]): number {
  const all = [
    ...a.map((time) => ({ time, first: true })),
    ...b.map((time) => ({ time, first: false })),
  ]
    .sort((x, y) => x.time - y.time);
  const ranks = all.reduce((sum, { first }, i) => first ? sum + i + 1 : sum, 0);
  const u = ranks - a.length * (a.length + 1) / 2;
  const spread = Math.sqrt(a.length * b.length * (a.length + b.length + 1) / 12);
  return (u - a.length * b.length / 2) / spread;
}

/** Takes turns, so that a busy machine slows both down alike. */
async function compare(
  one: () => Promise<unknown>,
  other: () => Promise<unknown>,
): Promise<number> {
  const time = async (work: () => Promise<unknown>) => {
    const started = performance.now();
    await work();
    return performance.now() - started;
  };
  const [a, b]: [number[], number[]] = [[], []];
  for (let i = 0; i < 10; i++) await one(), await other();
  for (let i = 0; i < PAIRS; i++) {
    const swapped = i % 2 === 1;
    const [x, y] = swapped ? [other, one] : [one, other];
    const [first, second] = [await time(x), await time(y)];
    (swapped ? b : a).push(first);
    (swapped ? a : b).push(second);
  }
  return mannWhitney(a, b);
}

async function wrongSignIn(world: World, username: string): Promise<void> {
  const { startLoginRequest } = opaque.startLogin({ password: "wrong" });
  const visitor = new Visitor(world);
  const { attempt } = value(await visitor.api.signIn(username, startLoginRequest));
  await visitor.api.finishSignIn({ attempt, finish: "A".repeat(86) });
}

Deno.test({
  name: "attack: a known name and an unknown one take the same time to be refused",
  ...slow,
  async fn() {
    const world = await makeWorld({ limits: roomy });
    await signUp(world, "ana");
    await ready;
    const z = await compare(
      () => wrongSignIn(world, "ana"),
      () => wrongSignIn(world, "nobody_here"),
    );
    assert.ok(Math.abs(z) < 4, `z = ${z}`);
    world.close();
  },
});

Deno.test({
  name: "attack: a used e-mail address and a new one take the same time",
  ...slow,
  async fn() {
    const world = await makeWorld({ limits: often });
    await signUp(world, "ana");
    const form = { username: "eve", fullName: "Eve" };
    const begin = (contact: string) => new Visitor(world).api.signUp({ ...form, contact });
    const z = await compare(() => begin("ana@example.org"), () => begin("eve@example.org"));
    assert.ok(Math.abs(z) < 4, `z = ${z}`);
    world.close();
  },
});

Deno.test({
  name: "attack: a forgotten password of somebody and of nobody take the same time",
  ...slow,
  async fn() {
    const world = await makeWorld({ limits: often });
    await signUp(world, "ana");
    const begin = (contact: string) => new Visitor(world, "browser").form("/forgot", { contact });
    const z = await compare(() => begin("ana@example.org"), () => begin("eve@example.org"));
    assert.ok(Math.abs(z) < 4, `z = ${z}`);
    world.close();
  },
});

Deno.test({
  name:
    "attack: another code, and a wrong one, take the same time for an address with an account and without",
  ...slow,
  async fn() {
    const world = await makeWorld({ limits: { ...often, codeTries: 20 } });
    await signUp(world, "ana");
    for (const page of ["/sign-up", "/forgot"]) {
      const waiting = async (contact: string) => {
        const visitor = new Visitor(world, "browser");
        const form = page === "/forgot" ? { contact } : { username: "eve", fullName: "E", contact };
        assert.equal((await visitor.form(page, form)).status, 200);
        return visitor;
      };
      const [known, unknown] = [await waiting("ana@example.org"), await waiting("eve@example.org")];
      const again = (visitor: Visitor) => visitor.form(`${page}/resend`, {});
      const more = await compare(() => again(known), () => again(unknown));
      assert.ok(Math.abs(more) < 4, `${page}, another code: z = ${more}`);
      // A code that is not theirs; the tries begin again with each new code, so it is never locked.
      const guess = async (visitor: Visitor) => {
        const { status } = await visitor.form(`${page}/code`, { code: "000000" });
        assert.equal(status, 422);
      };
      const paced = async (visitor: Visitor) => {
        await again(visitor);
        await guess(visitor);
      };
      const wrong = await compare(() => paced(known), () => paced(unknown));
      assert.ok(Math.abs(wrong) < 4, `${page}, a wrong code: z = ${wrong}`);
    }
    world.close();
  },
});

Deno.test({
  name:
    "attack: moving to an address that has an account and to one that has none take the same time",
  ...slow,
  async fn() {
    const world = await makeWorld({ limits: often });
    const ana = await signUp(world, "ana", new Visitor(world, "browser"));
    await signUp(world, "ben");
    const begin = (contact: string) => ana.visitor.form("/settings/contact", { contact });
    const z = await compare(() => begin("ben@example.org"), () => begin("eve@example.org"));
    assert.ok(Math.abs(z) < 4, `z = ${z}`);
    world.close();
  },
});
