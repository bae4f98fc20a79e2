/** `/sign-in/passkey`: a passkey alone; and a passkey after the password. */
import type { Auth } from "../auth/mod.ts";
import { nothingSchema, passkeyProof, passkeyQuestion } from "../protocol/passkey_api.ts";
import { answer, refuse } from "./answers.ts";
import { readCbor } from "./bodies.ts";
import type { App } from "./env.ts";
import { answerRight } from "./sign_in.tsx";

/** Adds the URLs of signing in with a passkey. */
export function passkeySignInRoutes(app: App, { auth }: { readonly auth: Auth }): void {
  const { signIn, logins } = auth;

  app.post("/sign-in/passkey/ask", async (c) => {
    const body = await readCbor(c, nothingSchema);
    if (!body.ok) return refuse(c, body.refusal);
    const asked = await signIn.askPasskey(c.env.address);
    return asked.ok ? answer(c, passkeyQuestion, asked.value) : refuse(c, asked.refusal);
  });

  app.post("/sign-in/passkey", async (c) => {
    const body = await readCbor(c, passkeyProof);
    if (!body.ok) return refuse(c, body.refusal);
    const right = await signIn.passkey(body.value);
    return right.ok ? answerRight(c, right.value) : refuse(c, right.refusal);
  });

  app.post("/sign-in/second-factor/ask", async (c) => {
    const login = await logins.authenticate(c.req.raw.headers);
    if (login === null) return refuse(c, { code: "sign-in-needed" });
    const body = await readCbor(c, nothingSchema);
    if (!body.ok) return refuse(c, body.refusal);
    const asked = await signIn.askSecondFactor(login, c.env.address);
    return asked.ok ? answer(c, passkeyQuestion, asked.value) : refuse(c, asked.refusal);
  });

  app.post("/sign-in/second-factor/passkey", async (c) => {
    const login = await logins.authenticate(c.req.raw.headers);
    if (login === null) return refuse(c, { code: "sign-in-needed" });
    const body = await readCbor(c, passkeyProof);
    if (!body.ok) return refuse(c, body.refusal);
    const right = await signIn.secondFactorPasskey(login, body.value);
    return right.ok ? answerRight(c, right.value) : refuse(c, right.refusal);
  });
}
