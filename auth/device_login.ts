/**
 * A device takes a new login by signing a challenge, so that conversations and bots go on without
 * a password. Such a login is of the kind `device`: enough to chat, not to change the account.
 */
import type { ChallengeRequest, LoginRequest } from "../protocol/api.ts";
import { loginProofBytes } from "../protocol/api.ts";
import type { Bytes } from "../protocol/encoding.ts";
import type { AccountId, DeviceId } from "../protocol/ids.ts";
import { verifySignature } from "../protocol/verify.ts";
import type { AuthDeps } from "./deps.ts";
import { hashOf } from "./digest.ts";
import { createHold } from "./hold.ts";
import type { Limiter } from "./limits.ts";
import type { IssuedLogin, Logins } from "./logins.ts";
import { done, type Outcome, refused } from "./outcome.ts";

const CHALLENGE_MS = 5 * 60_000;

/** A device's login, renewed. */
export interface Renewed {
  readonly account: AccountId;
  readonly device: DeviceId;
  readonly login: IssuedLogin;
}

/** Renewal in two steps. */
export interface DeviceLogins {
  challenge(request: ChallengeRequest, address: string): Promise<Outcome<Bytes>>;
  login(request: LoginRequest): Promise<Outcome<Renewed>>;
}

/** Device logins over the store. */
export function createDeviceLogins(
  deps: AuthDeps,
  { limiter, logins }: { readonly limiter: Limiter; readonly logins: Logins },
): DeviceLogins {
  const { store, origin, now } = deps;
  const hold = createHold(deps);
  return {
    // An unknown device gets a challenge too: the answer tells nothing.
    async challenge({ device }, address) {
      const allowed = await limiter.deviceChallenge(address);
      if (!allowed.ok) return allowed;
      const challenge = deps.random(32);
      const made = now();
      await store.challenges.openForDevice(hashOf(challenge), device, made, made + CHALLENGE_MS);
      return done(challenge);
    },
    // One refusal for every cause: unknown device, foreign account, old challenge, bad signature.
    async login({ account, device, challenge, signature }) {
      const fresh = await store.challenges.takeForDevice(hashOf(challenge), device, now());
      const row = fresh ? await store.devices.find(device) : null;
      if (row === null || row.account !== account) return refused("bad-proof");
      // Its owner signed it out: the key is no longer enough.
      if (row.passwordNeeded) return refused("bad-proof");
      const proof = loginProofBytes({ account, device, origin, challenge });
      if (!await verifySignature(row.sign, "login", proof, signature)) return refused("bad-proof");
      // Said to nobody but its owner, whose device has just proven itself.
      const owner = await store.accounts.byId(account);
      if (owner === null) return refused("bad-proof");
      if (owner.disabled !== null) return refused("account-disabled");
      if (await hold(account)) return refused("second-factor-required");
      const login = logins.issue(account, device, "device");
      const ended = await store.logins.replaceOfDevice(device, login.row);
      // Removed or signed out while the signature was judged.
      if (ended === null) return refused("bad-proof");
      deps.events.loginsEnded(ended);
      deps.log.info("auth.device-login");
      return done({ account, device, login });
    },
  };
}
