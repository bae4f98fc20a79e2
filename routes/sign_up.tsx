/** `/sign-up`: the form and the code as htmx steps, then the keys as CBOR. */
import type { Context } from "hono";
import { maxLength, optional, pipe, strictObject, string } from "valibot";
import { readLanguage } from "../auth/letters.ts";
import type { Auth } from "../auth/mod.ts";
import type { Refusal, SignUpField } from "../auth/outcome.ts";
import { refused } from "../auth/outcome.ts";
import type { SignUpForm as Form, SignUpProblems } from "../auth/sign_up.ts";
import {
  accountAnswer,
  accountRequest,
  codeAnswer,
  registrationAnswer,
  registrationRequest,
  signUpAnswer,
} from "../protocol/api.ts";
import { Hint } from "../views/fields.tsx";
import type { PageAssets } from "../views/layout.tsx";
import { CodeStep, KeysStep, SignUpForm, SignUpPage, SignUpRefused } from "../views/sign_up.tsx";
import * as answers from "./answers.ts";
import { readCbor, readForm } from "./bodies.ts";
import type { App, AppEnv } from "./env.ts";
import { REFUSALS, wordsOf } from "./refusals.ts";

const shortText = pipe(string(), maxLength(1_000));
const formSchema = strictObject({
  username: shortText,
  fullName: shortText,
  contact: shortText,
  invite: optional(shortText),
});
// htmx sends the whole form around the field that is being typed in.
const checkSchema = strictObject({
  username: optional(shortText),
  fullName: optional(shortText),
  contact: optional(shortText),
  invite: optional(shortText),
});
const codeSchema = strictObject({ code: shortText });
const resendSchema = strictObject({ code: optional(shortText) });

const CODE = { base: "/sign-up" } as const;
const FIELDS: readonly SignUpField[] = ["username", "fullName", "contact"];

/** Adds the sign-up's URLs. */
export function signUpRoutes(app: App, { auth, assets }: { auth: Auth; assets: PageAssets }): void {
  const { signUp, newAccounts } = auth;

  app.get("/sign-up", async (c) => {
    const invite = answers.carriedInvite(c);
    const admitted = await signUp.admits(invite);
    const props = { assets, nonce: c.var.nonce };
    if (!admitted.ok) {
      const { code } = admitted.refusal;
      const words = wordsOf(admitted.refusal);
      return answers.page(
        c,
        <SignUpRefused {...props} words={words} closed={code === "registration-closed"} />,
        REFUSALS[code].status,
      );
    }
    return answers.page(c, <SignUpPage {...props} {...(invite ? { invite } : {})} />);
  });

  app.post("/sign-up/check", async (c) => {
    const form = await readForm(c, checkSchema);
    const field = form.ok ? checkedField(c, form.value) : undefined;
    const text = form.ok && field ? form.value[field] : undefined;
    if (field === undefined || text === undefined) return answers.refuse(c, { code: "bad-input" });
    const judged = await signUp.check(field, text, c.env.address);
    if (judged.ok) return c.html(<Hint field={field} state="ok" words={GOOD[field]} />);
    answers.sayRetryAfter(c, judged.refusal);
    const empty = text.trim() === "";
    const state = empty ? "quiet" : "bad";
    return c.html(<Hint field={field} state={state} words={wordsOf(judged.refusal)} />);
  });

  app.post("/sign-up", async (c) => {
    const form = await readForm(c, formSchema);
    if (!form.ok) return answers.refuse(c, form.refusal);
    // What a terminal made could do nothing before a browser has set a second factor up.
    if (answers.isTerminal(c) && auth.admin.switches().secondFactorRequired) {
      return answers.refuse(c, { code: "second-factor-required" });
    }
    const { username, fullName, contact, invite } = form.value;
    const language = readLanguage(c.req.header("accept-language"));
    const typed = {
      ...{ username, fullName, contact, language },
      ...(invite === undefined ? {} : { invite }),
    };
    const begun = await signUp.begin(typed, answers.carriedChallenge(c), c.env.address);
    if (!begun.ok) return formAgain(c, assets, typed, begun.problems);
    const challenge = answers.giveChallenge(c, begun.challenge);
    if (answers.wantsCbor(c)) return answers.answer(c, signUpAnswer, { next: "code", challenge });
    return c.html(
      <CodeStep {...CODE} assets={assets} nonce={c.var.nonce} contact={begun.contact} />,
    );
  });

  app.post("/sign-up/resend", async (c) => {
    const form = await readForm(c, resendSchema);
    if (!form.ok) return answers.refuse(c, form.refusal);
    const challenge = answers.carriedChallenge(c);
    const sent = await signUp.resend(challenge, c.env.address);
    if (!sent.ok) return await codeAgain(c, assets, signUp, sent.refusal);
    if (answers.wantsCbor(c)) {
      return answers.answer(c, signUpAnswer, { next: "code", challenge: null });
    }
    const contact = await signUp.contact(challenge) ?? "";
    const notice = "Another code is on its way. Only the newest one works.";
    const props = { assets, nonce: c.var.nonce, contact, notice };
    return c.html(<CodeStep {...CODE} {...props} />);
  });

  app.post("/sign-up/code", async (c) => {
    const form = await readForm(c, codeSchema);
    if (!form.ok) return answers.refuse(c, form.refusal);
    const confirmed = await signUp.confirm(answers.carriedChallenge(c), form.value.code);
    if (!confirmed.ok) return await codeAgain(c, assets, signUp, confirmed.refusal);
    const account = confirmed.value;
    if (answers.wantsCbor(c)) return answers.answer(c, codeAnswer, { next: "keys", account });
    return c.html(<KeysStep account={account} />);
  });

  app.post("/sign-up/password", async (c) => {
    const body = await readCbor(c, registrationRequest);
    if (!body.ok) return answers.refuse(c, body.refusal);
    const made = await newAccounts.password(answers.carriedChallenge(c), body.value.request);
    if (!made.ok) return answers.refuse(c, made.refusal);
    return answers.answer(c, registrationAnswer, { response: made.value });
  });

  app.post("/sign-up/account", async (c) => {
    const body = await readCbor(c, accountRequest);
    if (!body.ok) return answers.refuse(c, body.refusal);
    const challenge = answers.carriedChallenge(c);
    const made = await newAccounts.create(challenge, body.value, c.env.address);
    if (!made.ok) return answers.refuse(c, made.refusal);
    answers.dropChallenge(c);
    const { account, device, username, login } = made.value;
    const given = answers.giveLogin(c, login);
    return answers.answer(c, accountAnswer, { account, device, username, login: given });
  });
}

