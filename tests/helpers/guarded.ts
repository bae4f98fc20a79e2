/** People with a real vault and, where a test wants it, a second factor: everything as their browser does it. */
import assert from "node:assert/strict";
import { client as opaque, ready } from "@serenity-kit/opaque";
import { Secret, TOTP } from "otpauth";
import {
  type CodeNeeded,
  finishSignUp,
  type FlowParts,
  type SignedIn,
  signIn,
} from "../../client/account_flow.ts";
import { changePassword } from "../../client/password_change.ts";
import type { PasswordClient } from "../../client/password_client.ts";
import { MemoryStore } from "../../client/store_memory.ts";
import type { Outcome } from "../../client/types.ts";
import type { AccountId } from "../../protocol/ids.ts";
import { Visitor, type World } from "./account_world.ts";
import { confirmContact } from "./members.ts";

/** Argon2id that takes no time; the server cannot tell. */
const QUICK = { "argon2id-custom": { iterations: 1, memory: 8, parallelism: 1 } };

/** OPAQUE without the waiting. */
export const quickPassword: PasswordClient = {
  async startRegistration(password) {
    await ready;
    const { clientRegistrationState, registrationRequest } = opaque.startRegistration({ password });
    return { state: clientRegistrationState, request: registrationRequest };
  },
  finishRegistration(password, state, response) {
    const { registrationRecord, exportKey } = opaque.finishRegistration({
      ...{ password, clientRegistrationState: state, registrationResponse: response },
      keyStretching: QUICK,
    });
    return Promise.resolve({ record: registrationRecord, exportKey });
  },
  async startLogin(password) {
    await ready;
    const { clientLoginState, startLoginRequest } = opaque.startLogin({ password });
    return { state: clientLoginState, request: startLoginRequest };
  },
  finishLogin(password, state, response) {
    const done = opaque.finishLogin({
      ...{ password, clientLoginState: state, loginResponse: response, keyStretching: QUICK },
    });
    return Promise.resolve(
      done ? { finish: done.finishLoginRequest, exportKey: done.exportKey } : null,
    );
  },
};

/** Somebody whose vault opens. */
export interface Guarded {
  readonly world: World;
  readonly visitor: Visitor;
  readonly username: string;
  readonly password: string;
  readonly contact: string;
  readonly account: AccountId;
  readonly store: MemoryStore;
  /** Nine groups of four. */
  readonly recoveryKey: string;
}

/** What a flow needs, at one browser or terminal. */
export function flowAt(visitor: Visitor, store: MemoryStore = new MemoryStore()): FlowParts {
  const { now } = visitor.world.clock;
  return {
    ...{ api: visitor.api, store, password: quickPassword, now, mode: "portable" },
    kind: visitor.kind,
  };
}

/** A whole sign-up, with a real vault. */
export async function signUpGuarded(
  world: World,
  username: string,
  visitor = new Visitor(world, "browser"),
): Promise<Guarded> {
  const password = `the long password of ${username}`;
  const account = await confirmContact(visitor, username);
  const store = new MemoryStore();
  const form = { account, username, fullName: `The ${username}`, password };
  const made = await finishSignUp(flowAt(visitor, store), form);
  assert.ok(made.ok, "signed up");
  const { recoveryKey } = made.value;
  const contact = `${username}@example.org`;
  return { world, visitor, username, password, contact, account, store, recoveryKey };
}

/** The password at a place that has nothing of the account yet. */
export function signInAt(
  visitor: Visitor,
  { username, password }: Pick<Guarded, "username" | "password">,
): Promise<Outcome<SignedIn | CodeNeeded>> {
  return signIn(flowAt(visitor), { username, password });
}

/** The password was right, and a code is asked for. */
export async function signInToCode(visitor: Visitor, who: Guarded): Promise<CodeNeeded> {
  const outcome = await signInAt(visitor, who);
  assert.ok(outcome.ok && "codeNeeded" in outcome.value, "a code is asked for");
  return outcome.value;
}

/** Changes the password from where somebody is signed in. */
export function change(
  who: Pick<Guarded, "visitor" | "password">,
  next: string,
  current = who.password,
): Promise<Outcome<null>> {
  const parts = { api: who.visitor.api, password: quickPassword };
  return changePassword(parts, { current, next });
}

/** An authenticator app. */
export interface App {
  /** Base32, as the page shows it. */
  readonly secret: string;
  /** The code of the world's clock, `steps` of 30 seconds later. */
  code(steps?: number): string;
}

/** The app that scanned a secret. */
export function appOf(world: World, secret: string): App {
  const totp = new TOTP({ secret: Secret.fromBase32(secret) });
  const code = (steps = 0) => totp.generate({ timestamp: world.clock.now() + steps * 30_000 });
  return { secret, code };
}

/** Asks for a secret: the page's answer to "Set up an authenticator app". */
export async function scan(who: Guarded): Promise<App> {
  const { status, text } = await who.visitor.form("/settings/second-factor/begin", {});
  assert.equal(status, 200, text);
  return appOf(who.world, secretIn(text));
}

/** The secret that a page shows for typing. */
export function secretIn(page: string): string {
  const shown = /aria-label="Authenticator key">([A-Z2-7 ]+)</.exec(page)?.[1];
  assert.ok(shown, "the key is shown");
  return shown.replaceAll(" ", "");
}

/** The recovery codes that a page shows. */
export function codesIn(page: string): string[] {
  return [...page.matchAll(/<code>([^<]+)<\/code>/g)].map(([, code]) => code!);
}

/** Switches a second factor on. The clock then moves on, so that the app has an unused code. */
export async function enrol(who: Guarded): Promise<{ app: App; codes: string[] }> {
  const app = await scan(who);
  const { status, text } = await who.visitor.form("/settings/second-factor/confirm", {
    code: app.code(),
  });
  assert.equal(status, 200, text);
  who.world.clock.forward(30_000);
  return { app, codes: codesIn(text) };
}
