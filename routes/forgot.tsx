/** `/forgot`: address, code and second factor as htmx steps; then the recovery key, as CBOR. */
import type { Context } from "hono";
import { maxLength, optional, pipe, strictObject, string } from "valibot";
import { readLanguage } from "../auth/letters.ts";
import type { Auth } from "../auth/mod.ts";
import { done, type Outcome, type Refusal } from "../auth/outcome.ts";
import type { ResetStep } from "../auth/reset.ts";
import type { StartOverState } from "../auth/starting_over.ts";
import type { FormerAccount } from "../db/resets.ts";
import {
  accountAnswer,
  accountRequest,
  finishAnswer,
  registrationAnswer,
  registrationRequest,
  signUpAnswer,
} from "../protocol/api.ts";
import { nothingSchema } from "../protocol/passkey_api.ts";
import { resetChangeRequest, resetStepAnswer, resetVaultAnswer } from "../protocol/reset_api.ts";
import {
  FactorStep,
  ForgotForm,
  ForgotPage,
  RecoverStep,
  StartOverStep,
} from "../views/forgot.tsx";
import type { PageAssets } from "../views/layout.tsx";
import { CodeStep } from "../views/sign_up.tsx";
import * as answers from "./answers.ts";
import { readCbor, readForm } from "./bodies.ts";
import type { App, AppEnv } from "./env.ts";
import { REFUSALS, wordsOf } from "./refusals.ts";

const shortText = pipe(string(), maxLength(1_000));
const formSchema = strictObject({ contact: shortText });
const codeSchema = strictObject({ code: shortText });
const nothing = strictObject({});
/** htmx sends the field of the form that a button is in. */
const besideCodeSchema = strictObject({ code: optional(shortText) });
const CODE = { base: "/forgot" } as const;

interface Deps {
  readonly auth: Auth;
  readonly assets: PageAssets;
}

/** Adds the URLs of forgotten passwords. */
export function forgotRoutes(app: App, deps: Deps): void {
  const { auth: { resets }, assets } = deps;

  app.get("/forgot", (c) => {
    return answers.page(c, <ForgotPage assets={assets} nonce={c.var.nonce} />);
  });

  app.post("/forgot", async (c) => {
    const form = await readForm(c, formSchema);
    if (!form.ok) return answers.refuse(c, form.refusal);
    const { contact } = form.value;
    const language = readLanguage(c.req.header("accept-language"));
    const begun = await resets.begin(contact, c.env.address, language);
    if (!begun.ok) return formAgain(c, assets, begun.refusal, contact);
    const challenge = answers.giveChallenge(c, begun.value.challenge);
    if (answers.wantsCbor(c)) return answers.answer(c, signUpAnswer, { next: "code", challenge });
    return showCode(c, assets, { contact: begun.value.contact });
  });

  app.post("/forgot/resend", async (c) => {
    const form = await readForm(c, besideCodeSchema);
    if (!form.ok) return answers.refuse(c, form.refusal);
    const challenge = answers.carriedChallenge(c);
    const sent = await resets.resend(challenge, c.env.address);
    if (!sent.ok) return await codeAgain(c, deps, sent.refusal);
    if (answers.wantsCbor(c)) {
      return answers.answer(c, signUpAnswer, { next: "code", challenge: null });
    }
    const contact = await resets.contact(challenge) ?? "";
    const notice = "Another code is on its way. Only the newest one works.";
    return showCode(c, assets, { contact, notice });
  });

  app.post("/forgot/code", async (c) => {
    const form = await readForm(c, codeSchema);
    if (!form.ok) return answers.refuse(c, form.refusal);
    const step = await resets.confirm(answers.carriedChallenge(c), form.value.code);
    return step.ok ? await showStep(c, deps, step.value) : await codeAgain(c, deps, step.refusal);
  });

  app.post("/forgot/second-factor", async (c) => {
    const form = await readForm(c, codeSchema);
    if (!form.ok) return answers.refuse(c, form.refusal);
    const step = await resets.secondFactor(answers.carriedChallenge(c), form.value.code);
    if (step.ok) return await showStep(c, deps, step.value);
    const { code } = step.refusal;
    return code === "challenge-gone" || code === "not-confirmed"
      ? formAgain(c, assets, step.refusal)
      : await showFactor(c, deps, step.refusal);
  });

  app.post("/forgot/former", async (c) => {
    const form = await readForm(c, besideCodeSchema);
    if (!form.ok) return answers.refuse(c, form.refusal);
    const before = await resets.provenBefore(answers.carriedChallenge(c));
    if (before.ok) {
      const { username, contact: { key: contact } } = before.value.account;
      return c.html(<RecoverStep {...{ assets, nonce: c.var.nonce, username, contact }} />);
    }
    return before.refusal.code === "second-factor-needed"
      ? await showFactor(c, deps, before.refusal)
      : formAgain(c, assets, before.refusal);
  });

  recoveryRoutes(app, deps);
  startOverRoutes(app, deps);
}

