/** `/sign-in`: the page, and the three steps that its script takes. */
import type { Context } from "hono";
import type { Auth } from "../auth/mod.ts";
import type { PasswordRight } from "../auth/sign_in.ts";
import {
  deviceAnswer,
  deviceRequest,
  finishAnswer,
  finishRequest,
  secondFactorRequest,
  signInAnswer,
  signInRequest,
} from "../protocol/api.ts";
import type { PageAssets } from "../views/layout.tsx";
import { SignInPage } from "../views/sign_in.tsx";
import { answer, giveLogin, isTerminal, page, refuse } from "./answers.ts";
import { readCbor } from "./bodies.ts";
import type { App, AppEnv } from "./env.ts";

/** Adds the sign-in's URLs. */
export function signInRoutes(
  app: App,
  { auth, assets, selfSigned = false }: {
    auth: Auth;
    assets: PageAssets;
    /** See AccountRouteDeps. */
    selfSigned?: boolean;
  },
): void {
  const { signIn, logins } = auth;

  app.get("/sign-in", (c) => {
    const next = ownPath(c.req.query("next")) ?? "/";
    const props = {
      assets,
      nonce: c.var.nonce,
      next,
      passkeys: auth.passkeys.available,
      selfSigned,
    };
    return page(c, <SignInPage {...props} />);
  });

  app.post("/sign-in", async (c) => {
    const body = await readCbor(c, signInRequest);
    if (!body.ok) return refuse(c, body.refusal);
    const { username, request } = body.value;
    const started = await signIn.start(username, request, c.env.address);
    return started.ok ? answer(c, signInAnswer, started.value) : refuse(c, started.refusal);
  });

  app.post("/sign-in/finish", async (c) => {
    const body = await readCbor(c, finishRequest);
    if (!body.ok) return refuse(c, body.refusal);
    const carried = await logins.authenticate(c.req.raw.headers);
    const right = await signIn.finish(body.value.attempt, body.value.finish, carried);
    if (!right.ok) return refuse(c, right.refusal);
    if (right.value.next === "device") return answerRight(c, right.value.right);
    const login = giveLogin(c, right.value.login);
    return answer(c, finishAnswer, { next: "second-factor", ways: right.value.ways, login });
  });

  app.post("/sign-in/second-factor", async (c) => {
    const login = await logins.authenticate(c.req.raw.headers);
    if (login === null) return refuse(c, { code: "sign-in-needed" });
    const body = await readCbor(c, secondFactorRequest);
    if (!body.ok) return refuse(c, body.refusal);
    const right = await signIn.secondFactor(login, body.value.code);
    return right.ok ? answerRight(c, right.value) : refuse(c, right.refusal);
  });

  app.post("/sign-in/device", async (c) => {
    const login = await logins.authenticate(c.req.raw.headers);
    if (login === null) return refuse(c, { code: "sign-in-needed" });
    const body = await readCbor(c, deviceRequest);
    if (!body.ok) return refuse(c, body.refusal);
    // A browser is led to where one is set up; a terminal has no such page.
    if (isTerminal(c) && await logins.isHeldAccount(login.account)) {
      return refuse(c, { code: "second-factor-required" });
    }
    const signedIn = await signIn.device(login, body.value);
    if (!signedIn.ok) return refuse(c, signedIn.refusal);
    const { account, device, username, login: issued } = signedIn.value;
    const given = giveLogin(c, issued);
    return answer(c, deviceAnswer, { account, device, username, login: given });
  });
}

/** Everything that opens the vault, and the login that names a device. */
export function answerRight(c: Context<AppEnv>, right: PasswordRight): Response {
  const { account: { id, aik, username }, entries, deposits, vault, challenge, login } = right;
  const given = giveLogin(c, login);
  const known = { account: id, aik, username, entries, deposits, vault, challenge, login: given };
  return answer(c, finishAnswer, { next: "device", ...known });
}

/** Where to go on after signing in: a path of this server and nothing else (W20). */
export function ownPath(next: string | undefined): string | null {
  return next !== undefined && /^(\/[A-Za-z0-9_-]{1,64}){1,6}$/.test(next) ? next : null;
}
