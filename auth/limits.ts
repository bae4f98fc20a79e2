/** How often something may be tried. What is counted is named by HMAC, so no address is stored. */
import type { AuthDeps } from "./deps.ts";
import { macOf } from "./digest.ts";
import { done, type Outcome, refused } from "./outcome.ts";

const SECOND = 1_000;
const HOUR = 3_600 * SECOND;
const DAY = 24 * HOUR;

/** After the free tries at a password: the first wait, which doubles with each further try. */
const FIRST_WAIT_MS = 15 * SECOND;
/** The longest wait. Longer would let a stranger lock an owner out for the day. */
const LONGEST_WAIT_MS = HOUR;
/** One account from all addresses together gets this many times the tries of one address. */
const ALL_ADDRESSES_FACTOR = 10;

/**
 * What came before a second factor: the password, or a login; or the mailbox alone. Counted apart, so that who has
 * only the one keeps nobody waiting who has the other.
 */
export type FactorDoor = "password" | "reset";

/** Asks the counters in words. Every method counts, and refuses when it was too often. */
export interface Limiter {
  signUp(address: string): Promise<Outcome<null>>;
  nameCheck(address: string): Promise<Outcome<null>>;
  /**
   * A new password for an account, at whatever door but its own. What the server answers is a step that
   * a guess at the old password takes as well, so it counts as one.
   */
  newPassword(account: string): Promise<Outcome<null>>;
  /** A code typed on a device to let a waiting browser through. */
  approval(account: string): Promise<Outcome<null>>;
  /** The file of everything, for an account. */
  takeout(account: string): Promise<Outcome<null>>;
  /** An invite made by an account. */
  invite(account: string): Promise<Outcome<null>>;
  /** A letter to `contact`, asked for from `address`. */
  letter(contact: string, address: string): Promise<Outcome<null>>;
  /** A guess at a password. Counted when it begins: the first answer already tells a guesser. */
  password(username: string, address: string): Promise<Outcome<null>>;
  /** The password was right: what this address tried at this account is forgotten. */
  passwordRight(username: string, address: string): Promise<void>;
  /** A try at an account's second factor. */
  secondFactor(account: string, door?: FactorDoor): Promise<Outcome<null>>;
  secondFactorRight(account: string, door?: FactorDoor): Promise<void>;
  deviceChallenge(address: string): Promise<Outcome<null>>;
  lookup(account: string): Promise<Outcome<null>>;
  /** A search in the directory. */
  search(account: string): Promise<Outcome<null>>;
  /** A room code, tried by an account from `address`. */
  roomLookup(account: string, address: string): Promise<Outcome<null>>;
  roomEntry(account: string): Promise<Outcome<null>>;
  report(account: string): Promise<Outcome<null>>;
  /** An answer out of an account's sealed history. */
  archiveRead(account: string): Promise<Outcome<null>>;
  prekeys(fetcher: string, target: string): Promise<Outcome<null>>;
  /** Takes up to `wanted` of the one-time keys of `target` that may still be handed out in this hour. */
  takeOneTime(target: string, wanted: number): Promise<number>;
  /** Gives back what was taken and then not used. */
  returnOneTime(target: string, amount: number): Promise<void>;
}

