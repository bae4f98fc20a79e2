/** `/invites`, where invites are made; and `/invite`, where a link leads. */
import type { Context } from "hono";
import { maxLength, pipe, strictObject, string } from "valibot";
import { INVITE_DAYS, MAX_INVITE_USES } from "../auth/invites.ts";
import type { Auth, OwnerLogin } from "../auth/mod.ts";
import type { Refusal } from "../auth/outcome.ts";
import {
  InviteLinkPage,
  InvitesBody,
  InvitesPage,
  type InvitesProps,
  type NewInvite,
} from "../views/invites.tsx";
import type { PageAssets } from "../views/layout.tsx";
import { Notice } from "../views/sign_up.tsx";
import { giveInvite, page, refuse, sayRetryAfter, wantsPart } from "./answers.ts";
import { readForm } from "./bodies.ts";
import type { App, AppEnv } from "./env.ts";
import { REFUSALS, wordsOf } from "./refusals.ts";
import { withOwner } from "./settings_door.ts";

const PATH = "/invites";
const shortText = pipe(string(), maxLength(1_000));
const wishSchema = strictObject({ uses: shortText, days: shortText });
const revokeSchema = strictObject({ id: shortText });
const linkSchema = strictObject({ invite: shortText });

interface Deps {
  readonly auth: Auth;
  readonly assets: PageAssets;
}

/** What the page shows besides the list. */
interface Shown {
  readonly made?: NewInvite;
  readonly refusal?: Refusal;
  readonly typed?: { readonly uses: string; readonly days: string };
}

/** Adds the URLs of invites. */
export function inviteRoutes(app: App, deps: Deps): void {
  const { auth, assets } = deps;
  const { invites } = auth;
  const owner = (handler: Parameters<typeof withOwner>[2]) => withOwner(auth, PATH, handler);

  app.get(PATH, owner((c, login) => show(c, deps, login, {})));

  app.post(
    PATH,
    owner(async (c, login) => {
      const form = await readForm(c, wishSchema);
      if (!form.ok) return refuse(c, form.refusal);
      const { uses, days } = form.value;
      const made = await invites.make(login, { uses: wholeNumber(uses), days: wholeNumber(days) });
      return made.ok
        ? show(c, deps, login, { made: made.value })
        : show(c, deps, login, { refusal: made.refusal, typed: form.value });
    }),
  );

  app.post(
    `${PATH}/revoke`,
    owner(async (c, login) => {
      const form = await readForm(c, revokeSchema);
      if (!form.ok) return refuse(c, form.refusal);
      // Over already, or not one's own: the list that comes back shows what there is (W12).
      await invites.revoke(login, form.value.id);
      return wantsPart(c) ? show(c, deps, login, {}) : c.redirect(PATH, 303);
    }),
  );

  app.get("/invite", (c) => page(c, <InviteLinkPage assets={assets} nonce={c.var.nonce} />));

  // In a cookie, the secret is in no address, no log and no Referer on its way to the form.
  app.post("/invite", async (c) => {
    const form = await readForm(c, linkSchema);
    if (!form.ok) return refuse(c, form.refusal);
    giveInvite(c, form.value.invite);
    return c.redirect("/sign-up", 303);
  });
}

function wholeNumber(text: string): number {
  return /^\d{1,4}$/.test(text.trim()) ? Number(text) : NaN;
}

async function show(
  c: Context<AppEnv>,
  { auth, assets }: Deps,
  login: OwnerLogin,
  { made, refusal, typed }: Shown,
): Promise<Response> {
  const listed = await auth.invites.list(login);
  if (!listed.ok) return await nobodyInvites(c, assets, listed.refusal);
  const { invites, everybodys, registration } = listed.value;
  if (refusal) sayRetryAfter(c, refusal);
  const props: InvitesProps = {
    ...{ assets, nonce: c.var.nonce, days: INVITE_DAYS, maxUses: MAX_INVITE_USES, registration },
    invites: invites.map(({ makerName, ...invite }) => ({
      ...invite,
      ...(everybodys ? { makerName } : {}),
    })),
    ...(made ? { made } : {}),
    ...(refusal ? { problem: wordsOf(refusal) } : {}),
    ...(typed ? { typed } : {}),
  };
  const status = refusal ? REFUSALS[refusal.code].status : 200;
  return wantsPart(c)
    ? await c.html(<InvitesBody {...props} />, status)
    : await page(c, <InvitesPage {...props} />, status);
}

function nobodyInvites(
  c: Context<AppEnv>,
  assets: PageAssets,
  refusal: Refusal,
): Response | Promise<Response> {
  const props = { assets, nonce: c.var.nonce, title: "Invites", words: wordsOf(refusal) };
  return page(
    c,
    <Notice {...props}>
      <a class="button primary" href="/settings">Back to the settings</a>
    </Notice>,
    REFUSALS[refusal.code].status,
  );
}
