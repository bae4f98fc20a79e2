/** `/settings/history`: whether there is a history archive, how large it is, and an end to it. */
import { picklist, strictObject } from "valibot";
import type { Auth } from "../auth/mod.ts";
import type { PageAssets } from "../views/layout.tsx";
import { HistoryPage } from "../views/settings_history.tsx";
import { page, refuse } from "./answers.ts";
import { readForm } from "./bodies.ts";
import type { App } from "./env.ts";
import { withOwner } from "./settings_door.ts";

const PATH = "/settings/history";
const orderSchema = strictObject({ do: picklist(["on", "off", "erase"]) });

/** What was done, by the word in the address; nothing else is said. */
const NOTICES: Readonly<Record<string, string>> = {
  on: "Switched on. Your devices go on with it when they connect.",
  off: "Switched off. Nothing more is added; what is there stays until you erase it.",
  erase: "Erased. Your devices keep what they have.",
};

/** Adds the URLs of the history. */
export function historyRoutes(
  app: App,
  { auth, assets }: { readonly auth: Auth; readonly assets: PageAssets },
): void {
  const { archives } = auth;
  const owner = (handler: Parameters<typeof withOwner>[2]) => withOwner(auth, PATH, handler);

  app.get(
    PATH,
    owner(async (c, login) => {
      const done = c.req.query("done") ?? "";
      const notice = Object.hasOwn(NOTICES, done) ? NOTICES[done] : undefined;
      const { on, bytes, most } = await archives.state(login);
      const props = { assets, nonce: c.var.nonce, on, bytes, most };
      return page(c, <HistoryPage {...props} {...notice ? { notice } : {}} />);
    }),
  );

  app.post(
    PATH,
    owner(async (c, login) => {
      const form = await readForm(c, orderSchema);
      if (!form.ok) return refuse(c, form.refusal);
      const order = form.value.do;
      const { on } = await archives.state(login);
      const wanted = order === "erase" ? { on, erase: true } : { on: order === "on", erase: false };
      await archives.set(login, wanted);
      return c.redirect(`${PATH}?done=${order}`, 303);
    }),
  );
}
