/** A small typed element builder. Text goes in as text nodes and nothing here takes HTML (security.md W1). */

type Child = Node | string | null | false;

/** Plain attributes; `false` and `null` leave one out, `true` writes it empty. */
type Attributes = Readonly<Record<string, string | number | boolean | null>>;

const SVG = "http://www.w3.org/2000/svg";
/** Filled in by the build. */
const SPRITE = "{{href icons.svg}}";

/** The element by its id, or a thrown Error: shell and script are built together, so its absence is a bug. */
export function need<T extends Element = HTMLElement>(id: string): T {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`the page has no #${id}`);
  return found as Element as T;
}

/** `el("p", { class: "day" }, "Today")`. Attribute names are constants of ours, never data. */
export function el<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) setAttribute(element, name, value);
  element.append(...present(children));
  return element;
}

/** Writes or removes an attribute, and leaves it alone when it is right already. */
export function setAttribute(
  element: Element,
  name: string,
  value: string | number | boolean | null,
): void {
  if (value === null || value === false) return element.removeAttribute(name);
  const text = value === true ? "" : String(value);
  if (element.getAttribute(name) !== text) element.setAttribute(name, text);
}

/** Sets the text, unless it says that already: a live region speaks at every change. */
export function setText(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

/** Replaces everything inside. */
export function fill(element: Element, ...children: readonly Child[]): void {
  element.replaceChildren(...present(children));
}

/** A line icon. Words beside it, or the button's name, say what it means. */
export function icon(name: string): SVGSVGElement {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `${SPRITE}#${name}`);
  svg.append(use);
  return svg;
}

/** A button with words, and what it does. */
export function button(className: string, words: string, run: () => void): HTMLButtonElement {
  const made = el("button", { type: "button", class: className }, words);
  made.addEventListener("click", run);
  return made;
}

function present(children: readonly Child[]): (Node | string)[] {
  return children.filter((child) => child !== null && child !== false);
}
