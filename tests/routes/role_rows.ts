/**
 * What every route answers to whom. A route without a row fails roles_test.ts.
 *
 * A row is the route as hono knows it, the statuses by role, and what is sent where an empty request
 * would not do. Paths like `:room` are filled with the member's own things; `sends` may name others.
 * For a route that takes a body, send one that the member's request succeeds with where that is
 * short; else an empty one, and 400 then means "was let in and not understood".
 */
import { bundlesRequest, CBOR_TYPE, secondFactorRequest } from "../../protocol/api.ts";
import { encode, type Schema } from "../../protocol/codec.ts";
import { directoryRequest } from "../../protocol/directory_api.ts";
import { approveRequest } from "../../protocol/reset_api.ts";
import { reportRequest } from "../../protocol/reports.ts";
import { nothingSchema } from "../../protocol/passkey_api.ts";
import { roomEntrySchema } from "../../protocol/room.ts";
import { lookupRequest } from "../../protocol/room_api.ts";
import type { Role, RoleWorld, Things } from "../helpers/role_world.ts";

/** The statuses by role. */
export type Statuses = Readonly<Record<Role, number>>;

/** What is sent: a form, CBOR, or nothing but the path. */
export interface Sent {
  readonly path?: string;
  readonly form?: Readonly<Record<string, string>>;
  readonly cbor?: Uint8Array<ArrayBuffer>;
  /** A page's script asks for CBOR; people's browsers ask for HTML. */
  readonly accept?: string;
}

/** What must be so after a role's request, beyond the status. Throws when it is not. */
export type Then = (
  role: Role,
  things: Things,
  world: Awaited<ReturnType<RoleWorld["enter"]>>["world"],
) => Promise<void>;

export interface Row {
  readonly statuses: Statuses;
  readonly sends: (things: Things) => Sent;
  readonly then?: Then;
}

const all = (status: number): Statuses => ({
  ...{ anonymous: status, partial: status, member: status },
  ...{ other: status, device: status, admin: status, disabled: status },
});

/** Everybody is answered alike. */
const everybody = all;
/** A signed-in device of anybody. */
const devices = (status: number, more: Partial<Statuses> = {}): Statuses => ({
  ...all(status),
  ...{ anonymous: 401, partial: 401, disabled: 401 },
  ...more,
});
/** The member's own things: to anybody else they do not exist. */
const onlyMember = (status: number, foreign: number) =>
  devices(status, { other: foreign, admin: foreign });
/** A sign-in by password; a login renewed by a device's key leads to the sign-in. */
const owners = (status: number, away = 303): Statuses => ({
  ...all(status),
  ...{ anonymous: away, partial: away, device: away, disabled: away },
});
/** An admin, signed in by password; everybody else who is signed in is told that it is not theirs. */
const admins = (status: number): Statuses => ({ ...owners(403), admin: status });
/** Who may make invitations here: admins. */
const invitersOnly = (status: number): Statuses => ({ ...owners(403), admin: status });

const nothing = () => ({});
const cbor = <T>(schema: Schema<T>, value: T): Sent => ({
  cbor: encode(schema, value),
  accept: CBOR_TYPE,
});
/** CBOR that no schema takes. */
const noSense = (): Sent => ({ cbor: new Uint8Array([0xff]), accept: CBOR_TYPE });
const row = (statuses: Statuses, sends?: Row["sends"], then?: Then): Row => ({
  ...{ statuses, sends: sends ?? nothing },
  ...(then ? { then } : {}),
});

/** The member's first login goes on, whoever asked to end it, but the member. */
const onlyOwnLoginEnds: Then = async (role, { account, login }, { deps }) => {
  const rows = await deps.store.logins.ofAccount(account, 0, deps.now());
  const there = rows.some(({ id }) => id === login);
  const ended = role === "member";
  if (there === ended) throw new Error(`the member's login ${there ? "goes on" : "ended"}`);
};

/** One more line in the log, by an admin; by anybody else none, and so no act. */
const onlyAdminsAct: Then = async (role, _things, { deps }) => {
  const verdict = await deps.store.audit.verify();
  const acts = verdict.whole ? verdict.head.seq : -1;
  // The first act switched somebody off, so that there is a `disabled` role.
  if (acts !== (role === "admin" ? 2 : 1)) throw new Error(`${acts} acts are in the log`);
};

