/**
 * Running the server: people, switches, and the log of every such act. What is here is metadata; no
 * admin reads a message, a vault or a key, because none of them is here to be read.
 */
import type { AccountRow } from "../db/accounts.ts";
import type { ActResult, QueueDepth, UserRow } from "../db/admin.ts";
import type { Act, AuditHead, AuditRow, AuditVerdict } from "../db/audit.ts";
import type { ListedLogin } from "../db/logins.ts";
import type { AccountId } from "../protocol/ids.ts";
import type { AuthDeps, Registration } from "./deps.ts";
import type { OwnerNews } from "./letters.ts";
import type { LimitLine } from "./live_settings.ts";
import type { Logins, OwnerLogin } from "./logins.ts";
import { done, type Outcome, refused } from "./outcome.ts";
import { createOwnerMail } from "./owner_mail.ts";
import type { SecondFactors } from "./second_factor.ts";

/** Who acts: an admin, or whoever may use `snug admin` on the server's machine. */
export interface Actor {
  readonly account: AccountId | null;
  readonly name: string;
}

/** The log calls `snug admin` this. */
export const COMMAND_LINE: Actor = { account: null, name: "snug admin" };

/** People on one page. */
export const USERS_A_PAGE = 25;
/** Acts on one page. */
export const ACTS_A_PAGE = 50;
/** Longest part of a name that is searched for, in characters. */
const MAX_SEARCH = 64;
/** What cannot be undone needs a password given in the last hour: a browser left open is not enough. */
const FRESH_MS = 60 * 60_000;

/** What can be done to somebody's account. */
export type UserAct =
  | "disable"
  | "enable"
  | "sign-out"
  | "reset-second-factor"
  | "make-admin"
  | "unmake-admin"
  | "delete";

/** All of them. */
export const USER_ACTS: readonly UserAct[] = [
  "disable",
  "enable",
  "sign-out",
  "reset-second-factor",
  "make-admin",
  "unmake-admin",
  "delete",
];

const NEEDS_FRESH: readonly UserAct[] = ["reset-second-factor", "make-admin", "delete"];

/** A person, and whether there are more after them. */
export interface UserPage {
  readonly users: readonly UserRow[];
  /** Ask again after this username; null at the end. */
  readonly next: string | null;
}

/** One person. */
export interface UserDetails {
  readonly user: UserRow;
  readonly logins: readonly ListedLogin[];
  readonly secondFactor: boolean;
}

/** How the accounts and the queue are. */
export interface StoreHealth {
  readonly accounts: number;
  readonly admins: number;
  readonly openReports: number;
  readonly queue: QueueDepth;
}

/** The switches, as they are. */
export interface Switches {
  readonly registration: Registration;
  readonly registrationFixed: boolean;
  readonly secondFactorRequired: boolean;
}

/** What an admin can do. Each act is in the log before it is answered. */
export interface Admin {
  /** Who asks, if that is an admin; the login is one by password of the last 30 days. */
  actorOf(login: OwnerLogin): Promise<Actor | null>;
  isFresh(login: OwnerLogin): boolean;
  needsFresh(act: UserAct): boolean;
  users(search: string, after: string): Promise<UserPage>;
  /** The named admin, or the one who is here longest: whose name an act bears that has to be somebody's. */
  standIn(username?: string): Promise<{ readonly account: AccountId } | null>;
  user(account: AccountId): Promise<Outcome<UserDetails>>;
  byName(username: string): Promise<AccountRow | null>;
  act(actor: Actor, act: UserAct, account: AccountId): Promise<Outcome<null>>;
  switches(): Switches;
  setRegistration(actor: Actor, mode: Registration): Promise<Outcome<null>>;
  setSecondFactorRequired(actor: Actor, required: boolean): Promise<Outcome<null>>;
  limits(): LimitLine[];
  setLimit(actor: Actor, name: string, value: number | null): Promise<Outcome<null>>;
  health(): Promise<StoreHealth>;
  acts(before: number): Promise<AuditRow[]>;
  verify(noted?: AuditHead): Promise<AuditVerdict>;
}

const NEWS: Readonly<Partial<Record<UserAct, OwnerNews>>> = {
  "disable": "account-disabled",
  "enable": "account-enabled",
  "sign-out": "signed-out-by-admin",
  "reset-second-factor": "second-factor-reset",
  "delete": "account-deleted",
};

