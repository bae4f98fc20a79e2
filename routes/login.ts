/** `/api/login`: a device renews its login with its key; `/sign-out` ends it. */
import type { Auth } from "../auth/mod.ts";
import { challengeAnswer, challengeRequest, loginAnswer, loginRequest } from "../protocol/api.ts";
import { answer, dropLogin, giveLogin, refuse, wantsPart } from "./answers.ts";
import { readCbor } from "./bodies.ts";
import type { App } from "./env.ts";

/** Adds the URLs of logins. */
export function loginRoutes(app: App, { auth }: { auth: Auth }): void {
  const { deviceLogins, logins } = auth;

  app.post("/api/login/challenge", async (c) => {
    const body = await readCbor(c, challengeRequest);
    if (!body.ok) return refuse(c, body.refusal);
    const given = await deviceLogins.challenge(body.value, c.env.address);
    if (!given.ok) return refuse(c, given.refusal);
    return answer(c, challengeAnswer, { challenge: given.value });
  });

  app.post("/api/login", async (c) => {
    const body = await readCbor(c, loginRequest);
    if (!body.ok) return refuse(c, body.refusal);
    const renewed = await deviceLogins.login(body.value);
    if (!renewed.ok) return refuse(c, renewed.refusal);
    const { account, device, login } = renewed.value;
    const given = giveLogin(c, login);
    return answer(c, loginAnswer, { account, device, login: given });
  });

  // Signing out twice is no mistake: whoever is signed out already gets the same answer.
  app.post("/sign-out", async (c) => {
    const login = await logins.authenticate(c.req.raw.headers);
    if (login !== null) await logins.end(login);
    dropLogin(c);
    const isForm = (c.req.header("accept") ?? "").includes("text/html") && !wantsPart(c);
    return isForm ? c.redirect("/sign-in", 303) : c.body(null, 204);
  });
}
