/**
 * A new device and one that is signed in, put through to each other. In memory only, like passwords under way: what is
 * here is worth nothing after ten minutes, and a restart costs whoever is linking one more try.
 *
 * The server passes sealed bytes on. What it decides is small: one request has one new device and one owner's login,
 * each step happens once, and nobody is let in before that login has proven password or passkey.
 */
import type { LinkBound, LinkOffer } from "../protocol/link_api.ts";
import { LINK_MS } from "../protocol/link_api.ts";
import type { Signed } from "../protocol/bundle.ts";
import { type Bytes, toBase64Url } from "../protocol/encoding.ts";
import type { DepositEntry } from "../protocol/segment.ts";
import { MAX_LIST_ENTRIES } from "../protocol/limits.ts";
import type { AuthDeps } from "./deps.ts";
import { hashOf } from "./digest.ts";
import type { Limiter } from "./limits.ts";
import type { IssuedLogin, Logins, OwnerLogin } from "./logins.ts";
import { done, type Outcome, refused } from "./outcome.ts";
import type { Passkeys } from "./passkeys.ts";

/** About 10 MB. Beyond, the oldest go: per-address limits come first. */
const MOST = 2_000;

/** What the new device is told. */
export type LinkNews =
  | { readonly state: "waiting" }
  | { readonly state: "offered"; readonly offer: LinkOffer }
  | {
    readonly state: "handed";
    readonly sealed: Bytes;
    readonly entries: Signed[];
    readonly challenge: Bytes;
    readonly login: IssuedLogin;
  };

/** Both ends of the counter. `request` is the id that the code derives. */
export interface DeviceLinks {
  open(
    link: { readonly request: Bytes; readonly waiter: Bytes; readonly bound: LinkBound },
    address: string,
  ): Promise<Outcome<null>>;
  wait(request: Bytes, waiter: Bytes): Promise<Outcome<LinkNews>>;
  answer(request: Bytes, waiter: Bytes, sealed: Bytes): Promise<Outcome<null>>;
  look(
    login: OwnerLogin,
    request: Bytes,
  ): Outcome<{ readonly bound: LinkBound; readonly answer: Bytes | null }>;
  /** From here on the request is this login's. */
  offer(login: OwnerLogin, request: Bytes, offer: LinkOffer): Promise<Outcome<DepositEntry[]>>;
  hand(
    login: OwnerLogin,
    handed: { readonly request: Bytes; readonly proof: Bytes; readonly sealed: Bytes },
  ): Promise<Outcome<null>>;
  /** The owner thinks better of it. */
  drop(login: OwnerLogin, request: Bytes): void;
}

interface Link {
  readonly made: number;
  /** Hash of what the new device carries. */
  readonly waiter: string;
  readonly bound: LinkBound;
  owner: OwnerLogin | null;
  offer: LinkOffer | null;
  answer: Bytes | null;
  handed: Bytes | null;
}

/** The counter. */
export function createDeviceLinks(
  deps: AuthDeps,
  { limiter, logins, passkeys }: {
    readonly limiter: Limiter;
    readonly logins: Logins;
    readonly passkeys: Passkeys;
  },
): DeviceLinks {
  const { store, now } = deps;
  const links = new Map<string, Link>();
  const nameOf = (request: Bytes) => toBase64Url(request);
  const waiterOf = (waiter: Bytes) => toBase64Url(hashOf(waiter));

  /** A Map keeps the order of insertion, so the oldest come first. */
  function dropOld(most: number): void {
    for (const [name, { made }] of links) {
      const alive = made <= now() && now() - made < LINK_MS;
      if (alive && links.size <= most) break;
      links.delete(name);
    }
  }

  function find(request: Bytes): Link | null {
    dropOld(MOST);
    return links.get(nameOf(request)) ?? null;
  }

  const waiting = (request: Bytes, waiter: Bytes): Link | null => {
    const link = find(request);
    return link?.waiter === waiterOf(waiter) ? link : null;
  };

  /** The request, unless it is somebody else's already. One refusal for every cause. */
  const ofOwner = (login: OwnerLogin, request: Bytes): Link | null => {
    const link = find(request);
    return link && (link.owner === null || link.owner.id === login.id) ? link : null;
  };

  /** Good once: whoever loses this answer begins anew. */
  async function handOver(request: Bytes, link: Link): Promise<Outcome<LinkNews>> {
    links.delete(nameOf(request));
    const { owner, handed } = link;
    const account = owner && await store.accounts.byId(owner.account);
    if (!account || handed === null || !await isStillThere(owner)) return refused("link-gone");
    if (account.disabled !== null) return refused("account-disabled");
    const login = logins.issue(account.id, null, "partial");
    await store.logins.insert(login.row);
    const entries = await store.devices.entries(account.id, 0, MAX_LIST_ENTRIES);
    deps.log.info("auth.device-linked");
    const challenge = login.row.challenge!;
    return done({ state: "handed", sealed: handed, entries, challenge, login });
  }

  /** Signed out or removed between its word and the new device's step, it vouches for nobody. */
  async function isStillThere({ account, id }: OwnerLogin): Promise<boolean> {
    const alive = await logins.list(account);
    return alive.some((one) => one.id === id);
  }

  return {
    async open({ request, waiter, bound }, address) {
      const allowed = await limiter.deviceChallenge(address);
      if (!allowed.ok) return allowed;
      dropOld(MOST - 1);
      // Somebody else's request is not taken over by the same id.
      if (links.has(nameOf(request))) return refused("bad-input");
      const nobody = { owner: null, offer: null, answer: null, handed: null };
      links.set(nameOf(request), { made: now(), waiter: waiterOf(waiter), bound, ...nobody });
      return done(null);
    },

    async wait(request, waiter) {
      const link = waiting(request, waiter);
      if (link === null) return refused("link-gone");
      if (link.handed !== null) return await handOver(request, link);
      const { offer, answer } = link;
      return done(
        offer === null || answer !== null ? { state: "waiting" } : { state: "offered", offer },
      );
    },

    answer(request, waiter, sealed) {
      const link = waiting(request, waiter);
      if (link === null || link.offer === null) return Promise.resolve(refused("link-gone"));
      // Sent again after a lost answer it is the same; what was looked at must not change.
      link.answer ??= sealed;
      return Promise.resolve(done(null));
    },

    look(login, request) {
      const link = ofOwner(login, request);
      return link ? done({ bound: link.bound, answer: link.answer }) : refused("link-gone");
    },

    async offer(login, request, offer) {
      const link = ofOwner(login, request);
      if (link === null || link.offer !== null) return refused("link-gone");
      link.owner = login;
      link.offer = offer;
      return done(await store.archive.deposits(login.account));
    },

    async hand(login, { request, proof, sealed }) {
      const proven = await passkeys.takeProof(login, proof);
      if (!proven) return refused("bad-proof");
      const link = ofOwner(login, request);
      const ready = link?.owner?.id === login.id && link.answer !== null && link.handed === null;
      if (!ready) return refused("link-gone");
      link.handed = sealed;
      return done(null);
    },

    drop(login, request) {
      const link = find(request);
      if (link?.owner?.id === login.id) links.delete(nameOf(request));
    },
  };
}
