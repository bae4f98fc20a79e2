/** A labelled field with a line under it that says what is wrong, or, when nothing is, what helps. */
import { el, setAttribute, setText } from "./dom.ts";

type Input = HTMLInputElement | HTMLTextAreaElement;

export interface Field<I extends Input = HTMLInputElement> {
  readonly input: I;
  /** Label, input and line, to be put into a form. */
  readonly parts: readonly HTMLElement[];
  /** Says what is wrong and brings the focus there; null says what helps. */
  say(problem: string | null): void;
}

export interface FieldParts {
  readonly id: string;
  readonly label: string;
  /** What helps, where there is anything to say. */
  readonly hint?: string;
  readonly attributes?: Readonly<Record<string, string | number | boolean>>;
}

const PLAIN = { type: "text", autocomplete: "off" };

export function makeField(parts: FieldParts): Field {
  return fieldAround(el("input", { ...PLAIN, ...parts.attributes, id: parts.id }), parts);
}

export function makeTextField(parts: FieldParts): Field<HTMLTextAreaElement> {
  const attributes = { rows: 2, autocomplete: "off", ...parts.attributes, id: parts.id };
  return fieldAround(el("textarea", attributes), parts);
}

function fieldAround<I extends Input>(input: I, { id, label, hint = "" }: FieldParts): Field<I> {
  const line = el("p", { class: "field-words", id: `${id}-words`, "aria-live": "polite" }, hint);
  input.dir = "auto";
  input.setAttribute("aria-describedby", line.id);
  const say = (problem: string | null) => {
    setText(line, problem ?? hint);
    setAttribute(line, "data-state", problem === null ? null : "bad");
    setAttribute(input, "aria-invalid", problem === null ? null : "true");
    if (problem !== null) input.focus();
  };
  input.addEventListener("input", () => say(null));
  return { input, parts: [el("label", { for: id }, label), input, line], say };
}

/** A form that never leaves the page: `submit` runs instead, once at a time. */
export function makeForm(
  words: string,
  children: readonly (Node | string)[],
  submit: () => Promise<void>,
): { readonly form: HTMLFormElement; readonly button: HTMLButtonElement } {
  const button = el("button", { type: "submit", class: "primary" }, words);
  const form = el("form", { method: "post", novalidate: true }, ...children, button);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (button.getAttribute("aria-busy") === "true") return;
    button.setAttribute("aria-busy", "true");
    void submit().finally(() => button.removeAttribute("aria-busy"));
  });
  return { form, button };
}
