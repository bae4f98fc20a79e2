/** Logins: 256 random bits that somebody carries, of which the server keeps the SHA-256. */
import type { ListedLogin, LoginKind, LoginRow } from "../db/logins.ts";
import { type AccountId, type DeviceId, idFrom } from "../protocol/ids.ts";
import type { AuthDeps } from "./deps.ts";
import { hashOfCarried, newCarried } from "./digest.ts";
import { createHold } from "./hold.ts";
import { troubleOf } from "../db/trouble.ts";

/** The cookie of a browser's login. `__Host-`: this host only, over TLS only, no other path. */
export const LOGIN_COOKIE = "__Host-snug";

/** Between the password and the device: long enough to open a vault on a slow phone. */
const PARTIAL_MS = 10 * 60_000;
/** "Last used" is exact to the minute, so that reading does not mean writing. */
const USE_STEP_MS = 60_000;
/** Settings need a sign-in by password that is no older. */
const OWNER_MS = 30 * 86_400_000;

/** A login that is alive. */
export interface Login {
  readonly id: string;
  readonly account: AccountId;
  readonly kind: LoginKind;
  readonly device: DeviceId | null;
  readonly challenge: LoginRow["challenge"];
  readonly made: number;
}

/** A login with a device: what all of `/api` and the socket ask for. */
export interface DeviceLogin extends Login {
  readonly device: DeviceId;
}

/** A sign-in by password: what settings ask for. A device's key alone is not enough. */
export interface OwnerLogin extends DeviceLogin {
  readonly kind: "full";
}

/** A new login: what is kept, and what is carried. */
export interface IssuedLogin {
  readonly row: LoginRow;
  readonly secret: string;
  /** Seconds until it ends in any case. */
  readonly maxAge: number;
}

/** What of a request can carry a login. */
export interface Carrier {
  get(name: string): string | null;
}

/** Logins of this server. */
export interface Logins {
  /** Makes one; the caller stores `row`. */
  issue(account: AccountId, device: DeviceId | null, kind: LoginKind): IssuedLogin;
  /** A partial login that has a second factor ahead of it: with no challenge it can name no device. */
  issueUnproven(account: AccountId): IssuedLogin;
  /** The login of a request, or null. Browsers use the cookie; whoever sends neither cookie nor Origin, a bearer. */
  authenticate(headers: Carrier): Promise<Login | null>;
  /** The same, only for logins with a device. */
  authenticateDevice(headers: Carrier): Promise<DeviceLogin | null>;
  /** The same, only for a sign-in by password of the last 30 days. */
  authenticateOwner(headers: Carrier): Promise<OwnerLogin | null>;
  /** Whether the request's login could do more, if its account had the second factor that this server asks for. */
  isHeld(headers: Carrier): Promise<boolean>;
  /** Whether logins of the account would be held now. */
  isHeldAccount(account: AccountId): Promise<boolean>;
  /** The same as {@link authenticateOwner}, held or not: for the page that sets a second factor up. */
  authenticateHeldOwner(headers: Carrier): Promise<OwnerLogin | null>;
  /** Where an account is signed in. */
  list(account: AccountId): Promise<ListedLogin[]>;
  end(login: Login): Promise<void>;
  /** Ends the account's other logins. */
  endOthers(login: Login): Promise<void>;
  /** Forgets logins that time has ended; sockets that were opened with them close. */
  purge(): Promise<void>;
}

/** Logins over the store. */
export function createLogins(deps: AuthDeps): Logins {
  const { limits, store, now } = deps;
  const idleMs = limits.loginIdleSeconds * 1_000;

  function issue(account: AccountId, device: DeviceId | null, kind: LoginKind): IssuedLogin {
    const { secret, hash } = newCarried(deps.random);
    const lifetime = kind === "partial" ? PARTIAL_MS : limits.loginSeconds * 1_000;
    const made = now();
    const challenge = kind === "partial" ? deps.random(32) : null;
    const id = idFrom(deps.random(16));
    const row = { id, hash, account, device, kind, challenge, made, used: made };
    return { row: { ...row, expires: made + lifetime }, secret, maxAge: lifetime / 1_000 };
  }

  const hold = createHold(deps);

  function alive({ made, used, expires }: LoginRow): boolean {
    // One step of slack: a clock that is set back a little signs nobody out.
    return made <= now() + USE_STEP_MS && expires > now() && used + idleMs > now();
  }

  async function authenticate(headers: Carrier): Promise<Login | null> {
    const hash = hashOfCarried(carriedLogin(headers));
    const row = hash === null ? null : await store.logins.find(hash);
    if (row === null || !alive(row)) return null;
    if (row.used + USE_STEP_MS <= now()) await noteUse(row.id);
    return row;
  }

  /** A disk that takes nothing more keeps nobody from reading. */
  async function noteUse(id: string): Promise<void> {
    try {
      await store.logins.use(id, now());
    } catch (error) {
      if (troubleOf(error) === null) throw error;
      deps.log.warn("login.use_unwritten", { error });
    }
  }

  async function heldOwner(headers: Carrier): Promise<OwnerLogin | null> {
    const login = await authenticate(headers);
    const recent = login !== null && login.made + OWNER_MS > now();
    return recent && isOwner(login) ? login : null;
  }

  return {
    issue,
    issueUnproven(account) {
      const issued = issue(account, null, "partial");
      return { ...issued, row: { ...issued.row, challenge: null } };
    },
    authenticate,
    async authenticateDevice(headers) {
      const login = await authenticate(headers);
      return login !== null && hasDevice(login) && !await hold(login.account) ? login : null;
    },
    async authenticateOwner(headers) {
      const login = await heldOwner(headers);
      return login !== null && !await hold(login.account) ? login : null;
    },
    authenticateHeldOwner: heldOwner,
    isHeldAccount: hold,
    async isHeld(headers) {
      const login = await authenticate(headers);
      return login !== null && hasDevice(login) && await hold(login.account);
    },
    list: (account) => store.logins.ofAccount(account, now() - idleMs, now()),
    async end({ account, id }) {
      await store.logins.end(account, id);
      deps.events.loginsEnded([id]);
    },
    async endOthers({ account, id }) {
      deps.events.loginsEnded(await store.logins.endOthers(account, id));
    },
    async purge() {
      const ended = await store.logins.purge(now(), idleMs);
      if (ended.length > 0) deps.events.loginsEnded(ended);
    },
  };
}

function hasDevice(login: Login): login is DeviceLogin {
  return login.device !== null && login.kind !== "partial";
}

function isOwner(login: Login): login is OwnerLogin {
  return login.kind === "full" && login.device !== null;
}

/**
 * A bearer counts only without a cookie and without an Origin (W6): a page, ours or another's,
 * can never choose which login its browser acts with.
 */
function carriedLogin(headers: Carrier): string | undefined {
  const cookies = headers.get("cookie");
  if (cookies !== null) return cookieValue(cookies, LOGIN_COOKIE);
  if (headers.get("origin") !== null) return undefined;
  return /^bearer +([A-Za-z0-9_-]{43})$/i.exec(headers.get("authorization") ?? "")?.[1];
}

/** The value of one cookie; undefined when it is missing or there twice. */
export function cookieValue(header: string, name: string): string | undefined {
  const pairs = header.slice(0, 8_192).split(";").map((pair) => pair.trim());
  const values = pairs.filter((pair) => pair.startsWith(`${name}=`));
  return values.length === 1 ? values[0]!.slice(name.length + 1) : undefined;
}