/** The limiter over the store's counters. */
export function createLimiter(deps: AuthDeps): Limiter {
  const { limits } = deps;
  const counters = deps.store.limits;
  const key = (...parts: string[]) => macOf(deps.secrets.codeKey, "limit", ...parts);
  const outcome = (waitMs: number): Outcome<null> => {
    if (waitMs === 0) return done(null);
    return refused("rate-limited", { retryAfter: Math.ceil(waitMs / SECOND) });
  };
  const window = (most: number, ...name: string[]) => ({ key: key(...name), most, windowMs: HOUR });
  const hourly = async (most: number, ...name: string[]) =>
    outcome(await counters.count([window(most, ...name)], deps.now()));

  /** All three or none: whoever is impatient does not use up the hour by it. */
  async function letter(contact: string, address: string): Promise<Outcome<null>> {
    const between = limits.codeResendSeconds * SECOND;
    const windows = [
      window(limits.codesPerIpHour, "codes from", address),
      window(limits.codesPerAddressHour, "codes to", contact),
      ...between === 0 ? [] : [{ ...window(1, "last code to", contact), windowMs: between }],
    ];
    return outcome(await counters.count(windows, deps.now()));
  }

  async function password(username: string, address: string): Promise<Outcome<null>> {
    const { passwordTries, passwordTriesPerIp } = limits;
    const perAddress = await hourly(passwordTriesPerIp, "passwords from", address);
    if (!perAddress.ok) return perAddress;
    const [narrow, wide] = [key("password", username, address), key("password", username)];
    const everywhere = passwordTries * ALL_ADDRESSES_FACTOR;
    const now = deps.now();
    const wait = await counters.tryAfterWait(narrow, growingWait(passwordTries), DAY, now) ||
      await counters.tryAfterWait(wide, growingWait(everywhere), DAY, now);
    if (wait > 0) deps.log.warn("auth.password-limit");
    return outcome(wait);
  }

  const factorKey = (account: string, door: FactorDoor) =>
    door === "password" ? key("second factor", account) : key("second factor", account, door);
  const oneTimeKeys = (account: string) =>
    window(limits.prekeysPerHour, "one-time keys of", account);
  return {
    letter,
    password,
    signUp: (address) => hourly(limits.signUpsPerIpHour, "sign-ups from", address),
    newPassword: async (account) => {
      const bucket = key("new passwords of", account);
      const wait = growingWait(limits.passwordTries);
      return outcome(await counters.tryAfterWait(bucket, wait, DAY, deps.now()));
    },
    approval: async (account) => {
      const bucket = key("approvals by", account);
      const wait = growingWait(limits.codeTries);
      return outcome(await counters.tryAfterWait(bucket, wait, DAY, deps.now()));
    },
    takeout: (account) => hourly(limits.takeoutsPerHour, "files of", account),
    invite: async (account) => {
      const made = { ...window(limits.invitesPerDay, "invites by", account), windowMs: DAY };
      return outcome(await counters.count([made], deps.now()));
    },
    nameCheck: (address) => hourly(limits.nameChecksPerIpHour, "names from", address),
    passwordRight: (username, address) => counters.clear(key("password", username, address)),
    secondFactor: async (account, door = "password") => {
      const bucket = factorKey(account, door);
      const wait = growingWait(limits.codeTries);
      return outcome(await counters.tryAfterWait(bucket, wait, DAY, deps.now()));
    },
    secondFactorRight: (account, door = "password") => counters.clear(factorKey(account, door)),
    deviceChallenge: (address) => hourly(limits.challengesPerIpHour, "challenges from", address),
    lookup: (account) => hourly(limits.lookupsPerHour, "look-ups by", account),
    search: (account) => hourly(limits.searchesPerHour, "searches by", account),
    roomLookup: async (account, address) => {
      const windows = [
        window(limits.roomLookupsPerHour, "room codes by", account),
        window(limits.roomLookupsPerIpHour, "room codes from", address),
      ];
      return outcome(await counters.count(windows, deps.now()));
    },
    report: async (account) => {
      const day = { ...window(limits.reportsPerDay, "reports by", account), windowMs: DAY };
      return outcome(await counters.count([day], deps.now()));
    },
    archiveRead: (account) => hourly(limits.archiveReadsPerHour, "archive reads by", account),
    roomEntry: (account) => hourly(limits.roomEntriesPerHour, "room entries by", account),
    prekeys: async (fetcher, owner) => {
      const refill = limits.prekeyRefillSeconds * SECOND;
      const bucket = key("prekeys", fetcher, owner);
      return outcome(await counters.drop(bucket, limits.prekeyFetches, refill, deps.now()));
    },
    takeOneTime: (account, wanted) => counters.takeUpTo(wanted, oneTimeKeys(account), deps.now()),
    returnOneTime: async (account, amount) => {
      if (amount > 0) await counters.add(oneTimeKeys(account).key, -amount, deps.now());
    },
  };
}

/** Nothing for the first `free` tries, then 15 s, 30 s, 1 min… up to an hour. */
export function growingWait(free: number): (count: number) => number {
  return (count) => {
    if (count < free) return 0;
    return Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.min(count - free, 20));
  };
}
