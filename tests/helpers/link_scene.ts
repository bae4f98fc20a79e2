/** A new device and one that is signed in, at real accounts, with whatever bends their calls on the way. */
import assert from "node:assert/strict";
import { type LinkApproval, takeLinkCode } from "../../client/link_approving.ts";
import { type LinkWait, waitForLink } from "../../client/link_waiting.ts";
import { proveByPassword } from "../../client/passkeys.ts";
import type { Api } from "../../client/transport.ts";
import type { Outcome } from "../../client/types.ts";
import type { Schema } from "../../protocol/codec.ts";
import type { Bytes } from "../../protocol/encoding.ts";
import { makeWorld, Visitor, type World } from "./account_world.ts";
import { type Guarded, quickPassword, signUpGuarded } from "./guarded.ts";
import { must } from "./people_world.ts";

export const browser = (world: World): Visitor => new Visitor(world, "browser");
export const codeOf = (outcome: Outcome<unknown>): string => outcome.ok ? "done" : outcome.code;

/** Calls of a visitor, some of them bent on their way by the server. */
export function bent(api: Api, bend: (path: string, body: Bytes | null) => unknown): Api {
  return new Proxy(api, {
    get(target, name) {
      if (name === "ask") {
        return async <T>(path: string, body: Bytes | null, schema: Schema<T>) => {
          const sent = bend(path, body) as Bytes | null | undefined;
          return await target.ask(path, sent === undefined ? body : sent, schema);
        };
      }
      const own: unknown = Reflect.get(target, name, target);
      return typeof own === "function" ? own.bind(target) : own;
    },
  });
}

export interface Scene {
  readonly world: World;
  readonly ana: Guarded;
  readonly fresh: Visitor;
  readonly wait: LinkWait;
}

export async function scene(bend?: Parameters<typeof bent>[1]): Promise<Scene> {
  const world = await makeWorld();
  const ana = await signUpGuarded(world, "ana");
  const fresh = browser(world);
  const api = bend ? bent(fresh.api, bend) : fresh.api;
  const { now } = world.clock;
  const wait = must(await waitForLink({ api, kind: "browser", mode: "portable", now }));
  return { world, ana, fresh, wait };
}

export const take = ({ ana }: Pick<Scene, "ana">, typed: string): Promise<Outcome<LinkApproval>> =>
  takeLinkCode({ api: ana.visitor.api, store: ana.store }, typed);

/** Both have met, and the digits were typed. Returns what waits for the password. */
export async function met(one: Scene, typed = one.wait.code): Promise<LinkApproval> {
  const approval = must(await take(one, typed));
  assert.equal(must(await approval.isMet()), false);
  const news = must(await one.wait.look());
  assert.ok(news.state === "met" && news.username === "ana");
  assert.ok(must(await approval.isMet()));
  must(await approval.compare(`${news.check.slice(0, 3)} ${news.check.slice(3)}`));
  return approval;
}

export async function approve({ ana }: Scene, approval: LinkApproval): Promise<Outcome<null>> {
  const door = must(await proveByPassword({ api: ana.visitor.api }, quickPassword, ana.password));
  return await approval.approve(door);
}

export const devicesOf = async ({ world, ana }: Scene): Promise<number> =>
  (await world.deps.store.devices.named(ana.account)).length;
