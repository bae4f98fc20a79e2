/**
 * Passkeys: made by an owner whose password or passkey was right a moment ago, then good as a second
 * factor, as a sign-in of their own, and as what opens the vault (A8).
 */
import type { AccountRow } from "../db/accounts.ts";
import type { PasskeyPurpose, PasskeyRow } from "../db/passkeys.ts";
import { type Bytes, equalBytes } from "../protocol/encoding.ts";
import { type AccountId, idBytes, idFrom } from "../protocol/ids.ts";
import {
  type AddPasskeyRequest,
  type PasskeyProof,
  type PasskeyQuestion,
} from "../protocol/passkey_api.ts";
import type { AuthDeps } from "./deps.ts";
import { hashOf } from "./digest.ts";
import type { Limiter } from "./limits.ts";
import type { OwnerLogin } from "./logins.ts";
import { done, type Outcome, refused } from "./outcome.ts";
import { createOwnerMail } from "./owner_mail.ts";
import type { SecondFactors } from "./second_factor.ts";
import { createWebAuthn } from "./webauthn.ts";

/** From the question to the answer: somebody may have to find the key first. */
const CHALLENGE_MS = 5 * 60_000;
const MAX_NAME = 40;

/** A passkey that has just proven itself. */
export interface ProvenPasskey {
  readonly passkey: PasskeyRow;
  readonly account: AccountRow;
}

/** Passkeys of accounts. */
export interface Passkeys {
  /** False where no browser would make one: the server is reached by IP address. */
  readonly available: boolean;
  of(account: AccountId): Promise<PasskeyRow[]>;
  /** A question for anybody's passkey, or for those of one account. */
  ask(
    purpose: Exclude<PasskeyPurpose, "proven">,
    login: { readonly id: string; readonly account: AccountId } | null,
    address: string,
  ): Promise<Outcome<PasskeyQuestion>>;
  /** Judges the answer; the question is used up. One refusal for every cause. */
  prove(
    purpose: Exclude<PasskeyPurpose, "proven">,
    login: { readonly id: string; readonly account: AccountId } | null,
    proof: PasskeyProof,
  ): Promise<Outcome<ProvenPasskey>>;
  /** What an owner is given who has proven password or passkey: good for one act of this login. */
  openProof(login: OwnerLogin): Promise<Bytes>;
  takeProof(login: OwnerLogin, proof: Bytes): Promise<boolean>;
  /** The credential was made over such a proof. The value is new recovery codes, where there were none. */
  add(login: OwnerLogin, request: AddPasskeyRequest): Promise<Outcome<string[]>>;
  rename(login: OwnerLogin, id: string, name: string): Promise<Outcome<null>>;
  /** Takes one away; another proof of the owner has come before. */
  remove(login: OwnerLogin, id: string): Promise<Outcome<null>>;
  purge(): Promise<void>;
}