/** An act as the log has it. */
export function actOf(
  actor: Actor,
  now: number,
  act: string,
  about: { readonly subject?: Pick<AccountRow, "id" | "username">; readonly detail?: string } = {},
): Act {
  const { subject, detail = "" } = about;
  return {
    ...{ at: now, actor: actor.account, actorName: actor.name, act, detail },
    ...{ subject: subject?.id ?? null, subjectName: subject?.username ?? "" },
  };
}

/** Running the server, over the store. */
export function createAdminDesk(
  deps: AuthDeps,
  { logins, secondFactors }: { readonly logins: Logins; readonly secondFactors: SecondFactors },
): Admin {
  const { store, live, now } = deps;
  const tellOwner = createOwnerMail(deps);

  async function users(search: string, after: string): Promise<UserPage> {
    const part = search.trim().replace(/^@/, "").toLowerCase().slice(0, MAX_SEARCH);
    const rows = await store.admin.users(part, after, USERS_A_PAGE + 1);
    const users = rows.slice(0, USERS_A_PAGE);
    return { users, next: rows.length > USERS_A_PAGE ? users.at(-1)!.username : null };
  }

  async function user(account: AccountId): Promise<Outcome<UserDetails>> {
    const row = await store.admin.user(account);
    if (row === null) return refused("unknown-person");
    const secondFactor = await secondFactors.status(account) !== null;
    return done({ user: row, logins: await logins.list(account), secondFactor });
  }

  function run(kind: UserAct, account: AccountId, act: Act): Promise<ActResult> {
    const { admin } = store;
    switch (kind) {
      case "disable":
      case "enable":
        return admin.setDisabled(account, kind === "disable", act);
      case "make-admin":
      case "unmake-admin":
        return admin.setAdmin(account, kind === "make-admin", act);
      case "sign-out":
        return admin.signOut(account, act);
      case "reset-second-factor":
        return admin.resetFactor(account, act);
      case "delete":
        return admin.remove(account, act);
    }
  }

  async function act(actor: Actor, kind: UserAct, account: AccountId): Promise<Outcome<null>> {
    const subject = await store.accounts.byId(account);
    if (subject === null) return refused("unknown-person");
    const result = await run(kind, account, actOf(actor, now(), kind, { subject }));
    if (result.kind === "gone") return refused("unknown-person");
    if (result.kind === "last-admin") return refused("last-admin");
    // From here on the account is as the act says; sockets go at once.
    if (result.ended.length > 0) deps.events.loginsEnded(result.ended);
    const news = NEWS[kind];
    if (news !== undefined) tellOwner(subject.contact, news);
    deps.log.info("admin.act", { code: kind });
    return done(null);
  }

  return {
    users,
    user,
    act,
    async actorOf({ account }) {
      const row = await store.accounts.byId(account);
      return row?.admin === true && row.disabled === null ? { account, name: row.username } : null;
    },
    async standIn(username) {
      if (username === undefined) {
        const account = await store.admin.oldestAdmin();
        return account === null ? null : { account };
      }
      const row = await store.accounts.byUsername(username.replace(/^@/, "").toLowerCase());
      return row?.admin === true && row.disabled === null ? { account: row.id } : null;
    },
    isFresh: ({ made }) => made + FRESH_MS > now(),
    needsFresh: (kind) => NEEDS_FRESH.includes(kind),
    byName: (username) =>
      store.accounts.byUsername(username.trim().replace(/^@/, "").toLowerCase()),
    switches: () => {
      const { registration, registrationFixed, secondFactorRequired } = live;
      return { registration, registrationFixed, secondFactorRequired };
    },
    setRegistration: (actor, mode) =>
      live.setRegistration(mode, actOf(actor, now(), "registration", { detail: mode })),
    async setSecondFactorRequired(actor, required) {
      const detail = required ? "required" : "not required";
      await live.setSecondFactorRequired(
        required,
        actOf(actor, now(), "second-factor", { detail }),
      );
      // Held from the next request on; what is open now has to close for that.
      if (required) deps.events.loginsEnded(await store.admin.loginsWithoutFactor());
      return done(null);
    },
    limits: () => live.lines(),
    setLimit: (actor, name, value) => {
      const detail = `${name.slice(0, 40)} = ${value ?? "default"}`;
      return live.setLimit(name, value, actOf(actor, now(), "limit", { detail }));
    },
    async health() {
      const counts = await store.admin.count();
      const queue = await store.admin.queueDepth();
      return { ...counts, queue, openReports: await store.reports.countOpen() };
    },
    acts: (before) => store.audit.list(before, ACTS_A_PAGE),
    verify: (noted) => store.audit.verify(noted),
  };
}
