/** `/reset`, and `/api/reset` for programs: any device of an account sees that somebody wants to start it over, and stops it. */
import type { Context } from "hono";
import { maxLength, pipe, strictObject, string } from "valibot";
import type { Auth, DeviceLogin } from "../auth/mod.ts";
import { nothingSchema } from "../protocol/passkey_api.ts";
import { approveRequest, resetWaitsAnswer } from "../protocol/reset_api.ts";
import type { PageAssets } from "../views/layout.tsx";
import { ResetWaitingPage } from "../views/reset_waiting.tsx";
import { answer, page, refuse, sayRetryAfter, wantsCbor } from "./answers.ts";
import { readCbor, readForm } from "./bodies.ts";
import type { App, AppEnv } from "./env.ts";
import { REFUSALS, wordsOf } from "./refusals.ts";
import { toSignIn } from "./settings_door.ts";

const PATH = "/reset";
const nothing = strictObject({});
const codeSchema = strictObject({ code: pipe(string(), maxLength(1_000)) });

type Handler = (c: Context<AppEnv>, login: DeviceLogin) => Promise<Response>;
type Door = (
  handler: Handler,
  nobody?: (c: Context<AppEnv>) => Response,
) => (c: Context<AppEnv>) => Promise<Response>;
interface Deps {
  readonly auth: Auth;
  readonly assets: PageAssets;
}

/** What terminals ask, and the chat page. */
function programRoutes(app: App, { auth: { startingOver } }: Deps, device: Door): void {
  const nobody = (c: Context<AppEnv>) => refuse(c, { code: "sign-in-needed" });
  const dueOf = async (login: DeviceLogin) => (await startingOver.waiting(login))?.due ?? null;
  const tell = async (c: Context<AppEnv>, login: DeviceLogin) =>
    answer(c, resetWaitsAnswer, { due: await dueOf(login) });

  // For the chat page, which asks at every start, its status is all there is to it.
  app.get(
    "/api/reset",
    device(async (c, login) => {
      if (wantsCbor(c)) return await tell(c, login);
      return c.body(null, await dueOf(login) === null ? 204 : 200);
    }, nobody),
  );

  app.post(
    "/api/reset/stop",
    device(async (c, login) => {
      const body = await readCbor(c, nothingSchema);
      if (!body.ok) return refuse(c, body.refusal);
      await startingOver.stop(login);
      return await tell(c, login);
    }, nobody),
  );

  app.post(
    "/api/reset/approve",
    device(async (c, login) => {
      const body = await readCbor(c, approveRequest);
      if (!body.ok) return refuse(c, body.refusal);
      const approved = await startingOver.approve(login, body.value.code);
      return approved.ok ? await tell(c, login) : refuse(c, approved.refusal);
    }, nobody),
  );
}

/** Adds the URLs. A device's own login is enough: whoever stops something takes nothing from anybody. */
export function resetWaitingRoutes(
  app: App,
  { auth, assets }: Deps,
): void {
  const { startingOver, logins } = auth;
  const device: Door =
    (handler, nobody = (c) => toSignIn(c, PATH)) => async (c: Context<AppEnv>) => {
      const login = await logins.authenticateDevice(c.req.raw.headers);
      return login === null ? nobody(c) : await handler(c, login);
    };

  programRoutes(app, { auth, assets }, device);

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