/** What the page's script asks for, once code and factor were right. */
function recoveryRoutes(app: App, { auth: { recoveries, startingOver } }: Deps): void {
  app.post("/forgot/vault", async (c) => {
    const body = await readCbor(c, nothingSchema);
    if (!body.ok) return answers.refuse(c, body.refusal);
    const offered = await recoveries.vault(answers.carriedChallenge(c));
    if (!offered.ok) return answers.refuse(c, offered.refusal);
    const { account: { id: account, aik, username }, entries, vault, former } = offered.value;
    const current = { account, aik, username, entries, vault };
    const before = former && { account, ...recoverable(former) };
    return answers.answer(c, resetVaultAnswer, { ...current, former: before });
  });

  app.post("/forgot/password", async (c) => {
    const body = await readCbor(c, registrationRequest);
    if (!body.ok) return answers.refuse(c, body.refusal);
    const made = await recoveries.password(answers.carriedChallenge(c), body.value.request);
    if (!made.ok) return answers.refuse(c, made.refusal);
    return answers.answer(c, registrationAnswer, { response: made.value });
  });

  app.post("/forgot/change", async (c) => {
    const body = await readCbor(c, resetChangeRequest);
    if (!body.ok) return answers.refuse(c, body.refusal);
    const changed = await recoveries.change(answers.carriedChallenge(c), body.value);
    if (!changed.ok) return answers.refuse(c, changed.refusal);
    answers.dropChallenge(c);
    const { account: { id, aik, username }, entries, deposits, vault, challenge, login } =
      changed.value;
    const given = answers.giveLogin(c, login);
    const known = { account: id, aik, username, entries, deposits, vault, challenge, login: given };
    return answers.answer(c, finishAnswer, { next: "device", ...known });
  });

  app.post("/forgot/start-over", async (c) => {
    const body = await readCbor(c, accountRequest);
    if (!body.ok) return answers.refuse(c, body.refusal);
    const made = await startingOver.startOver(answers.carriedChallenge(c), body.value);
    if (!made.ok) return answers.refuse(c, made.refusal);
    answers.dropChallenge(c);
    const { account, device, username, login } = made.value;
    const given = answers.giveLogin(c, login);
    return answers.answer(c, accountAnswer, { account, device, username, login: given });
  });
}

function recoverable({ aik, generation, sealed, recovery, entries }: FormerAccount) {
  const wraps = [{ kind: "recovery" as const, sealed: recovery }];
  return { aik, entries, vault: { sealed, generation, wraps } };
}