/** Passkeys over the store. */
export function createPasskeys(
  deps: AuthDeps,
  { limiter, secondFactors }: {
    readonly limiter: Limiter;
    readonly secondFactors: SecondFactors;
  },
): Passkeys {
  const { passkeys, accounts } = deps.store;
  const webauthn = createWebAuthn(deps.origin);
  const tellOwner = createOwnerMail(deps);

  async function open(purpose: PasskeyPurpose, login: string | null): Promise<Bytes> {
    const challenge = deps.random(32);
    const made = deps.now();
    const name = { hash: hashOf(challenge), purpose, login };
    await passkeys.openChallenge(name, made, made + CHALLENGE_MS);
    return challenge;
  }

  const takerOf = (purpose: PasskeyPurpose, login: string | null) => (challenge: Bytes) =>
    passkeys.takeChallenge({ hash: hashOf(challenge), purpose, login }, deps.now());

  async function ownerOf(account: AccountId): Promise<AccountRow> {
    const row = await accounts.byId(account);
    if (row === null) throw new Error("a login without an account");
    return row;
  }

  const ask: Passkeys["ask"] = async (purpose, login, address) => {
    const allowed = await limiter.deviceChallenge(address);
    if (!allowed.ok) return allowed;
    const known = login === null ? [] : await passkeys.of(login.account);
    if (login !== null && known.length === 0) return refused("no-passkey");
    const challenge = await open(purpose, login?.id ?? null);
    return done({ challenge, credentials: known.map(({ credential }) => credential) });
  };

  const prove: Passkeys["prove"] = async (purpose, login, proof) => {
    const passkey = await passkeys.byCredential(proof.credential);
    if (passkey === null || !isBound(passkey, login?.account ?? null, proof)) {
      deps.log.info("auth.wrong-passkey");
      return refused("wrong-passkey");
    }
    const taker = takerOf(purpose, login?.id ?? null);
    const counter = await webauthn.checkProof(proof, passkey, taker);
    if (counter === null || !await passkeys.use(passkey.id, counter, deps.now())) {
      deps.log.info("auth.wrong-passkey");
      return refused("wrong-passkey");
    }
    return done({ passkey, account: await ownerOf(passkey.account) });
  };

  async function add(login: OwnerLogin, request: AddPasskeyRequest): Promise<Outcome<string[]>> {
    const name = readPasskeyName(request.name);
    if (name === null) return refused("bad-passkey-name");
    const checked = await webauthn.checkMade(request.made, takerOf("proven", login.id));
    if (checked === null) return refused("bad-passkey");
    const { account } = login;
    const { shown, macs } = secondFactors.newCodes(account);
    const { wrap, generation, made: { transports } } = request;
    const row = {
      ...{ id: idFrom(deps.random(16)), account, name, wrap, ...checked },
      ...{ transports: transports.join(), made: deps.now(), used: null },
    };
    const added = await passkeys.add({ row, generation, codes: macs });
    if (added.kind !== "added") return refused(REASONS[added.kind]);
    if (added.ended.length > 0) deps.events.loginsEnded(added.ended);
    tellOwner((await ownerOf(account)).contact, "passkey-added");
    deps.log.info("auth.passkey-added");
    return done(added.codesTaken ? shown : []);
  }

  async function remove({ account }: OwnerLogin, id: string): Promise<Outcome<null>> {
    const removed = await passkeys.remove(account, id);
    if (removed.kind !== "removed") {
      return refused(removed.kind === "unknown" ? "no-passkey" : "last-key");
    }
    deps.events.loginsEnded(removed.ended);
    tellOwner((await ownerOf(account)).contact, "passkey-removed");
    deps.log.info("auth.passkey-removed");
    return done(null);
  }

  return {
    available: webauthn.available,
    of: (account) => passkeys.of(account),
    ask,
    prove,
    openProof: (login) => open("proven", login.id),
    takeProof: (login, proof) => takerOf("proven", login.id)(proof),
    add,
    async rename({ account }, id, typed) {
      const name = readPasskeyName(typed);
      if (name === null) return refused("bad-passkey-name");
      return await passkeys.rename(account, id, name) ? done(null) : refused("no-passkey");
    },
    remove,
    purge: () => passkeys.purge(deps.now()),
  };
}

const REASONS = {
  stale: "stale-list",
  taken: "passkey-taken",
  full: "passkeys-full",
} as const;

/** Of the account that asks, and made for the account whose handle it brings; a sign-in must bring one. */
function isBound(
  { account }: PasskeyRow,
  asked: AccountId | null,
  { userHandle }: PasskeyProof,
): boolean {
  if (asked !== null && account !== asked) return false;
  return userHandle === null ? asked !== null : equalBytes(userHandle, idBytes(account));
}

/** 1 to 40 characters without controls, spaces at the ends taken off; or null. */
export function readPasskeyName(typed: string): string | null {
  const name = typed.trim().replace(/\s+/g, " ");
  const good = name !== "" && [...name].length <= MAX_NAME && !/\p{C}/u.test(name);
  return good ? name : null;
}
