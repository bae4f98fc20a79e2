/** `/settings/contact`, `/settings/download` and `/settings/delete`: another address, one's own rows, the end. */
import type { Context } from "hono";
import { maxLength, pipe, strictObject, string } from "valibot";
import type { CodeProblems } from "../auth/contact_change.ts";
import type { Takeout } from "../auth/departure.ts";
import type { Auth, OwnerLogin } from "../auth/mod.ts";
import type { Refusal } from "../auth/outcome.ts";
import { deleteRequest } from "../protocol/departure_api.ts";
import { doneAnswer } from "../protocol/passkey_api.ts";
import type { PageAssets } from "../views/layout.tsx";
import {
  ContactPage,
  ContactPart,
  type ContactProps,
  DeletedPage,
  DeletePage,
} from "../views/settings_account.tsx";
import { answer, dropLogin, page, refuse, sayRetryAfter, wantsPart } from "./answers.ts";
import { readCbor, readForm } from "./bodies.ts";
import type { App, AppEnv } from "./env.ts";
import { REFUSALS, wordsOf } from "./refusals.ts";
import { toSignIn, withOwner } from "./settings_door.ts";

const CONTACT = "/settings/contact";
const DOWNLOAD = "/settings/download";
const DELETE = "/settings/delete";
const shortText = pipe(string(), maxLength(1_000));
const contactSchema = strictObject({ contact: shortText });
const codesSchema = strictObject({ old: shortText, new: shortText });
const codeSchema = strictObject({ code: shortText });

interface Deps {
  readonly auth: Auth;
  readonly assets: PageAssets;
}

/** Adds the URLs of address, file and end. */
export function accountSettingsRoutes(app: App, deps: Deps): void {
  contactRoutes(app, deps);
  downloadRoute(app, deps);
  deleteRoutes(app, deps);
}

function contactRoutes(app: App, deps: Deps): void {
  const { auth, assets } = deps;
  const { contactChanges } = auth;
  const owner = (handler: Parameters<typeof withOwner>[2]) => withOwner(auth, CONTACT, handler);

  app.get(CONTACT, owner((c, login) => showContact(c, deps, login, {})));

  app.post(
    CONTACT,
    owner(async (c, login) => {
      const form = await readForm(c, contactSchema);
      if (!form.ok) return refuse(c, form.refusal);
      const begun = await contactChanges.begin(login, form.value.contact, c.env.address);
      if (begun.ok) return await showContact(c, deps, login, { waiting: begun.value });
      if (begun.refusal.code === "sign-in-again") return toSignIn(c, CONTACT);
      sayRetryAfter(c, begun.refusal);
      const problem = wordsOf(begun.refusal);
      const typed = { typed: form.value.contact, problem };
      return await showContact(c, deps, login, typed, REFUSALS[begun.refusal.code].status);
    }),
  );

  app.post(
    `${CONTACT}/codes`,
    owner(async (c, login) => {
      const form = await readForm(c, codesSchema);
      if (!form.ok) return refuse(c, form.refusal);
      const confirmed = await contactChanges.confirm(login, form.value);
      if (!confirmed.ok) return await codesAgain(c, deps, login, confirmed.problems);
      if (!wantsPart(c)) return c.redirect("/settings?done=contact", 303);
      c.header("HX-Redirect", "/settings?done=contact");
      return c.body(null, 204);
    }),
  );

  async function codesAgain(
    c: Context<AppEnv>,
    deps: Deps,
    login: OwnerLogin,
    problems: CodeProblems,
  ): Promise<Response> {
    const waiting = await contactChanges.waiting(login);
    const first = problems.form ?? problems.old ?? problems.new!;
    const words = (problem: Refusal | undefined) => problem ? wordsOf(problem) : undefined;
    const wrong = { old: words(problems.old), new: words(problems.new) };
    const whole = words(problems.form ?? (waiting === null ? first : undefined));
    const { status } = REFUSALS[first.code];
    return waiting === null
      ? await showContact(c, deps, login, { problem: whole ?? "" }, status)
      : await showContact(
        c,
        deps,
        login,
        { waiting, wrong, ...whole ? { problem: whole } : {} },
        status,
      );
  }

  async function showContact(
    c: Context<AppEnv>,
    _deps: Deps,
    login: OwnerLogin,
    shown: Partial<Omit<ContactProps, "assets" | "nonce" | "contact">>,
    status: (typeof REFUSALS)[keyof typeof REFUSALS]["status"] = 200,
  ): Promise<Response> {
    const { contact } = await auth.settings.owner(login);
    const props = { assets, nonce: c.var.nonce, contact: contact.address, ...shown };
    return wantsPart(c)
      ? await c.html(<ContactPart {...props} />, status)
      : await page(c, <ContactPage {...props} />, status);
  }
}

function downloadRoute(app: App, { auth }: Deps): void {
  app.get(
    DOWNLOAD,
    withOwner(auth, DOWNLOAD, async (c, login) => {
      const made = await auth.departures.takeout(login);
      if (made.ok) return sendFile(c, made.value);
      return made.refusal.code === "sign-in-again"
        ? toSignIn(c, DOWNLOAD)
        : refuse(c, made.refusal);
    }),
  );
}

function sendFile(c: Context<AppEnv>, { username, made, content }: Takeout): Response {
  const day = new Date(made).toISOString().slice(0, 10);
  // A username is a-z, 0-9 and _: nothing to encode.
  const disposition = `attachment; filename="snug-${username}-${day}.json"`;
  return c.body(ReadableStream.from(content), 200, {
    "content-type": "application/json; charset=utf-8",
    "content-disposition": disposition,
  });
}

function deleteRoutes(app: App, { auth, assets }: Deps): void {
  const { departures } = auth;
  const owner = (handler: Parameters<typeof withOwner>[2]) => withOwner(auth, DELETE, handler);
  const show = async (c: Context<AppEnv>, login: OwnerLogin, refusal?: Refusal) => {
    const { username } = await auth.settings.owner(login);
    const asksCode = await departures.asksCode(login);
    const problem = refusal ? { problem: wordsOf(refusal) } : {};
    const props = { assets, nonce: c.var.nonce, username, asksCode, ...problem };
    if (refusal) sayRetryAfter(c, refusal);
    return await page(c, <DeletePage {...props} />, refusal ? REFUSALS[refusal.code].status : 200);
  };

  app.get(DELETE, owner((c, login) => show(c, login)));

  app.post(
    `${DELETE}/code`,
    owner(async (c, login) => {
      const form = await readForm(c, codeSchema);
      if (!form.ok) return refuse(c, form.refusal);
      const gone = await departures.byCode(login, form.value.code);
      if (!gone.ok) return await show(c, login, gone.refusal);
      farewell(c);
      return await page(c, <DeletedPage assets={assets} nonce={c.var.nonce} />);
    }),
  );

  app.post(
    DELETE,
    owner(async (c, login) => {
      const body = await readCbor(c, deleteRequest);
      if (!body.ok) return refuse(c, body.refusal);
      const gone = await departures.byProof(login, body.value.proof);
      if (!gone.ok) return refuse(c, gone.refusal);
      farewell(c);
      return answer(c, doneAnswer, {});
    }),
  );

  app.get("/deleted", (c) => page(c, <DeletedPage assets={assets} nonce={c.var.nonce} />));
}

/** Keys and messages in this browser are of no account any more. Only an answer to our own POST says so. */
function farewell(c: Context<AppEnv>): void {
  dropLogin(c);
  c.header("Clear-Site-Data", '"storage"');
}
