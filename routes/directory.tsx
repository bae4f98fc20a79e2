/** `/people`, where people look for each other, and `/api/directory`, the same for the chat page. */
import type { Context } from "hono";
import { maxLength, picklist, pipe, strictObject, string } from "valibot";
import type { Auth, DeviceLogin } from "../auth/mod.ts";
import { directoryAnswer, directoryRequest } from "../protocol/directory_api.ts";
import type { PageAssets } from "../views/layout.tsx";
import { FoundPeople, PeoplePage, type PeopleProps } from "../views/people.tsx";
import { answer, page, refuse, sayRetryAfter, wantsPart } from "./answers.ts";
import { readCbor, readForm } from "./bodies.ts";
import type { App, AppEnv } from "./env.ts";
import { withDevice } from "./people.ts";
import { REFUSALS, wordsOf } from "./refusals.ts";
import { toSignIn, withOwner } from "./settings_door.ts";

const PATH = "/people";
const searchSchema = strictObject({ words: pipe(string(), maxLength(1_000)) });
const listedSchema = strictObject({ listed: picklist(["yes", "no"]) });

interface Deps {
  readonly auth: Auth;
  readonly assets: PageAssets;
}

/** Adds the URLs of the directory. */
export function directoryRoutes(app: App, deps: Deps): void {
  const { auth } = deps;
  const { directory } = auth;

  app.post(
    "/api/directory",
    withDevice(auth, async (c, login) => {
      const body = await readCbor(c, directoryRequest);
      if (!body.ok) return refuse(c, body.refusal);
      const found = await directory.find(login, body.value.words);
      if (!found.ok) return refuse(c, found.refusal);
      return answer(c, directoryAnswer, { people: found.value });
    }),
  );

  app.get(PATH, signedIn(auth, (c, login) => show(c, deps, login, "")));

  // Words of a search are in no address and no log.
  app.post(
    PATH,
    signedIn(auth, async (c, login) => {
      const form = await readForm(c, searchSchema);
      return form.ok ? await show(c, deps, login, form.value.words) : refuse(c, form.refusal);
    }),
  );

  app.post(
    `${PATH}/listed`,
    withOwner(auth, PATH, async (c, login) => {
      const form = await readForm(c, listedSchema);
      if (!form.ok) return refuse(c, form.refusal);
      await directory.setListed(login, form.value.listed === "yes");
      return c.redirect(PATH, 303);
    }),
  );
}

/** Any login of a device will do, as in the chat; whoever has none is sent to sign in. */
function signedIn(
  auth: Auth,
  handler: (c: Context<AppEnv>, login: DeviceLogin) => Promise<Response>,
): (c: Context<AppEnv>) => Promise<Response> {
  return async (c) => {
    const login = await auth.logins.authenticateDevice(c.req.raw.headers);
    return login === null ? toSignIn(c, PATH) : await handler(c, login);
  };
}

async function show(
  c: Context<AppEnv>,
  { auth, assets }: Deps,
  login: DeviceLogin,
  words: string,
): Promise<Response> {
  const found = await auth.directory.find(login, words);
  if (!found.ok) sayRetryAfter(c, found.refusal);
  const props: PeopleProps = {
    ...{ assets, nonce: c.var.nonce, words },
    people: found.ok ? found.value : [],
    listed: await auth.directory.isListed(login),
    ...(found.ok ? {} : { problem: wordsOf(found.refusal) }),
  };
  const status = found.ok ? 200 : REFUSALS[found.refusal.code].status;
  return wantsPart(c)
    ? await c.html(<FoundPeople {...props} />, status)
    : await page(c, <PeoplePage {...props} />, status);
}
