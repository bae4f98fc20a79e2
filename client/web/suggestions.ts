/** People of the directory, offered under a field while a name is typed. */
import type { Found } from "../types.ts";
import { button, el, fill } from "./dom.ts";
import { plainName } from "./names.ts";
import type { MoreParts } from "./more_parts.ts";

/** Nothing is asked before so many letters, nor more often than this. Milliseconds. */
const FEWEST = 2;
const PAUSE = 250;
const MOST = 5;

/** The list to be put under `input`; `chosen` hears of a press. */
export function suggestions(
  { tab }: MoreParts,
  input: HTMLInputElement,
  chosen: (username: string) => void,
): HTMLElement {
  const list = el("ul", { class: "plain-list", "aria-label": "People found", hidden: true });
  const show = (people: readonly Found[]) => {
    list.hidden = people.length === 0;
    fill(list, ...people.slice(0, MOST).map((person) => row(person, chosen)));
  };
  let timer: ReturnType<typeof setTimeout> | undefined;
  let asked = 0;
  const ask = async (words: string, ask: number) => {
    const found = await tab.people.find(words).catch(() => null);
    // Without an answer there are no suggestions: a whole username works all the same.
    if (ask === asked) show(found?.ok ? found.value.filter(notMe) : []);
  };
  const notMe = ({ username }: Found) => username !== tab.me.username;
  input.addEventListener("input", () => {
    clearTimeout(timer);
    const words = input.value.trim().replace(/^@/, "");
    const mine = ++asked;
    if (words.length < FEWEST) return show([]);
    timer = setTimeout(() => void ask(words, mine), PAUSE);
  });
  return list;
}

function row({ username, fullName }: Found, chosen: (username: string) => void): HTMLElement {
  const made = button("plain-choice", "", () => chosen(username));
  fill(made, el("bdi", {}, plainName(fullName, username)), el("span", {}, `@${username}`));
  return el("li", {}, made);
}
