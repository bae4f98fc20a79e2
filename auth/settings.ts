/** What an owner sees and changes without any key: name, logins, and what is stored about them. */
import type { AccountRow } from "../db/accounts.ts";
import type { Footprint } from "../db/footprint.ts";
import type { ListedLogin } from "../db/logins.ts";
import type { AuthDeps } from "./deps.ts";
import { foundBy } from "./directory.ts";
import type { Limiter } from "./limits.ts";
import type { OwnerLogin } from "./logins.ts";
import { readFullName } from "./names.ts";
import { done, type Outcome, refused } from "./outcome.ts";

/** One's own account, behind a login by password. */
export interface Settings {
  owner(login: OwnerLogin): Promise<AccountRow>;
  setFullName(login: OwnerLogin, typed: string): Promise<Outcome<string>>;
  logins(login: OwnerLogin): Promise<ListedLogin[]>;
  /** Ends one login of this account, and closes its sockets. */
  endLogin(login: OwnerLogin, id: string): Promise<Outcome<null>>;
  /** Rows, bytes and times of everything that is stored about this account. */
  footprint(login: OwnerLogin): Promise<Outcome<Footprint[]>>;
}

/** Settings over the store. */
export function createSettings(deps: AuthDeps, limiter: Limiter): Settings {
  const { accounts, logins, footprints } = deps.store;
  return {
    async owner({ account }) {
      const row = await accounts.byId(account);
      if (row === null) throw new Error("a login without an account");
      return row;
    },
    async setFullName({ account }, typed) {
      const name = readFullName(typed);
      if (!name.ok) return name;
      const row = await accounts.byId(account);
      if (row === null) throw new Error("a login without an account");
      await accounts.setFullName(account, name.value, foundBy(row.username, name.value));
      return name;
    },
    logins({ account }) {
      const now = deps.now();
      return logins.ofAccount(account, now - deps.limits.loginIdleSeconds * 1_000, now);
    },
    async endLogin({ account }, id) {
      if (!await logins.end(account, id)) return refused("unknown-login");
      deps.events.loginsEnded([id]);
      return done(null);
    },
    async footprint({ account }) {
      // It reads every waiting envelope's size: not for a script to ask a thousand times a minute.
      const allowed = await limiter.lookup(account);
      return allowed.ok ? done(await footprints.of(account)) : allowed;
    },
  };
}
