/** Looking people up, and the keys to write to them. Everything is asked for by a signed-in device. */
import type { AccountRow } from "../db/accounts.ts";
import type { PrekeyStock, TakenBundles } from "../db/prekeys.ts";
import { dayOf, type PrekeyUpload, type Signed } from "../protocol/bundle.ts";
import { verifyDeviceList, verifyUpload } from "../protocol/bundle.ts";
import { FormatError, VerifyError } from "../protocol/errors.ts";
import type { AccountId, DeviceId } from "../protocol/ids.ts";
import {
  MAX_LIST_ENTRIES,
  ONE_TIME_KEM_PREKEYS_LOW,
  ONE_TIME_PREKEYS_LOW,
} from "../protocol/limits.ts";
import { USERNAME_PATTERN } from "../protocol/api.ts";
import type { AuthDeps } from "./deps.ts";
import type { Limiter } from "./limits.ts";
import type { DeviceLogin } from "./logins.ts";
import { done, type Outcome, refused } from "./outcome.ts";

/** Somebody, as everybody on this server may see them. */
export interface Person {
  readonly account: AccountId;
  readonly username: string;
  readonly fullName: string;
  readonly entries: Signed[];
}

/** Who the asking device is. */
export interface Me {
  readonly account: AccountId;
  readonly device: DeviceId;
  readonly username: string;
  readonly fullName: string;
  readonly listVersion: number;
}

/** Look-ups and prekeys. The device that asks is always the one of the login, never one it names. */
export interface People {
  me(login: DeviceLogin): Promise<Outcome<Me>>;
  byUsername(login: DeviceLogin, username: string): Promise<Outcome<Person>>;
  /** Entries of the device list with a version of at least `from` only. */
  byId(login: DeviceLogin, account: AccountId, from: number): Promise<Outcome<Person>>;
  bundles(
    login: DeviceLogin,
    account: AccountId,
    devices: readonly DeviceId[],
  ): Promise<Outcome<TakenBundles>>;
  stock(login: DeviceLogin): Promise<PrekeyStock>;
  upload(login: DeviceLogin, upload: PrekeyUpload): Promise<Outcome<PrekeyStock>>;
}

/** People over the store. */
export function createPeople(deps: AuthDeps, limiter: Limiter): People {
  const { accounts, devices, prekeys } = deps.store;

  async function person(row: AccountRow | null, from: number): Promise<Outcome<Person>> {
    if (row === null) return refused("unknown-person");
    const { id: account, username, fullName } = row;
    const entries = await devices.entries(account, from - 1, MAX_LIST_ENTRIES);
    return done({ account, username, fullName, entries });
  }

  async function bundles(
    login: DeviceLogin,
    account: AccountId,
    wanted: readonly DeviceId[],
  ): Promise<Outcome<TakenBundles>> {
    if (wanted.includes(login.device)) return refused("own-device");
    const distinct = new Set(wanted).size === wanted.length && wanted.length > 0;
    if (!distinct) return refused("bad-input");
    if (await accounts.byId(account) === null) return refused("unknown-person");
    const allowed = await limiter.prekeys(login.account, account);
    if (!allowed.ok) return allowed;
    const budget = await limiter.takeOneTime(account, wanted.length);
    const taken = await prekeys.take(account, [...wanted], budget);
    await limiter.returnOneTime(account, budget - taken.oneTimeUsed);
    for (const { device } of taken.bundles) await reportLow(device);
    return done(taken);
  }

  async function reportLow(device: DeviceId): Promise<void> {
    const stock = await prekeys.stock(device);
    const low = stock.oneTime < ONE_TIME_PREKEYS_LOW || stock.kemOnce < ONE_TIME_KEM_PREKEYS_LOW;
    if (low) deps.events.prekeysLow(device, stock);
  }

  async function upload(login: DeviceLogin, sent: PrekeyUpload): Promise<Outcome<PrekeyStock>> {
    const today = dayOf(deps.now());
    try {
      const entries = await devices.entries(login.account, 0, MAX_LIST_ENTRIES);
      const list = await verifyDeviceList(login.account, entries);
      await verifyUpload(list, login.device, sent, today);
    } catch (error) {
      if (error instanceof VerifyError || error instanceof FormatError) return refused("bad-keys");
      throw error;
    }
    return done(await prekeys.upload(login.device, sent, today, deps.limits.prekeyStock));
  }

  return {
    bundles,
    upload,
    async me({ account, device }) {
      const row = await accounts.byId(account);
      if (row === null) return refused("sign-in-needed");
      const { username, fullName, listVersion } = row;
      return done({ account, device, username, fullName, listVersion });
    },
    async byUsername(login, typed) {
      const allowed = await limiter.lookup(login.account);
      if (!allowed.ok) return allowed;
      const username = typed.length > 32 ? "" : typed.toLowerCase();
      const known = USERNAME_PATTERN.test(username);
      return await person(known ? await accounts.byUsername(username) : null, 1);
    },
    async byId(login, account, from) {
      const allowed = await limiter.lookup(login.account);
      return allowed.ok ? await person(await accounts.byId(account), from) : allowed;
    },
    stock: ({ device }) => prekeys.stock(device),
  };
}
