/** A bar with words under it, for what takes more than a moment. */
import { el, setText } from "./dom.ts";

/**
 * Says how far something is.
 * @param share from 0 to 1; null while nobody knows; without one it is over, and the words say how it went
 */
export type Told = (words: string, share?: number | null) => void;

export interface Progress {
  readonly element: HTMLElement;
  readonly told: Told;
}

let made = 0;

export function makeProgress(): Progress {
  const id = `progress-${++made}`;
  const bar = el("progress", { class: "bar", "aria-labelledby": id, max: 1, hidden: true });
  const line = el("p", { class: "field-words", id, role: "status" });
  const told: Told = (words, share) => {
    setText(line, words);
    bar.hidden = share === undefined;
    if (typeof share === "number") bar.value = share;
    else bar.removeAttribute("value");
  };
  return { element: el("div", { class: "progress" }, bar, line), told };
}
