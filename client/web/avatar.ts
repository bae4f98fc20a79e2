/** The picture of somebody without a picture: initials on two colours that come from the account id. */
import { el } from "./dom.ts";
import { initials, tintOf } from "./names.ts";

/** Decoration: the name is always beside it, so screen readers pass over it. */
export function avatar(
  account: string,
  name: string,
  size: "" | "small" | "big" = "",
): HTMLElement {
  const className = `avatar tint-${tintOf(account)}${size && ` ${size}`}`;
  return el("span", { class: className, "aria-hidden": "true" }, initials(name));
}