const GOOD: Record<SignUpField, string> = {
  username: "That one is free.",
  fullName: "Shown beside your username.",
  contact: "We send a 6-digit code there. Nobody else sees it.",
};

/** Which field is meant: the one htmx names as its source, or the only one there is. */
function checkedField(
  c: Context<AppEnv>,
  form: Partial<Record<SignUpField, string | undefined>>,
): SignUpField | undefined {
  const source = c.req.header("hx-source");
  const named = FIELDS.find((field) => source === `input#${field}`);
  const there = FIELDS.filter((field) => form[field] !== undefined);
  return named ?? (there.length === 1 ? there[0] : undefined);
}

/** The form with what was typed, and what is wrong beside each field. */
function formAgain(
  c: Context<AppEnv>,
  assets: PageAssets,
  typed: Form,
  problems: SignUpProblems,
): Response | Promise<Response> {
  const refusal = problems.form ?? FIELDS.map((field) => problems[field]).find((one) => one) ??
    refused("bad-input").refusal;
  if (answers.wantsCbor(c)) return answers.refuse(c, refusal);
  answers.sayRetryAfter(c, refusal);
  const words = Object.fromEntries(
    Object.entries(problems).map(([field, problem]) => [field, wordsOf(problem)]),
  );
  const { username, fullName, contact, invite } = typed;
  const props = {
    ...{ assets, nonce: c.var.nonce, problems: words, values: { username, fullName, contact } },
    ...(invite === undefined ? {} : { invite }),
  };
  const status = refusal.code === "name-taken" ? 422 : REFUSALS[refusal.code].status;
  if (!answers.wantsPart(c)) return answers.page(c, <SignUpPage {...props} />, status);
  return c.html(<SignUpForm {...props} />, status);
}

/** The step with the code, and what was wrong; or the form, when there is nothing to go on with. */
async function codeAgain(
  c: Context<AppEnv>,
  assets: PageAssets,
  signUp: Auth["signUp"],
  refusal: Refusal,
): Promise<Response> {
  if (answers.wantsCbor(c)) return answers.refuse(c, refusal);
  answers.sayRetryAfter(c, refusal);
  const contact = await signUp.contact(answers.carriedChallenge(c));
  const { status } = REFUSALS[refusal.code];
  const problem = wordsOf(refusal);
  const props = { assets, nonce: c.var.nonce };
  if (contact === null) {
    return c.html(<SignUpForm {...props} problems={{ form: problem }} />, status);
  }
  return c.html(<CodeStep {...CODE} {...props} contact={contact} problem={problem} />, status);
}
