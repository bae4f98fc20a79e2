/** Taking one's own with one, and going: the file of everything stored, and the end of an account. */
import type { AccountRow } from "../db/accounts.ts";
import type { StoredRow } from "../db/exports.ts";
import { type Bytes, toBase64Url, utf8 } from "../protocol/encoding.ts";
import type { AuthDeps } from "./deps.ts";
import type { Limiter } from "./limits.ts";
import type { OwnerLogin } from "./logins.ts";
import { done, type Outcome, refused } from "./outcome.ts";
import { createOwnerMail } from "./owner_mail.ts";
import type { Passkeys } from "./passkeys.ts";
import type { SecondFactors } from "./second_factor.ts";

/** The file holds what would help a guesser: it needs a password of the last hour. */
const FRESH_MS = 3_600_000;

/** What an owner takes away. */
export interface Takeout {
  readonly username: string;
  /** Milliseconds since 1970. */
  readonly made: number;
  /** JSON in UTF-8: bytes in base64url, times in milliseconds since 1970. */
  readonly content: AsyncIterable<Bytes>;
}

/** Going. */
export interface Departures {
  takeout(login: OwnerLogin): Promise<Outcome<Takeout>>;
  /** Whether a second factor's code is what going asks for; else it is the password. */
  asksCode(login: OwnerLogin): Promise<boolean>;
  byCode(login: OwnerLogin, typed: string): Promise<Outcome<null>>;
  /** `proof`: the password, or a passkey, was right a moment ago. */
  byProof(login: OwnerLogin, proof: Bytes): Promise<Outcome<null>>;
  purge(): Promise<void>;
}

/** Departures over the store. */
export function createDepartureDesk(
  deps: AuthDeps,
  { limiter, passkeys, secondFactors }: {
    readonly limiter: Limiter;
    readonly passkeys: Passkeys;
    readonly secondFactors: SecondFactors;
  },
): Departures {
  const { accounts, departures, exports } = deps.store;
  const tellOwner = createOwnerMail(deps);

  async function ownerOf({ account }: OwnerLogin): Promise<AccountRow> {
    const row = await accounts.byId(account);
    if (row === null) throw new Error("a login without an account");
    return row;
  }

  async function remove(login: OwnerLogin): Promise<Outcome<null>> {
    const { id, contact } = await ownerOf(login);
    const gone = await departures.remove(id, deps.now());
    if (gone.kind === "last-admin") return refused("last-admin");
    // Sockets close at once; the letter goes to the address that is known no more.
    deps.events.loginsEnded(gone.ended);
    tellOwner(contact, "account-deleted");
    deps.log.info("auth.account-deleted");
    return done(null);
  }

  async function* pieces({ id, username }: AccountRow): AsyncGenerator<Bytes> {
    const head = { server: deps.origin, username, made: deps.now() };
    yield utf8(`${JSON.stringify(head).slice(0, -1)},"tables":{`);
    for (const [i, table] of exports.tables.entries()) {
      yield utf8(`${i === 0 ? "" : ","}\n${JSON.stringify(table)}:[`);
      let [after, first]: [number | null, boolean] = [0, true];
      while (after !== null) {
        const page = await exports.page(table, id, after);
        for (const row of page.rows) {
          yield utf8(`${first ? "" : ","}\n${JSON.stringify(readable(row))}`);
          first = false;
        }
        after = page.next;
      }
      yield utf8("]");
    }
    yield utf8("}}\n");
  }

  const asksCode = async ({ account }: OwnerLogin) => await secondFactors.status(account) !== null;
  return {
    asksCode,
    async takeout(login) {
      if (login.made + FRESH_MS <= deps.now()) return refused("sign-in-again");
      const allowed = await limiter.takeout(login.account);
      if (!allowed.ok) return allowed;
      const owner = await ownerOf(login);
      return done({ username: owner.username, made: deps.now(), content: pieces(owner) });
    },
    async byCode(login, typed) {
      const right = await secondFactors.prove(await ownerOf(login), typed);
      return right.ok ? await remove(login) : right;
    },
    async byProof(login, proof) {
      if (await asksCode(login)) return refused("second-factor-needed");
      if (!await passkeys.takeProof(login, proof)) return refused("attempt-gone");
      return await remove(login);
    },
    purge: () => departures.purge(deps.now()),
  };
}

function readable(row: StoredRow): Record<string, string | number | null> {
  const entries = Object.entries(row).map(([name, value]) =>
    [name, value instanceof Uint8Array ? toBase64Url(value) : value] as const
  );
  return Object.fromEntries(entries);
}
