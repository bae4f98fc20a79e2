/** `/settings/passkeys`: list, add, rename, remove. Making one takes a script; the rest works without. */
import type { Context } from "hono";
import { maxLength, pipe, strictObject, string } from "valibot";
import type { Auth, OwnerLogin } from "../auth/mod.ts";
import type { Refusal } from "../auth/outcome.ts";
import type { VaultProven } from "../auth/vault_proof.ts";
import { finishRequest, signInAnswer } from "../protocol/api.ts";
import {
  addPasskeyAnswer,
  addPasskeyRequest,
  doneAnswer,
  nothingSchema,
  passkeyProof,
  passkeyQuestion,
  passkeyStartRequest,
  passwordByPasskeyAnswer,
  passwordByPasskeyRequest,
  passwordRemoveRequest,
  removePasskeyRequest,
  vaultProvenAnswer,
} from "../protocol/passkey_api.ts";
import type { PageAssets } from "../views/layout.tsx";
import { PasskeysPage, RemovePasskeyPage } from "../views/settings_passkeys.tsx";
import { answer, page, refuse, sayRetryAfter } from "./answers.ts";
import { readCbor, readForm } from "./bodies.ts";
import type { App, AppEnv } from "./env.ts";
import { REFUSALS, wordsOf } from "./refusals.ts";
import { withOwner } from "./settings_door.ts";

const PATH = "/settings/passkeys";
const shortText = pipe(string(), maxLength(1_000));
const renameSchema = strictObject({ passkey: shortText, name: shortText });
const removeSchema = strictObject({ passkey: shortText, code: shortText });

/** What was done, by the word in the address; nothing else is said. */
const NOTICES: Readonly<Record<string, string>> = {
  added: "Your passkey is ready. Try it the next time you sign in.",
  renamed: "The name is saved.",
  removed: "That passkey is gone. It signs in no more.",
  "password-removed": "Your password is gone. Passkeys and your recovery key open your account.",
};

interface Deps {
  readonly auth: Auth;
  readonly assets: PageAssets;
}

/** Adds the URLs of passkeys. */
export function passkeyRoutes(app: App, deps: Deps): void {
  pageRoutes(app, deps);
  proofRoutes(app, deps);
  changeRoutes(app, deps);
}

/** What people see and send as forms. */
function pageRoutes(app: App, deps: Deps): void {
  const { auth, assets } = deps;
  const { passkeys, secondFactors, settings } = auth;
  const owner = (handler: Parameters<typeof withOwner>[2]) => withOwner(auth, PATH, handler);

  app.get(
    PATH,
    owner((c, login) => {
      const done = c.req.query("done") ?? "";
      const notice = Object.hasOwn(NOTICES, done) ? NOTICES[done] : undefined;
      return overview(c, deps, login, notice === undefined ? {} : { notice });
    }),
  );

  app.post(
    `${PATH}/rename`,
    owner(async (c, login) => {
      const form = await readForm(c, renameSchema);
      if (!form.ok) return refuse(c, form.refusal);
      const { passkey, name } = form.value;
      const renamed = await passkeys.rename(login, passkey, name);
      if (renamed.ok) return c.redirect(`${PATH}?done=renamed`, 303);
      return overview(c, deps, login, { refusal: renamed.refusal, about: passkey, typed: name });
    }),
  );

  const askToRemove = async (
    c: Context<AppEnv>,
    login: OwnerLogin,
    id: string,
    refusal?: Refusal,
  ): Promise<Response> => {
    const found = (await passkeys.of(login.account)).find((one) => one.id === id);
    if (found === undefined) return c.redirect(PATH, 303);
    if (refusal) sayRetryAfter(c, refusal);
    const problem = refusal ? { problem: wordsOf(refusal) } : {};
    const props = { assets, nonce: c.var.nonce, id, name: found.name, ...problem };
    return page(c, <RemovePasskeyPage {...props} />, refusal ? REFUSALS[refusal.code].status : 200);
  };

  app.get(
    `${PATH}/remove`,
    owner((c, login) => askToRemove(c, login, c.req.query("passkey") ?? "")),
  );

  app.post(
    `${PATH}/remove`,
    owner(async (c, login) => {
      const form = await readForm(c, removeSchema);
      if (!form.ok) return refuse(c, form.refusal);
      const { passkey, code } = form.value;
      const proven = await secondFactors.prove(await settings.owner(login), code);
      const removed = proven.ok ? await passkeys.remove(login, passkey) : proven;
      if (!removed.ok) return askToRemove(c, login, passkey, removed.refusal);
      return c.redirect(`${PATH}?done=removed`, 303);
    }),
  );
}

