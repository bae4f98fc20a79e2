/**
 * Where everybody needs a second factor, an account without one is held: its logins are good for
 * setting one up and for nothing else.
 */
import type { AccountId } from "../protocol/ids.ts";
import type { AuthDeps } from "./deps.ts";

/** Whether an account is held now. */
export type Hold = (account: AccountId) => Promise<boolean>;

/** Judged anew each time: an admin may have changed the rule, its owner the account. */
export function createHold({ live, store }: Pick<AuthDeps, "live" | "store">): Hold {
  return async (account) =>
    live.secondFactorRequired && await store.secondFactors.summary(account) === null;
}
