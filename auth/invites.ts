/** Invites: links that let somebody make an account. The server keeps a hash of each, and counts. */
import type { ListedInvite } from "../db/invites.ts";
import { idFrom } from "../protocol/ids.ts";
import { actOf, type Actor } from "./admin.ts";
import type { AuthDeps } from "./deps.ts";
import { newCarried } from "./digest.ts";
import type { Limiter } from "./limits.ts";
import type { OwnerLogin } from "./logins.ts";
import { done, type Outcome, refused } from "./outcome.ts";

const DAY_MS = 86_400_000;
/** What one page shows; the older ones are over. */
const SHOWN = 100;
/** What is over stays to be seen for so long. */
const REMEMBERED_MS = 30 * DAY_MS;

/** For how many days, and how many people, an invite can be made. */
export const INVITE_DAYS: readonly number[] = [1, 7, 30];
export const MAX_INVITE_USES = 100;

/** A new invite, shown once. */
export interface MadeInvite {
  /** The secret is behind the `#`, which browsers send to no server. */
  readonly link: string;
  readonly uses: number;
  /** Milliseconds since 1970. */
  readonly expires: number;
}

/** What an invite is asked to be. */
export interface InviteWish {
  readonly uses: number;
  readonly days: number;
}

/** Whether an invite still lets somebody in, and if not, why. */
export type InviteState = "open" | "used up" | "taken back" | "too old";

/** What somebody sees of the invites there are. */
export interface InviteList {
  readonly invites: readonly (ListedInvite & { readonly state: InviteState })[];
  /** True for admins: then others' are among them. */
  readonly everybodys: boolean;
  readonly registration: AuthDeps["registration"];
}

/** Whose invites they are: a signed-in owner's. */
export type Inviter = Pick<OwnerLogin, "account">;

/** Invites of whoever may make them. */
export interface Invites {
  /** Whether this account may invite: admins always, others where the server says so. */
  may(login: Inviter): Promise<boolean>;
  /** `by`: who acts, where that is not the login's own account. What admins do goes into their log. */
  make(login: Inviter, wish: InviteWish, by?: Actor): Promise<Outcome<MadeInvite>>;
  /** One's own, the newest first; an admin sees everybody's. */
  list(login: Inviter): Promise<Outcome<InviteList>>;
  /** An admin may revoke anybody's. */
  revoke(login: Inviter, id: string, by?: Actor): Promise<Outcome<null>>;
  purge(): Promise<void>;
}

/** Invites over the store. */
export function createInviteDesk(deps: AuthDeps, limiter: Limiter): Invites {
  const { accounts, invites } = deps.store;

  async function role(login: Inviter): Promise<"admin" | "member" | "none"> {
    const account = await accounts.byId(login.account);
    if (account?.admin) return "admin";
    return deps.memberInvites && deps.registration !== "closed" ? "member" : "none";
  }

  /** A line in the log of admins' acts. */
  async function note({ account }: Inviter, by: Actor | undefined, act: string, detail: string) {
    const row = by === undefined ? await accounts.byId(account) : null;
    const actor = by ?? { account, name: row?.username ?? "" };
    await deps.store.audit.append(actOf(actor, deps.now(), act, { detail }));
  }

  async function make(
    login: Inviter,
    { uses, days }: InviteWish,
    by?: Actor,
  ): Promise<Outcome<MadeInvite>> {
    const who = await role(login);
    if (who === "none") return refused("no-invites");
    if (deps.registration === "closed") return refused("registration-closed");
    const sound = Number.isInteger(uses) && uses >= 1 && uses <= MAX_INVITE_USES;
    if (!sound || !INVITE_DAYS.includes(days)) return refused("bad-invite");
    const allowed = await limiter.invite(login.account);
    if (!allowed.ok) return allowed;
    const { secret, hash } = newCarried(deps.random);
    const made = deps.now();
    const expires = made + days * DAY_MS;
    const row = { id: idFrom(deps.random(16)), hash, maker: login.account, made, expires, uses };
    if (!await invites.make(row, deps.limits.invitesOpen)) return refused("too-many-invites");
    const detail = `${row.id}, ${uses} times, ${days} days`;
    if (who === "admin") await note(login, by, "make-invite", detail);
    deps.log.info("auth.invite-made", { count: uses });
    return done({ link: `${deps.origin}/invite#${secret}`, uses, expires });
  }

  return {
    make,
    may: async (login) => await role(login) !== "none",
    async list(login) {
      const who = await role(login);
      if (who === "none") return refused("no-invites");
      const everybodys = who === "admin";
      const rows = await invites.list(everybodys ? null : login.account, SHOWN);
      const now = deps.now();
      const judged = rows.map((row) => ({ ...row, state: stateOf(row, now) }));
      return done({ invites: judged, everybodys, registration: deps.registration });
    },
    async revoke(login, id, by) {
      const who = await role(login);
      const maker = who === "admin" ? null : login.account;
      const revoked = await invites.revoke(id, maker, deps.now());
      if (!revoked) return refused("invite-over");
      if (who === "admin") await note(login, by, "revoke-invite", id);
      return done(null);
    },
    purge: () => invites.purge(deps.now() - REMEMBERED_MS),
  };
}

function stateOf({ revoked, used, uses, expires }: ListedInvite, now: number): InviteState {
  if (revoked !== null) return "taken back";
  if (used >= uses) return "used up";
  return expires <= now ? "too old" : "open";
}
