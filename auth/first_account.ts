/**
 * Off loopback the first account belongs to whoever reads the server's console: it is made through
 * a one-time link printed at the start, so that nobody on the network is quicker than the owner.
 */
import type { Bytes } from "../protocol/encoding.ts";
import type { AuthDeps } from "./deps.ts";
import { idFrom } from "../protocol/ids.ts";
import { hashOfCarried, newCarried } from "./digest.ts";
import { done, type Outcome, refused } from "./outcome.ts";

/** The link to print, or null when none is needed. A new one at each start; the one before is dead. */
export async function firstAccountLink(deps: AuthDeps): Promise<string | null> {
  if (!deps.firstAccountByLink || await deps.store.accounts.count() > 0) return null;
  const { secret, hash } = newCarried(deps.random);
  await deps.store.accounts.replaceFirstInvite(hash, idFrom(deps.random(16)), deps.now());
  // Behind the #, which browsers send to no server: no proxy on the way has it in its log.
  return `${deps.origin}/invite#${secret}`;
}

/**
 * Whether somebody may sign up, and the invite to use up then. An open server asks for none, and still
 * writes down who came by whose.
 */
export async function admit(
  deps: AuthDeps,
  invite: string | undefined,
): Promise<Outcome<Bytes | null>> {
  const first = deps.firstAccountByLink && await deps.store.accounts.count() === 0;
  if (!first && deps.registration === "closed") return refused("registration-closed");
  const open = !first && deps.registration === "open";
  if (open && !invite) return done(null);
  if (invite === undefined || invite === "") return refused("invite-needed");
  const hash = hashOfCarried(invite);
  const known = hash !== null && await deps.store.accounts.hasInvite(hash, deps.now());
  if (known) return done(hash);
  return open ? done(null) : refused("invite-gone");
}

/** The same when the account is made: between form and keys, an admin may have closed the door. */
export async function admitAgain(
  deps: AuthDeps,
  invite: Bytes | null,
): Promise<Outcome<Bytes | null>> {
  const { accounts } = deps.store;
  const first = deps.firstAccountByLink && await accounts.count() === 0;
  if (!first && deps.registration === "closed") return refused("registration-closed");
  if (!first && deps.registration === "open") {
    const good = invite !== null && await accounts.hasInvite(invite, deps.now());
    return done(good ? invite : null);
  }
  return invite === null ? refused("invite-needed") : done(invite);
}
