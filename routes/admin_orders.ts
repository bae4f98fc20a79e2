/**
 * What `snug admin` asks for, as JSON objects, and the answers. The running server takes them over its
 * local socket; without one the command runs them itself on the database.
 *
 * Whoever can open the socket, or the database, is who runs the server: nothing else is asked for.
 */
import {
  boolean,
  type InferOutput,
  integer,
  maxLength,
  minValue,
  nullable,
  number,
  optional,
  picklist,
  pipe,
  regex,
  safeParse,
  strictObject,
  string,
  variant,
} from "valibot";
import { type Auth, COMMAND_LINE, USER_ACTS } from "../auth/mod.ts";
import { done, type Outcome, refused } from "../auth/outcome.ts";
import type { AuditHead } from "../db/audit.ts";
import { fromHex, toHex } from "../protocol/encoding.ts";
import type { AccountId } from "../protocol/ids.ts";
import type { Machine } from "./admin_door.ts";
import { wordsOf } from "./refusals.ts";

const short = pipe(string(), maxLength(200));
const text = pipe(string(), maxLength(2_000));
const count = pipe(number(), integer(), minValue(0));

/** Every order. */
const orderSchema = variant("do", [
  strictObject({ do: picklist(["users"]), search: short, after: optional(short) }),
  strictObject({ do: picklist(["user"]), username: short }),
  strictObject({ do: picklist(["act"]), act: picklist(USER_ACTS), username: short }),
  strictObject({
    do: picklist(["registration"]),
    mode: optional(picklist(["open", "invite", "closed"])),
  }),
  strictObject({ do: picklist(["second-factor"]), required: optional(boolean()) }),
  strictObject({ do: picklist(["limits"]) }),
  strictObject({ do: picklist(["set-limit"]), name: short, value: nullable(count) }),
  strictObject({ do: picklist(["invites"]) }),
  strictObject({ do: picklist(["invite"]), uses: count, days: count, by: optional(short) }),
  strictObject({ do: picklist(["revoke-invite"]), invite: short }),
  strictObject({ do: picklist(["reports"]) }),
  strictObject({ do: picklist(["settle"]), report: short, note: text }),
  strictObject({ do: picklist(["audit"]), before: optional(count) }),
  strictObject({
    do: picklist(["verify"]),
    head: optional(pipe(string(), regex(/^\d{1,10}:[0-9a-f]{64}$/))),
  }),
  strictObject({ do: picklist(["health"]) }),
]);

/** What can be asked for. */
export type Order = InferOutput<typeof orderSchema>;

/** A JSON value, or why there is none: `code` for programs, `message` for people. */
export type OrderAnswer =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly code: string; readonly message: string };

/** What orders are run on. */
export interface OrderParts {
  readonly auth: Auth;
  readonly machine: () => Machine | Promise<Machine>;
}

/** Runs one order, whatever came in. */
export async function runOrder(parts: OrderParts, input: unknown): Promise<OrderAnswer> {
  const order = safeParse(orderSchema, input);
  const outcome = order.success ? await run(parts, order.output) : refused("bad-input");
  if (outcome.ok) return { ok: true, value: outcome.value };
  const { code } = outcome.refusal;
  return { ok: false, code, message: wordsOf(outcome.refusal) };
}

async function run({ auth, machine }: OrderParts, order: Order): Promise<Outcome<unknown>> {
  const { admin } = auth;
  switch (order.do) {
    case "users":
      return done(await admin.users(order.search, order.after ?? ""));
    case "user":
      return await withUser(auth, order.username, (account) => admin.user(account));
    case "act":
      return await withUser(
        auth,
        order.username,
        (account) => admin.act(COMMAND_LINE, order.act, account),
      );
    case "registration":
    case "second-factor":
      return await runSwitch(auth, order);
    case "limits":
      return done(admin.limits());
    case "set-limit":
      return await admin.setLimit(COMMAND_LINE, order.name, order.value);
    case "invites":
    case "invite":
    case "revoke-invite":
      return await runInvites(auth, order);
    case "reports":
      return done([...await auth.reports.open(), ...await auth.reports.settled()]);
    case "settle":
      return await auth.reports.settle(COMMAND_LINE, order.report, order.note);
    case "audit":
      return done((await admin.acts(order.before ?? Number.MAX_SAFE_INTEGER)).map(actJson));
    case "verify":
      return done(verdictJson(await admin.verify(headOf(order.head))));
    case "health":
      return done({ ...await admin.health(), ...await machine() });
  }
}

async function runSwitch(
  { admin }: Auth,
  order: Extract<Order, { do: "registration" | "second-factor" }>,
): Promise<Outcome<unknown>> {
  const set = order.do === "registration"
    ? order.mode && await admin.setRegistration(COMMAND_LINE, order.mode)
    : order.required !== undefined &&
      await admin.setSecondFactorRequired(COMMAND_LINE, order.required);
  return set && !set.ok ? set : done(admin.switches());
}

async function runInvites(
  { admin, invites }: Auth,
  order: Extract<Order, { do: "invites" | "invite" | "revoke-invite" }>,
): Promise<Outcome<unknown>> {
  // An invitation is somebody's: the named admin's, else that of the one who is here longest.
  const maker = await admin.standIn(order.do === "invite" ? order.by : undefined);
  if (maker === null) return refused("no-admin");
  switch (order.do) {
    case "invites":
      return await invites.list(maker);
    case "invite":
      return await invites.make(maker, { uses: order.uses, days: order.days }, COMMAND_LINE);
    case "revoke-invite":
      return await invites.revoke(maker, order.invite, COMMAND_LINE);
  }
}

async function withUser(
  { admin }: Auth,
  username: string,
  work: (account: AccountId) => Promise<Outcome<unknown>>,
): Promise<Outcome<unknown>> {
  const row = await admin.byName(username);
  return row === null ? refused("unknown-person") : await work(row.id);
}

type AuditRow = Awaited<ReturnType<Auth["admin"]["acts"]>>[number];

function actJson({ entry: { previous, ...entry }, hash }: AuditRow) {
  return { ...entry, previous: toHex(previous), hash: toHex(hash) };
}

function verdictJson(verdict: Awaited<ReturnType<Auth["admin"]["verify"]>>) {
  if (!verdict.whole) return verdict;
  const { seq, hash } = verdict.head;
  return { whole: true, acts: seq, head: `${seq}:${toHex(hash)}` };
}

function headOf(text: string | undefined): AuditHead | undefined {
  if (text === undefined) return undefined;
  const [seq = "", hash = ""] = text.split(":");
  return { seq: Number(seq), hash: fromHex(hash) };
}