export const ROWS: Readonly<Record<string, Row>> = {
  // Nobody in particular
  "GET /health": row(everybody(200)),
  // For this machine and for whoever has the bearer; the requests here come from outside.
  "GET /metrics": row(everybody(404)),
  "GET /": row(everybody(303)),
  "GET /sign-up": row(everybody(200)),
  "POST /sign-up/check": row(everybody(200), () => ({ form: { username: "zoe" } })),
  "POST /sign-up": row(everybody(422), () => ({
    form: { username: "", fullName: "", contact: "" },
  })),
  "POST /sign-up/resend": row(everybody(409), () => ({ form: {} })),
  "POST /sign-up/code": row(everybody(409), () => ({ form: { code: "123456" } })),
  "POST /sign-up/password": row(everybody(400), noSense),
  "POST /sign-up/account": row(everybody(400), noSense),

  // Signing in and out
  "GET /sign-in": row(everybody(200)),
  "POST /sign-in": row(everybody(400), noSense),
  "POST /sign-in/finish": row(everybody(400), noSense),
  "POST /sign-in/second-factor": row(
    // Only a login that waits for a code is asked for one; this account has none, so it stays shut.
    { ...all(401), partial: 409 },
    () => cbor(secondFactorRequest, { code: "123456" }),
  ),
  "POST /sign-in/passkey/ask": row(everybody(200), () => cbor(nothingSchema, {})),
  "POST /sign-in/passkey": row(everybody(400), noSense),
  "POST /sign-in/second-factor/ask": row(
    // The same: this account has no passkey.
    { ...all(401), partial: 409 },
    () => cbor(nothingSchema, {}),
  ),
  "POST /sign-in/second-factor/passkey": row(
    { ...all(400), anonymous: 401, disabled: 401 },
    noSense,
  ),
  "POST /sign-in/device": row({ ...all(400), anonymous: 401, disabled: 401 }, noSense),
  "POST /api/login/challenge": row(everybody(400), noSense),
  "POST /api/login": row(everybody(400), noSense),
  "POST /sign-out": row(everybody(303), () => ({ form: {} })),

  // Settings: a sign-in by password of the last 30 days
  "GET /settings": row(owners(200)),
  "GET /settings/what-the-server-sees": row(owners(200)),
  "POST /settings/profile": row(owners(303), () => ({ form: { fullName: "Somebody" } })),
  "POST /settings/logins/end": row(
    owners(303),
    ({ login }) => ({ form: { login } }),
    onlyOwnLoginEnds,
  ),
  "GET /settings/history": row(owners(200)),
  "POST /settings/history": row(owners(303), () => ({ form: { do: "off" } })),
  "POST /settings/logins/end-others": row(owners(303), () => ({ form: {} })),
  "GET /settings/password": row(owners(200)),
  "POST /settings/password/start": row(owners(400, 401), noSense),
  "POST /settings/password/prove": row(owners(400, 401), noSense),
  "POST /settings/password/change": row(owners(400, 401), noSense),
  "GET /settings/devices": row(owners(200)),
  "POST /settings/devices/rename": row(
    owners(400),
    () => ({ form: { device: "no", name: "Desk" } }),
  ),
  "GET /settings/devices/remove": row(owners(303)),
  "GET /settings/link": row(owners(200)),
  "POST /settings/link/look": row(owners(400, 401), noSense),
  "POST /settings/link/offer": row(owners(400, 401), noSense),
  "POST /settings/link/hand": row(owners(400, 401), noSense),
  "POST /settings/link/drop": row(owners(400, 401), noSense),
  "GET /settings/passkeys": row(owners(200)),
  "POST /settings/passkeys/rename": row(owners(409), () => ({
    form: { passkey: "none", name: "Phone" },
  })),
  "GET /settings/passkeys/remove": row(owners(303)),
  "POST /settings/passkeys/remove": row(owners(303), () => ({
    form: { passkey: "none", code: "no" },
  })),
  "POST /settings/passkeys/start": row(owners(400, 401), noSense),
  "POST /settings/passkeys/prove": row(owners(400, 401), noSense),
  "POST /settings/passkeys/ask": row(owners(409, 401), () => cbor(nothingSchema, {})),
  "POST /settings/passkeys/unlock": row(owners(400, 401), noSense),
  "POST /settings/passkeys/add": row(owners(400, 401), noSense),
  "POST /settings/passkeys/remove/passkey": row(owners(400, 401), noSense),
  "POST /settings/password/passkey": row(owners(400, 401), noSense),
  "POST /settings/password/remove": row(owners(400, 401), noSense),
  "GET /settings/second-factor": row(owners(200)),
  "POST /settings/second-factor/begin": row(owners(200), () => ({ form: {} })),
  "POST /settings/second-factor/confirm": row(owners(422), () => ({ form: { code: "no" } })),
  "POST /settings/second-factor/recovery-codes": row(owners(422), () => ({
    form: { code: "no" },
  })),
  "POST /settings/second-factor/off": row(owners(409), () => ({ form: { code: "no" } })),

  // People and keys
  "GET /api/me": row(devices(200)),
  "GET /api/people/:username": row(devices(200)),
  "GET /api/accounts/:account": row(devices(200)),
  "POST /api/accounts/:account/bundles": row(
    // Of its own keys a device needs none.
    devices(200, { member: 400 }),
    ({ device }) => cbor(bundlesRequest, { devices: [device] }),
  ),
  "POST /api/directory": row(devices(200), () => cbor(directoryRequest, { words: "an" })),
  "GET /people": row({ ...devices(200), anonymous: 303, partial: 303, disabled: 303 }),
  "POST /people": row(
    { ...devices(200), anonymous: 303, partial: 303, disabled: 303 },
    () => ({ form: { words: "an" } }),
  ),
  "POST /people/listed": row(owners(303), () => ({ form: { listed: "yes" } })),
  "GET /api/devices": row(devices(200)),
  // Only a login that has proven everything and names no device yet.
  "GET /sign-in/link": row(everybody(200)),
  "POST /sign-in/link/open": row(everybody(400), noSense),
  "POST /sign-in/link/wait": row(everybody(400), noSense),
  "POST /sign-in/link/answer": row(everybody(400), noSense),
  "GET /sign-in/devices": row({ ...all(401), partial: 401 }),
  "POST /api/devices/rename": row(devices(400), noSense),
  "POST /api/devices/revoke": row(devices(400), noSense),
  "POST /api/login/removed": row(everybody(400), noSense),
  "GET /api/prekeys": row(devices(200)),
  "POST /api/prekeys": row(devices(400), noSense),

  // Rooms
  "GET /api/rooms": row(devices(200)),
  "POST /api/rooms": row(devices(400), noSense),
  // Whoever has the code finds the room.
  "POST /api/rooms/lookup": row(
    devices(200),
    ({ lookup }) => cbor(lookupRequest, { lookup, since: 0 }),
  ),
  "GET /api/rooms/:room/log": row(onlyMember(200, 404)),
  "GET /api/rooms/:room/people": row(onlyMember(200, 404)),
  "POST /api/rooms/:room/log": row(
    // Signed by the member's first device: nobody else, not even the second one, can hand it in.
    devices(200, { other: 422, admin: 422, device: 422 }),
    ({ nextEntry }) => cbor(roomEntrySchema, nextEntry),
  ),

  // Another address, a file of everything, the end
  "GET /settings/contact": row(owners(200)),
  "POST /settings/contact": row(owners(422), () => ({ form: { contact: "no address" } })),
  "POST /settings/contact/codes": row(owners(409), () => ({ form: { old: "no", new: "no" } })),
  "GET /settings/download": row(owners(200)),
  "GET /settings/delete": row(owners(200)),
  "POST /settings/delete/code": row(owners(422), () => ({ form: { code: "no" } })),
  "POST /settings/delete": row(owners(400, 401), noSense),
  "GET /deleted": row(everybody(200)),

  // Invitations: admins' here, where nobody said that members may
  "GET /invites": row(invitersOnly(200)),
  "POST /invites": row(invitersOnly(200), () => ({ form: { uses: "1", days: "7" } })),
  "POST /invites/revoke": row(owners(303), () => ({ form: { id: "none" } })),
  "GET /invite": row(everybody(200)),
  "POST /invite": row(everybody(303), () => ({ form: { invite: "x" } })),

  // A forgotten password: nobody is signed in, and who asks is told nothing before the code
  "GET /forgot": row(everybody(200)),
  "POST /forgot": row(everybody(200), () => ({ form: { contact: "zoe@example.org" } })),
  "POST /forgot/resend": row(everybody(409), () => ({ form: {} })),
  "POST /forgot/code": row(everybody(409), () => ({ form: { code: "123456" } })),
  "POST /forgot/second-factor": row(everybody(409), () => ({ form: { code: "123456" } })),
  "POST /forgot/former": row(everybody(409), () => ({ form: {} })),
  "POST /forgot/vault": row(everybody(400), noSense),
  "POST /forgot/password": row(everybody(400), noSense),
  "POST /forgot/change": row(everybody(400), noSense),
  "POST /forgot/start-over": row(everybody(400), noSense),
  "POST /forgot/nothing-left": row(everybody(409), () => ({ form: {} })),
  "POST /forgot/start-over/ask": row(everybody(409), () => ({ form: {} })),
  "GET /api/reset": row(devices(204)),
  "POST /api/reset/stop": row(devices(200), () => cbor(nothingSchema, {})),
  "POST /api/reset/approve": row(devices(422), () => cbor(approveRequest, { code: "no" })),
  "GET /reset": row({ ...devices(200), anonymous: 303, partial: 303, disabled: 303 }),
  "POST /reset": row(
    { ...devices(200), anonymous: 303, partial: 303, disabled: 303 },
    () => ({ form: {} }),
  ),
  "POST /reset/approve": row(
    { ...devices(422), anonymous: 303, partial: 303, disabled: 303 },
    () => ({ form: { code: "no" } }),
  ),

  // The sealed history
  "GET /api/archive": row(devices(200)),
  "POST /api/archive": row(devices(400), noSense),
  "POST /api/archive/recent": row(devices(400), noSense),
  "POST /api/archive/read": row(devices(400), noSense),
  "POST /api/archive/chain": row(devices(400), noSense),
  "POST /api/archive/deposit": row(devices(400), noSense),
  "POST /api/archive/switch": row(devices(400), noSense),

  // Reports
  "POST /api/reports": row(
    // Nobody reports themselves.
    devices(204, { member: 422, device: 422 }),
    ({ account }) => ({
      ...cbor(reportRequest, { account, words: "They shout.", messages: [] }),
    }),
  ),

  // The admin area
  "GET /admin": row(admins(200)),
  "GET /admin/health": row(admins(200)),
  "GET /admin/what-admins-see": row(admins(200)),
  "GET /admin/log": row(admins(200)),
  "GET /admin/sign-ups": row(admins(200)),
  "POST /admin/sign-ups": row(admins(303), () => ({ form: { mode: "closed" } }), onlyAdminsAct),
  "POST /admin/second-factor": row(
    admins(303),
    () => ({ form: { required: "yes" } }),
    onlyAdminsAct,
  ),
  "GET /admin/limits": row(admins(200)),
  "POST /admin/limits": row(
    admins(303),
    () => ({ form: { name: "lookupsPerHour", value: "7" } }),
    onlyAdminsAct,
  ),
  "GET /admin/users": row(admins(200)),
  "POST /admin/users": row(admins(200), () => ({ form: { search: "an" } })),
  "GET /admin/users/:account": row(admins(200)),
  "POST /admin/users/:account/:act": row(
    admins(303),
    ({ account }) => ({ path: `/admin/users/${account}/disable`, form: {} }),
    onlyAdminsAct,
  ),
  "GET /admin/reports": row(admins(200)),
  "GET /admin/reports/:report": row(admins(200)),
  "POST /admin/reports/:report/settle": row(
    admins(303),
    () => ({ form: { note: "Spoken to." } }),
    onlyAdminsAct,
  ),
};

/** A path with the member's things in it. */
export function pathOf(route: string, things: Things): string {
  const known: Readonly<Record<string, string | undefined>> = { ...things, nextEntry: undefined };
  return route.replace(/:([a-z]+)/g, (_, name: string) => {
    const thing = known[name];
    if (thing === undefined) throw new Error(`give ${route} a path in its row: no ":${name}"`);
    return thing;
  });
}
