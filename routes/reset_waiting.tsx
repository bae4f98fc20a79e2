/** `/reset`: any device of an account sees that somebody wants to start it over, and stops it. */
import type { Context } from "hono";
import { maxLength, pipe, strictObject, string } from "valibot";
import type { Auth, DeviceLogin } from "../auth/mod.ts";
import type { PageAssets } from "../views/layout.tsx";
import { ResetWaitingPage } from "../views/reset_waiting.tsx";
import { page, refuse, sayRetryAfter } from "./answers.ts";
import { readForm } from "./bodies.ts";
import type { App, AppEnv } from "./env.ts";
import { REFUSALS, wordsOf } from "./refusals.ts";
import { toSignIn } from "./settings_door.ts";

const PATH = "/reset";
const nothing = strictObject({});
const codeSchema = strictObject({ code: pipe(string(), maxLength(1_000)) });

/** Adds the URLs. A device's own login is enough: whoever stops something takes nothing from anybody. */
export function resetWaitingRoutes(
  app: App,
  { auth, assets }: { readonly auth: Auth; readonly assets: PageAssets },
): void {
  const { startingOver, logins } = auth;
  const device = (
    handler: (c: Context<AppEnv>, login: DeviceLogin) => Promise<Response>,
    nobody: (c: Context<AppEnv>) => Response = (c) => toSignIn(c, PATH),
  ) =>
  async (c: Context<AppEnv>) => {
    const login = await logins.authenticateDevice(c.req.raw.headers);
    return login === null ? nobody(c) : await handler(c, login);
  };

  // Its status is all there is to it: the chat page asks at every start.
  app.get(
    "/api/reset",
    device(
      async (c, login) => c.body(null, await startingOver.waiting(login) === null ? 204 : 200),
      (c) => refuse(c, { code: "sign-in-needed" }),
    ),
  );

  app.get(
    PATH,
    device(async (c, login) => {
      const due = (await startingOver.waiting(login))?.due ?? null;
      return await page(c, <ResetWaitingPage assets={assets} nonce={c.var.nonce} due={due} />);
    }),
  );

  app.post(
    `${PATH}/approve`,
    device(async (c, login) => {
      const form = await readForm(c, codeSchema);
      if (!form.ok) return refuse(c, form.refusal);
      const approved = await startingOver.approve(login, form.value.code);
      const props = { assets, nonce: c.var.nonce };
      if (approved.ok) return await page(c, <ResetWaitingPage {...props} due={null} approved />);
      sayRetryAfter(c, approved.refusal);
      const due = (await startingOver.waiting(login))?.due ?? null;
      const problem = wordsOf(approved.refusal);
      const { status } = REFUSALS[approved.refusal.code];
      return await page(c, <ResetWaitingPage {...props} due={due} problem={problem} />, status);
    }),
  );

  app.post(
    PATH,
    device(async (c, login) => {
      const form = await readForm(c, nothing);
      if (!form.ok) return refuse(c, form.refusal);
      await startingOver.stop(login);
      const props = { assets, nonce: c.var.nonce, due: null, stopped: true };
      return await page(c, <ResetWaitingPage {...props} />);
    }),
  );
}
