/**
 * A forgotten password with nothing left: neither recovery key nor device. The account gets another
 * account key, and everybody it writes to is told. A second factor allows it at once; without one
 * there is a wait in which any device of the account can stop it, or let the browser through whose
 * code somebody types there. The old keys stay for a while,
 * and whoever opens them brings them back.
 */
import type { AccountRow } from "../db/accounts.ts";
import type { FormerAccount, WaitingReset } from "../db/resets.ts";
import type { AccountRequest, Vault } from "../protocol/api.ts";
import { dayOf } from "../protocol/bundle.ts";
import { type Bytes, equalBytes } from "../protocol/encoding.ts";
import { MAX_LIST_ENTRIES } from "../protocol/limits.ts";
import type { ResetChangeRequest } from "../protocol/reset_api.ts";
import { readCode } from "./codes.ts";
import type { AuthDeps } from "./deps.ts";
import { macOf } from "./digest.ts";
import type { Limiter } from "./limits.ts";
import type { DeviceLogin, Logins } from "./logins.ts";
import { type NewlySignedUp, verifyFirstKeys } from "./new_account.ts";
import type { Opaque } from "./opaque.ts";
import { done, type Outcome, refused } from "./outcome.ts";
import { createOwnerMail } from "./owner_mail.ts";
import { readNextOf } from "./passwordless.ts";
import { FORMER_MS, type ProvenReset, type Resets } from "./reset.ts";
import type { PasswordRight } from "./sign_in.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** Without a second factor: time for a device to say no (protocol.md "Reset"). */
const WAIT_MS = 72 * HOUR_MS;
/** Whoever does not come back in this time after the wait begins it anew. */
const TAKE_UP_MS = 7 * DAY_MS;

/** How it stands with starting over: at once, after a wait, or not asked for. */
export type StartOverState =
  | { readonly kind: "now" }
  /** `code` is what a device of the account is told to let this browser through. */
  | { readonly kind: "wait"; readonly due: number; readonly code: string }
  | { readonly kind: "ask" };

/** Starting over, by whoever has shown the mailbox, and stopping it, by any device. */
export interface StartingOver {
  state(proven: ProvenReset): Promise<StartOverState>;
  /** Begins the wait. */
  ask(challenge: string | undefined): Promise<Outcome<StartOverState>>;
  startOver(
    challenge: string | undefined,
    request: AccountRequest,
  ): Promise<Outcome<NewlySignedUp>>;
  former(account: AccountRow): Promise<FormerAccount | null>;
  /** Code and second factor have come before; the signature by the old account key is what counts. */
  bringBack(proven: ProvenReset, request: ResetChangeRequest): Promise<Outcome<PasswordRight>>;
  /** What waits, for a device of the account to see. */
  waiting(login: DeviceLogin): Promise<WaitingReset | null>;
  stop(login: DeviceLogin): Promise<boolean>;
  /** Lets the browser that shows this code start over now. */
  approve(login: DeviceLogin, typed: string): Promise<Outcome<null>>;
  purge(): Promise<void>;
}

