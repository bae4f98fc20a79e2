/** `/settings/second-factor`: what is secret is in the answer to one POST, and no GET ever shows it. */
import type { Context } from "hono";
import { maxLength, pipe, strictObject, string } from "valibot";
import type { Auth, OwnerLogin } from "../auth/mod.ts";
import type { Refusal } from "../auth/outcome.ts";
import type { PageAssets } from "../views/layout.tsx";
import {
  EnrolAgainPage,
  EnrolForm,
  EnrolPage,
  RecoveryCodes,
  RecoveryCodesPage,
  SecondFactorPage,
} from "../views/settings_second_factor.tsx";
import { page, refuse, sayRetryAfter, wantsPart } from "./answers.ts";
import { readForm } from "./bodies.ts";
import type { App, AppEnv } from "./env.ts";
import { REFUSALS, wordsOf } from "./refusals.ts";
import { toSignIn, withOwner } from "./settings_door.ts";

const PATH = "/settings/second-factor";
const codeSchema = strictObject({ code: pipe(string(), maxLength(1_000)) });
const nothing = strictObject({});

const NEEDED =
  "This server asks everybody for a second factor. Set yours up, then everything is open to you.";

interface Deps {
  readonly auth: Auth;
  readonly assets: PageAssets;
}

/** Adds the URLs of the second factor. */
export function secondFactorRoutes(app: App, deps: Deps): void {
  const { auth, assets } = deps;
  const { secondFactors } = auth;
  const owner = (handler: Parameters<typeof withOwner>[2]) => withOwner(auth, PATH, handler);

  app.get(PATH, owner((c, login) => overview(c, deps, login)));

  app.post(
    `${PATH}/begin`,
    owner(async (c, login) => {
      const form = await readForm(c, nothing);
      if (!form.ok) return refuse(c, form.refusal);
      const begun = await secondFactors.begin(login);
      if (begun.ok) {
        return page(c, <EnrolPage assets={assets} nonce={c.var.nonce} {...begun.value} />);
      }
      const { refusal } = begun;
      return refusal.code === "sign-in-again"
        ? toSignIn(c, PATH)
        : overview(c, deps, login, { refusal });
    }),
  );

  app.post(
    `${PATH}/confirm`,
    owner(async (c, login) => {
      const form = await readForm(c, codeSchema);
      if (!form.ok) return refuse(c, form.refusal);
      const enrolled = await secondFactors.enrol(login, form.value.code);
      if (!enrolled.ok) return enrolAgain(c, deps, login, enrolled.refusal);
      if (wantsPart(c)) {
        // In the place of the square, which has done its work.
        c.header("HX-Retarget", "#enrol-page");
        return c.html(<RecoveryCodes codes={enrolled.value} first />);
      }
      return page(
        c,
        <RecoveryCodesPage assets={assets} nonce={c.var.nonce} codes={enrolled.value} first />,
      );
    }),
  );

  app.post(
    `${PATH}/recovery-codes`,
    owner(async (c, login) => {
      const form = await readForm(c, codeSchema);
      if (!form.ok) return refuse(c, form.refusal);
      const made = await secondFactors.renewCodes(login, form.value.code);
      if (!made.ok) return overview(c, deps, login, { refusal: made.refusal, about: "codes" });
      const props = { assets, nonce: c.var.nonce, codes: made.value, first: false };
      return page(c, <RecoveryCodesPage {...props} />);
    }),
  );

  app.post(
    `${PATH}/off`,
    owner(async (c, login) => {
      const form = await readForm(c, codeSchema);
      if (!form.ok) return refuse(c, form.refusal);
      const off = await secondFactors.switchOff(login, form.value.code);
      if (!off.ok) return overview(c, deps, login, { refusal: off.refusal, about: "off" });
      return c.redirect("/settings?done=second-factor-off", 303);
    }),
  );
}

/** The page as things stand, with what was wrong with one of its forms. */
async function overview(
  c: Context<AppEnv>,
  { auth, assets }: Deps,
  login: OwnerLogin,
  wrong?: { readonly refusal: Refusal; readonly about?: "codes" | "off" },
): Promise<Response> {
  const factor = await auth.secondFactors.status(login.account);
  if (wrong) sayRetryAfter(c, wrong.refusal);
  const problem = wrong ? { problem: wordsOf(wrong.refusal) } : {};
  const about = wrong?.about && factor ? { about: wrong.about } : {};
  const status = wrong ? REFUSALS[wrong.refusal.code].status : 200;
  const held = await auth.logins.isHeld(c.req.raw.headers);
  const notice = held ? { notice: NEEDED } : {};
  const props = { assets, nonce: c.var.nonce, factor, ...problem, ...about, ...notice };
  return page(c, <SecondFactorPage {...props} />, status);
}

/** A wrong code: the field again. Anything else ends this try, and the page says how to go on. */
function enrolAgain(
  c: Context<AppEnv>,
  deps: Deps,
  login: OwnerLogin,
  refusal: Refusal,
): Response | Promise<Response> {
  const { status } = REFUSALS[refusal.code];
  const props = { assets: deps.assets, nonce: c.var.nonce, problem: wordsOf(refusal) };
  sayRetryAfter(c, refusal);
  if (wantsPart(c)) return c.html(<EnrolForm {...props} />, status);
  const again = refusal.code === "bad-code" || refusal.code === "rate-limited";
  return again
    ? page(c, <EnrolAgainPage {...props} />, status)
    : overview(c, deps, login, { refusal });
}
