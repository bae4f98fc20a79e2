/**
 * The people of the route matrix: one database with everybody in it, copied for each request, so
 * that no request sees what another one did.
 */
import assert from "node:assert/strict";
import { COMMAND_LINE } from "../../auth/mod.ts";
import { readConfig } from "../../config.ts";
import { silentLog } from "../../log.ts";
import { Meter } from "../../hub/meter.ts";
import { hashOf } from "../../auth/digest.ts";
import { CBOR_TYPE } from "../../protocol/api.ts";
import { encode } from "../../protocol/codec.ts";
import { fromBase64Url } from "../../protocol/encoding.ts";
import type { AccountId, DeviceId, Id, RoomId } from "../../protocol/ids.ts";
import { reportRequest } from "../../protocol/reports.ts";
import type { RoomEntry } from "../../protocol/room.ts";
import { makeApp } from "../../serve.ts";
import manifest from "../../static/dist/assets.json" with { type: "json" };
import { makeWorld, ORIGIN, value, Visitor, type World } from "./account_world.ts";
import { type Member, renew, signInAgain, signUp } from "./members.ts";
import type { Owner } from "./owners.ts";
import { TestRoom } from "./room_world.ts";

/**
 * Who asks. `member` owns the objects that paths and bodies name; `partial` is the same person with
 * the password right and the second factor pending; `device` a second device of theirs with a login
 * that its key renewed; `other` somebody else with an account; `disabled` somebody whom an admin has
 * switched off, still carrying the login of before.
 */
export const ROLES = [
  "anonymous",
  "partial",
  "member",
  "other",
  "device",
  "admin",
  "disabled",
] as const;
export type Role = typeof ROLES[number];

/** What paths and bodies name: all of it is the member's. */
export interface Things {
  readonly account: AccountId;
  readonly username: string;
  readonly device: DeviceId;
  /** The member's login, as lists name it. */
  readonly login: string;
  readonly room: RoomId;
  readonly lookup: Id<"lookup">;
  /** The next entry of the room's log, signed by the member's first device. */
  readonly nextEntry: RoomEntry;
  /** Made by somebody else about the member. */
  readonly report: string;
}

/** Everybody, and how to become one of them. */
export interface RoleWorld {
  readonly things: Things;
  /** The real application's routes. */
  readonly routes: readonly { readonly method: string; readonly path: string }[];
  /** Paths of embedded files, which everybody may read. */
  readonly files: ReadonlySet<string>;
  /** A copy of the server, and a browser in it that carries what the role has. */
  enter(role: Role): Promise<{ readonly world: World; readonly visitor: Visitor }>;
  close(): void;
}

/** Signs everybody up. */
export async function makeRoleWorld(): Promise<RoleWorld> {
  const folder = await Deno.makeTempDir({ prefix: "snug-roles-" });
  const original = `${folder}/original.db`;
  const world = quick(await makeWorld({ path: original }));
  const browser = () => new Visitor(world, "browser");
  const admin = await signUp(world, "olga", browser());
  const member = await signUp(world, "ana", browser());
  const other = await signUp(world, "ben", browser());
  const things = { ...await makeThings(world, member), report: await reportOn(other, member) };
  const device = await signInAgain(member, browser());
  value(await renew(device.visitor, device.keys));
  const disabled = await signUp(world, "dora", browser());
  value(await disabled.visitor.api.me());
  const done = await world.auth.admin.act(COMMAND_LINE, "disable", disabled.account);
  assert.ok(done.ok);
  const carried: Record<Role, ReadonlyMap<string, string>> = {
    anonymous: new Map(),
    partial: await partialLogin(world, member),
    member: member.visitor.cookies,
    other: other.visitor.cookies,
    device: device.visitor.cookies,
    admin: admin.visitor.cookies,
    disabled: disabled.visitor.cookies,
  };
  world.close();
  const { secrets } = world.deps;
  const real = realApp(world);
  let copies = 0;
  return {
    things,
    routes: real.app.routes,
    files: real.files,
    close: () => Deno.removeSync(folder, { recursive: true }),
    async enter(role) {
      const path = `${folder}/${copies++}.db`;
      await Deno.copyFile(original, path);
      const bare = quick(await makeWorld({ path, secrets, clock: world.clock }));
      const { app } = realApp(bare);
      const fetch = async (request: Request, address = "192.0.2.1") =>
        await app.fetch(request, { address, loopback: false });
      const copy: World = { ...bare, fetch };
      const visitor = new Visitor(copy, "browser");
      for (const [name, secret] of carried[role]) visitor.cookies.set(name, secret);
      return { world: copy, visitor };
    },
  };
}

/** Nothing here has to survive a power cut. */
function quick(world: World): World {
  world.db.exec("pragma synchronous = off");
  return world;
}

/** A machine of no interest. */
const machine = () => ({
  ...{ version: "test", started: 0, sockets: 0, memoryBytes: 0, databaseBytes: 0 },
  ...{ freeBytes: null, backup: null },
});

/** The application as `snug serve` puts it together, over a world's accounts. */
function realApp({ auth }: World) {
  const config = readConfig(
    ["--origin", ORIGIN, "--tls", "off", "--trusted-proxy", "127.0.0.1"],
    () => undefined,
  );
  const parts = {
    ...{ auth, socketCount: () => 0, machine, meter: new Meter(), now: () => 0 },
    queueDepth: () => Promise.resolve({ waiting: 0, oldestMinute: null }),
  };
  const app = makeApp(config, silentLog, parts, () => true);
  return { app, files: new Set(Object.values(manifest).map(({ path }) => path)) };
}

/** What a right password gives where a second factor is asked for. */
async function partialLogin(world: World, { account }: Member): Promise<Map<string, string>> {
  const { row, secret } = world.auth.logins.issueUnproven(account);
  await world.deps.store.logins.insert(row);
  return new Map([["__Host-snug", secret]]);
}

/** A report, and its id. */
async function reportOn({ visitor }: Member, { account }: Member): Promise<string> {
  const body = encode(reportRequest, { account, words: "They shout.", messages: [] });
  const headers = { "content-type": CBOR_TYPE };
  const told = await visitor.request("/api/reports", { method: "POST", headers, body });
  assert.equal(told.status, 204);
  return (await visitor.world.auth.reports.open())[0]!.id;
}

async function makeThings(world: World, member: Member): Promise<Omit<Things, "report">> {
  const { keys, account, username } = member;
  const owner: Owner = { ...keys, entries: [keys.entry], devices: [keys.device] };
  const log = await TestRoom.create(owner);
  value(await member.visitor.api.appendToRoom(null, log.entries[0]!));
  const nextEntry = await log.sayOf(owner, { kind: "close", newcomers: "approve" });
  const carried = member.visitor.cookies.get("__Host-snug")!;
  const row = await world.deps.store.logins.find(hashOf(fromBase64Url(carried)));
  return {
    ...{ account, username, device: keys.device.device, login: row!.id },
    ...{ room: log.state.id, lookup: log.keys.lookup, nextEntry },
  };
}