/** An owner proves password or passkey; the answers open the vault. */
function proofRoutes(app: App, { auth }: Deps): void {
  const { passkeys, vaultProofs, passwordChanges } = auth;
  const owner = (handler: Parameters<typeof withOwner>[2]) => withOwner(auth, PATH, handler);

  app.post(
    `${PATH}/start`,
    owner(async (c, login) => {
      const body = await readCbor(c, passkeyStartRequest);
      if (!body.ok) return refuse(c, body.refusal);
      const started = await vaultProofs.start(login, body.value.request, c.env.address);
      return started.ok ? answer(c, signInAnswer, started.value) : refuse(c, started.refusal);
    }),
  );

  app.post(
    `${PATH}/prove`,
    owner(async (c, login) => {
      const body = await readCbor(c, finishRequest);
      if (!body.ok) return refuse(c, body.refusal);
      const proven = await vaultProofs.prove(login, body.value, c.env.address);
      return proven.ok ? answerProven(c, proven.value) : refuse(c, proven.refusal);
    }),
  );

  app.post(
    `${PATH}/ask`,
    owner(async (c, login) => {
      const body = await readCbor(c, nothingSchema);
      if (!body.ok) return refuse(c, body.refusal);
      const asked = await passkeys.ask("owner", login, c.env.address);
      return asked.ok ? answer(c, passkeyQuestion, asked.value) : refuse(c, asked.refusal);
    }),
  );

  app.post(
    `${PATH}/unlock`,
    owner(async (c, login) => {
      const body = await readCbor(c, passkeyProof);
      if (!body.ok) return refuse(c, body.refusal);
      const proven = await vaultProofs.unlock(login, body.value);
      return proven.ok ? answerProven(c, proven.value) : refuse(c, proven.refusal);
    }),
  );

  app.post(
    "/settings/password/passkey",
    owner(async (c, login) => {
      const body = await readCbor(c, passwordByPasskeyRequest);
      if (!body.ok) return refuse(c, body.refusal);
      const started = await passwordChanges.byPasskey(login, body.value);
      if (!started.ok) return refuse(c, started.refusal);
      const { registration, proven: { proof, account: { id, aik }, entries, vault } } =
        started.value;
      const proven = { proof, account: id, aik, entries, vault };
      return answer(c, passwordByPasskeyAnswer, { registration, proven });
    }),
  );
}

/** What changes the account, after a proof. */
function changeRoutes(app: App, { auth }: Deps): void {
  const { passkeys, passwordless } = auth;
  const owner = (handler: Parameters<typeof withOwner>[2]) => withOwner(auth, PATH, handler);

  app.post(
    `${PATH}/add`,
    owner(async (c, login) => {
      const body = await readCbor(c, addPasskeyRequest);
      if (!body.ok) return refuse(c, body.refusal);
      const added = await passkeys.add(login, body.value);
      return added.ok
        ? answer(c, addPasskeyAnswer, { codes: added.value })
        : refuse(c, added.refusal);
    }),
  );

  app.post(
    `${PATH}/remove/passkey`,
    owner(async (c, login) => {
      const body = await readCbor(c, removePasskeyRequest);
      if (!body.ok) return refuse(c, body.refusal);
      const proven = await passkeys.prove("owner", login, body.value.proof);
      const removed = proven.ok ? await passkeys.remove(login, body.value.passkey) : proven;
      return removed.ok ? answer(c, doneAnswer, {}) : refuse(c, removed.refusal);
    }),
  );

  app.post(
    "/settings/password/remove",
    owner(async (c, login) => {
      const body = await readCbor(c, passwordRemoveRequest);
      if (!body.ok) return refuse(c, body.refusal);
      const removed = await passwordless.remove(login, body.value);
      return removed.ok ? answer(c, doneAnswer, {}) : refuse(c, removed.refusal);
    }),
  );
}

function answerProven(c: Context<AppEnv>, proven: VaultProven): Response {
  const { proof, account: { id, aik, username, fullName }, entries, vault, known } = proven;
  const about = { account: id, aik, username, fullName };
  return answer(c, vaultProvenAnswer, { proof, ...about, entries, vault, known });
}

/** The page as things stand, with what was done or what was wrong with one of its names. */
async function overview(
  c: Context<AppEnv>,
  { auth, assets }: Deps,
  login: OwnerLogin,
  shown: {
    readonly notice?: string;
    readonly refusal?: Refusal;
    readonly about?: string;
    readonly typed?: string;
  },
): Promise<Response> {
  const { notice, refusal, about, typed = "" } = shown;
  const rows = await auth.passkeys.of(login.account);
  const { username } = await auth.settings.owner(login);
  const props = {
    ...{ assets, nonce: c.var.nonce, username, available: auth.passkeys.available },
    passkeys: rows.map(({ id, name, made, used, wrap }) => ({
      ...{ id, name, made, used, opensVault: wrap !== null },
      ...(refusal && about === id ? { problem: wordsOf(refusal), typed } : {}),
    })),
    password: await auth.passwordless.has(login),
    ...(notice === undefined ? {} : { notice }),
  };
  return page(c, <PasskeysPage {...props} />, refusal ? REFUSALS[refusal.code].status : 200);
}
