/** `/api/people`, `/api/accounts` and `/api/me`: who somebody is, and the keys to write to them. */
import type { Context } from "hono";
import type { Auth, DeviceLogin } from "../auth/mod.ts";
import type { Outcome } from "../auth/outcome.ts";
import type { Person } from "../auth/people.ts";
import { bundlesAnswer, bundlesRequest, meAnswer, personAnswer } from "../protocol/api.ts";
import type { AccountId } from "../protocol/ids.ts";
import { parseId } from "../protocol/ids.ts";
import { answer, refuse } from "./answers.ts";
import { readCbor } from "./bodies.ts";
import type { App, AppEnv } from "./env.ts";

/** Runs a handler for a signed-in device only. */
export function withDevice(
  auth: Auth,
  handler: (c: Context<AppEnv>, login: DeviceLogin) => Promise<Response>,
): (c: Context<AppEnv>) => Promise<Response> {
  return async (c) => {
    const login = await auth.logins.authenticateDevice(c.req.raw.headers);
    if (login !== null) return await handler(c, login);
    const held = await auth.logins.isHeld(c.req.raw.headers);
    return refuse(c, { code: held ? "second-factor-required" : "sign-in-needed" });
  };
}

/** Adds the URLs of people. */
export function peopleRoutes(app: App, { auth }: { auth: Auth }): void {
  const { people } = auth;

  app.get(
    "/api/me",
    withDevice(auth, async (c, login) => {
      const me = await people.me(login);
      return me.ok ? answer(c, meAnswer, me.value) : refuse(c, me.refusal);
    }),
  );

  app.get(
    "/api/people/:username",
    withDevice(
      auth,
      async (c, login) =>
        answerPerson(c, await people.byUsername(login, c.req.param("username") ?? "")),
    ),
  );

  app.get(
    "/api/accounts/:account",
    withDevice(auth, async (c, login) => {
      const account = accountOf(c);
      const from = readFrom(c.req.query("from"));
      if (from === null) return refuse(c, { code: "bad-input" });
      if (account === null) return refuse(c, { code: "unknown-person" });
      return answerPerson(c, await people.byId(login, account, from));
    }),
  );

  app.post(
    "/api/accounts/:account/bundles",
    withDevice(auth, async (c, login) => {
      const account = accountOf(c);
      if (account === null) return refuse(c, { code: "unknown-person" });
      const body = await readCbor(c, bundlesRequest);
      if (!body.ok) return refuse(c, body.refusal);
      const taken = await people.bundles(login, account, body.value.devices);
      if (!taken.ok) return refuse(c, taken.refusal);
      const { bundles, missing } = taken.value;
      return answer(c, bundlesAnswer, { bundles, missing });
    }),
  );
}

function answerPerson(c: Context<AppEnv>, person: Outcome<Person>): Response {
  return person.ok ? answer(c, personAnswer, person.value) : refuse(c, person.refusal);
}

function accountOf(c: Context<AppEnv>): AccountId | null {
  return parseId<"account">(c.req.param("account") ?? "");
}

/** The first list version that is wanted; all of them when none is named. */
function readFrom(text: string | undefined): number | null {
  if (text === undefined) return 1;
  return /^[1-9]\d{0,9}$/.test(text) ? Number(text) : null;
}