/** Starting over, over the store. */
export function createStartingOver(
  deps: AuthDeps,
  { limiter, logins, opaque, resets }: {
    readonly limiter: Limiter;
    readonly logins: Logins;
    readonly opaque: Opaque;
    readonly resets: Resets;
  },
): StartingOver {
  const { store } = deps;
  const tellOwner = createOwnerMail(deps);

  /** Six digits that name one browser to one account; no secret, but nobody else is shown them. */
  function codeOf(challenge: Bytes): string {
    const mac = macOf(deps.secrets.codeKey, "approve", challenge);
    return String(new DataView(mac.buffer).getUint32(0) % 1_000_000).padStart(6, "0");
  }

  async function state(
    { account, factor, challenge: { hash } }: ProvenReset,
  ): Promise<StartOverState> {
    if (factor) return { kind: "now" };
    const row = await store.resets.waiting(account.id);
    if (row === null || row.due + TAKE_UP_MS <= deps.now()) return { kind: "ask" };
    const free = row.due <= deps.now() || await store.resets.isApproved(account.id, hash);
    return free ? { kind: "now" } : { kind: "wait", due: row.due, code: codeOf(hash) };
  }

  async function ask(challenge: string | undefined): Promise<Outcome<StartOverState>> {
    const proven = await resets.proven(challenge);
    if (!proven.ok) return proven;
    const { account, factor } = proven.value;
    if (factor) return done({ kind: "now" });
    const made = deps.now();
    await store.resets.purge(made, made - TAKE_UP_MS);
    if (await store.resets.begin(account.id, { made, due: made + WAIT_MS })) {
      tellOwner(account.contact, "reset-waits");
      deps.log.info("auth.reset-waits");
    }
    return done(await state(proven.value));
  }

  async function startOver(
    challenge: string | undefined,
    request: AccountRequest,
  ): Promise<Outcome<NewlySignedUp>> {
    const proven = await resets.proven(challenge);
    if (!proven.ok) return proven;
    if (!await opaque.isRecord(request.record)) return refused("bad-input");
    const { account: { id, username, contact, aik }, factor, challenge: row } = proven.value;
    const today = dayOf(deps.now());
    const list = await verifyFirstKeys(id, request, today);
    if (list === null || equalBytes(list.aik, aik)) return refused("bad-keys");
    const { device, record, vault, prekeys, list: entry } = request;
    const login = logins.issue(id, device, "full");
    const result = await store.resets.startOver({
      ...{ account: id, challenge: row.hash, record, entry, list, vault, device, prekeys },
      ...{ prekeyDay: today, prekeyStock: deps.limits.prekeyStock, login: login.row },
      ...{ wait: !factor, now: deps.now(), until: deps.now() + FORMER_MS },
    });
    if (result.kind !== "done") return refused(REASONS[result.kind]);
    deps.events.loginsEnded(result.ended);
    deps.events.listChanged(id, list.version);
    tellOwner(contact, "account-reset");
    deps.log.info("auth.account-reset");
    return done({ account: id, device, username, login });
  }

  async function bringBack(
    { account, challenge }: ProvenReset,
    { record, list: entry, vault }: ResetChangeRequest,
  ): Promise<Outcome<PasswordRight>> {
    const former = await store.resets.former(account.id, deps.now());
    if (former === null) return refused("stale-list");
    const read = await readNextOf(account.id, former.entries, { list: entry, vault });
    if (!read.ok) return read;
    const login = logins.issue(account.id, null, "partial");
    const list = read.value.after;
    const result = await store.resets.bringBack({
      ...{ account: account.id, challenge: challenge.hash, record, entry, list, vault },
      ...{ fromGeneration: former.generation, login: login.row, now: deps.now() },
      since: former.until - FORMER_MS,
    });
    if (result.kind !== "done") return refused(REASONS[result.kind]);
    deps.events.loginsEnded(result.ended);
    deps.events.listChanged(account.id, list.version);
    tellOwner(account.contact, "reset-undone");
    deps.log.info("auth.reset-undone");
    return await nextStep(account, login);
  }

  async function nextStep(
    { id }: AccountRow,
    login: ReturnType<Logins["issue"]>,
  ): Promise<Outcome<PasswordRight>> {
    const account = await store.accounts.byId(id);
    const vault: Vault | null = await store.vaults.find(id);
    if (account === null || vault === null) throw new Error("an account without a vault");
    const entries = await store.devices.entries(id, 0, MAX_LIST_ENTRIES);
    const deposits = await store.archive.deposits(id);
    const opened = { account, entries, deposits, vault };
    return done({ ...opened, challenge: login.row.challenge!, login });
  }

  async function approve({ account }: DeviceLogin, typed: string): Promise<Outcome<null>> {
    const code = readCode(typed);
    if (code === null) return refused("bad-code");
    const allowed = await limiter.approval(account);
    if (!allowed.ok) return allowed;
    const browsers = await store.resets.browsers(account, deps.now());
    const meant = browsers.find(({ challenge }) => codeOf(challenge) === code);
    if (meant === undefined) return refused("bad-code");
    if (!await store.resets.approve(account, meant.challenge)) return refused("challenge-gone");
    deps.log.info("auth.reset-approved");
    return done(null);
  }

  return {
    state,
    approve,
    ask,
    startOver,
    bringBack,
    former: ({ id }) => store.resets.former(id, deps.now()),
    waiting: ({ account }) => store.resets.waiting(account),
    async stop({ account }) {
      const stopped = await store.resets.cancel(account);
      const row = stopped ? await store.accounts.byId(account) : null;
      if (row !== null) {
        tellOwner(row.contact, "reset-cancelled");
        deps.log.info("auth.reset-stopped");
      }
      return stopped;
    },
    purge: () => store.resets.purge(deps.now(), deps.now() - TAKE_UP_MS),
  };
}

const REASONS = {
  "challenge-gone": "challenge-gone",
  "not-due": "not-due",
  "stale": "stale-list",
  "bad-keys": "bad-keys",
} as const;
