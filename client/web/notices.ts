/** Sentences that matter now and belong to no conversation, and the page that says one thing only. */
import { el, fill, icon, need } from "./dom.ts";

/** The newest this many stay. */
const MOST = 3;

/** Shows a sentence until it is dismissed; the same one is shown once. */
export function notice(words: string): void {
  const area = need("notices");
  const shown = [...area.children];
  if (shown.some((each) => each.querySelector("p")?.textContent === words)) return;
  const close = el("button", { type: "button", class: "quiet", "aria-label": "Dismiss" });
  close.append(icon("x"));
  const made = el("div", { class: "notice" }, el("p", { dir: "auto" }, words), close);
  close.addEventListener("click", () => made.remove());
  area.append(made);
  if (shown.length >= MOST) shown[0]?.remove();
}

export interface Gate {
  readonly title: string;
  readonly words: string;
  readonly list?: readonly string[];
  /** Words and where they lead, the first one as the main way. */
  readonly links?: readonly (readonly [words: string, href: string])[];
  /** A button instead: words and what it does. */
  readonly action?: readonly [words: string, run: () => void];
}

/** Covers the page: there is nothing else to do here. */
export function showGate({ title, words, list = [], links = [], action }: Gate): void {
  need("app").inert = true;
  need("gate-title").textContent = title;
  need("gate-words").textContent = words;
  const items = need("gate-list");
  fill(items, ...list.map((each) => el("li", {}, each)));
  items.hidden = list.length === 0;
  const ways: HTMLElement[] = links.map(([text, href], i) =>
    el("a", { class: i === 0 ? "primary" : "secondary", href }, text)
  );
  if (action) {
    const made = el("button", { type: "button", class: "primary" }, action[0]);
    made.addEventListener("click", action[1]);
    ways.push(made);
  }
  fill(need("gate-actions"), ...ways);
  need("gate").hidden = false;
}

export function hideGate(): void {
  need("gate").hidden = true;
  need("app").inert = false;
}
