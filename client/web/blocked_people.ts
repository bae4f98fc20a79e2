/** Everybody whom this account has blocked, and the way back. */
import type { Blocked } from "../types.ts";
import { openDialog } from "./dialog.ts";
import { button, el, fill } from "./dom.ts";
import { type MoreParts, outcomeOf } from "./more_parts.ts";
import { plainName } from "./names.ts";

export async function openBlockedPeople(parts: MoreParts): Promise<void> {
  const { body } = openDialog("Blocked people");
  const list = el("ul", { class: "plain-list" });
  const status = el("p", { role: "status" });
  fill(
    body,
    el("p", {}, "Nothing they write is shown here or on your other devices. They aren’t told."),
    list,
    status,
  );
  const people = await parts.tab.people.blocked().catch(() => null);
  if (people === null) fill(status, parts.failed);
  else fill(list, ...people.map((person) => row(parts, person, status)));
}

function row(parts: MoreParts, person: Blocked, status: HTMLElement): HTMLElement {
  const { account, username, fullName } = person;
  const name = plainName(fullName, username);
  const made = el(
    "li",
    {},
    el("span", { class: "plain-name" }, el("bdi", {}, name), el("span", {}, `@${username}`)),
  );
  const unblock = button("secondary", "Unblock", async () => {
    const outcome = await outcomeOf(parts, parts.tab.people.unblock(account));
    fill(status, outcome.ok ? `${name} is not blocked any more.` : outcome.words);
    if (!outcome.ok) return;
    const next = made.parentElement;
    made.remove();
    next?.querySelector("button")?.focus();
  });
  unblock.setAttribute("aria-label", `Unblock ${name}`);
  made.append(unblock);
  return made;
}
