/** `/settings/password`: the page, and the three steps that its script takes. */
import type { Auth } from "../auth/mod.ts";
import {
  finishRequest,
  passwordChangeAnswer,
  passwordChangeRequest,
  passwordProvenAnswer,
  passwordStartAnswer,
  passwordStartRequest,
} from "../protocol/api.ts";
import type { PageAssets } from "../views/layout.tsx";
import { ChangePasswordPage } from "../views/settings_password.tsx";
import { answer, giveLogin, page, refuse } from "./answers.ts";
import { readCbor } from "./bodies.ts";
import type { App } from "./env.ts";
import { withOwner } from "./settings_door.ts";

const PATH = "/settings/password";

/** Adds the URLs of the password. */
export function passwordRoutes(
  app: App,
  { auth, assets }: { readonly auth: Auth; readonly assets: PageAssets },
): void {
  const { passwordChanges, settings } = auth;
  const owner = (handler: Parameters<typeof withOwner>[2]) => withOwner(auth, PATH, handler);

  app.get(
    PATH,
    owner(async (c, login) => {
      const { username, contact } = await settings.owner(login);
      const ways = {
        password: await auth.passwordless.has(login),
        passkeys: (await auth.passkeys.of(login.account)).some(({ wrap }) => wrap !== null),
      };
      const props = { assets, nonce: c.var.nonce, username, contact: contact.address, ...ways };
      return page(c, <ChangePasswordPage {...props} />);
    }),
  );

  app.post(
    `${PATH}/start`,
    owner(async (c, login) => {
      const body = await readCbor(c, passwordStartRequest);
      if (!body.ok) return refuse(c, body.refusal);
      const started = await passwordChanges.start(login, body.value, c.env.address);
      if (!started.ok) return refuse(c, started.refusal);
      return answer(c, passwordStartAnswer, started.value);
    }),
  );

  app.post(
    `${PATH}/prove`,
    owner(async (c, login) => {
      const body = await readCbor(c, finishRequest);
      if (!body.ok) return refuse(c, body.refusal);
      const proven = await passwordChanges.prove(login, body.value, c.env.address);
      if (!proven.ok) return refuse(c, proven.refusal);
      const { proof, account: { id, aik }, entries, vault } = proven.value;
      return answer(c, passwordProvenAnswer, { proof, account: id, aik, entries, vault });
    }),
  );

  app.post(
    `${PATH}/change`,
    owner(async (c, login) => {
      const body = await readCbor(c, passwordChangeRequest);
      if (!body.ok) return refuse(c, body.refusal);
      const changed = await passwordChanges.change(login, body.value);
      if (!changed.ok) return refuse(c, changed.refusal);
      return answer(c, passwordChangeAnswer, { login: giveLogin(c, changed.value) });
    }),
  );
}