/** Nothing is left: how it stands with starting over, and the button that begins the wait. */
function startOverRoutes(app: App, deps: Deps): void {
  const { auth: { startingOver, resets }, assets } = deps;
  const show = async (c: Context<AppEnv>, state: Outcome<StartOverState>): Promise<Response> => {
    if (!state.ok) return await formAgain(c, assets, state.refusal);
    const proven = await resets.proven(answers.carriedChallenge(c));
    if (!proven.ok) return await formAgain(c, assets, proven.refusal);
    const { id, username, contact } = proven.value.account;
    const names = { account: id, username, contact: contact.address };
    const props = { assets, nonce: c.var.nonce, ...names, state: state.value };
    return await c.html(<StartOverStep {...props} />);
  };

  app.post("/forgot/nothing-left", async (c) => {
    const form = await readForm(c, nothing);
    if (!form.ok) return answers.refuse(c, form.refusal);
    const proven = await resets.proven(answers.carriedChallenge(c));
    return await show(c, proven.ok ? done(await startingOver.state(proven.value)) : proven);
  });

  app.post("/forgot/start-over/ask", async (c) => {
    const form = await readForm(c, nothing);
    if (!form.ok) return answers.refuse(c, form.refusal);
    return await show(c, await startingOver.ask(answers.carriedChallenge(c)));
  });
}

function showCode(
  c: Context<AppEnv>,
  assets: PageAssets,
  props: { readonly contact: string; readonly notice?: string },
): Response | Promise<Response> {
  return c.html(<CodeStep {...CODE} {...props} assets={assets} nonce={c.var.nonce} />);
}

async function showStep(c: Context<AppEnv>, deps: Deps, step: ResetStep): Promise<Response> {
  if (answers.wantsCbor(c)) return answers.answer(c, resetStepAnswer, { next: step.next });
  const props = { assets: deps.assets, nonce: c.var.nonce };
  if (step.next === "second-factor") return await showFactor(c, deps);
  const contact = await deps.auth.resets.contact(answers.carriedChallenge(c)) ?? "";
  return await c.html(<RecoverStep {...props} username={step.username} contact={contact} />);
}

/** The form with what was typed, and what is wrong. */
function formAgain(
  c: Context<AppEnv>,
  assets: PageAssets,
  refusal: Refusal,
  contact = "",
): Response | Promise<Response> {
  if (answers.wantsCbor(c)) return answers.refuse(c, refusal);
  answers.sayRetryAfter(c, refusal);
  const about = ABOUT_CONTACT.has(refusal.code) ? "contact" : "form";
  const props = {
    ...{ assets, nonce: c.var.nonce, contact, about } as const,
    problem: wordsOf(refusal),
  };
  const { status } = REFUSALS[refusal.code];
  return answers.wantsPart(c)
    ? c.html(<ForgotForm {...props} />, status)
    : answers.page(c, <ForgotPage {...props} />, status);
}

const ABOUT_CONTACT: ReadonlySet<Refusal["code"]> = new Set([
  "bad-contact",
  "bad-phone",
  "phone-not-available",
]);

/** The step with the code, and what was wrong; or the form, when there is nothing to go on with. */
async function codeAgain(c: Context<AppEnv>, deps: Deps, refusal: Refusal): Promise<Response> {
  if (answers.wantsCbor(c)) return answers.refuse(c, refusal);
  const contact = await deps.auth.resets.contact(answers.carriedChallenge(c));
  if (contact === null) return await formAgain(c, deps.assets, refusal);
  answers.sayRetryAfter(c, refusal);
  const props = { assets: deps.assets, nonce: c.var.nonce, contact, problem: wordsOf(refusal) };
  return await c.html(<CodeStep {...CODE} {...props} />, REFUSALS[refusal.code].status);
}

/** The question for the second factor, with what was wrong, and the way of old keys where there is one. */
async function showFactor(
  c: Context<AppEnv>,
  { auth: { resets }, assets }: Deps,
  refusal?: Refusal,
): Promise<Response> {
  if (refusal && answers.wantsCbor(c)) return answers.refuse(c, refusal);
  if (refusal) answers.sayRetryAfter(c, refusal);
  const former = (await resets.provenBefore(answers.carriedChallenge(c))).ok;
  const problem = refusal ? { problem: wordsOf(refusal) } : {};
  const props = { assets, nonce: c.var.nonce, former, ...problem };
  return await c.html(<FactorStep {...props} />, refusal ? REFUSALS[refusal.code].status : 200);
}
