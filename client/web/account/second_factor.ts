/** The step after a right password: a code of the authenticator app, or a recovery code. */
import type { Outcome } from "../../types.ts";
import { need, problem } from "./page.ts";

/** The two ways to answer, and what the field says for each. */
const WAYS = {
  app: {
    label: "Authenticator code",
    other: "Use a recovery code",
    hint: "The six digits that your authenticator app shows for Snug.",
    inputMode: "numeric",
    autocomplete: "one-time-code",
  },
  recovery: {
    label: "Recovery code",
    other: "Use the authenticator app",
    hint: "One of the ten codes you were given. Each works once.",
    inputMode: "text",
    autocomplete: "off",
  },
} as const;

/** The ways there are: a code of either kind, and a passkey where the account has one. */
export interface SecondStep {
  /** Whether the account has an app; else the code is a recovery code. */
  readonly app: boolean;
  readonly code: (code: string) => Promise<Outcome<unknown>>;
  readonly passkey: (() => Promise<Outcome<unknown>>) | null;
}

/** Replaces what is in `step` by the question for the second factor; calls `onward` once it was right. */
export function askForCode(step: Element, ways: SecondStep, onward: () => void): void {
  const template = need<HTMLTemplateElement>("#second-factor-template");
  step.replaceChildren(template.content.cloneNode(true));
  const form = need<HTMLFormElement>("#second-factor", step);
  const code = need<HTMLInputElement>("#factor-code", form);
  const other = offerOtherWay(form, code);
  if (!ways.app) {
    other.click();
    other.hidden = true;
    need<HTMLElement>(".account-other span", form).hidden = true;
  }
  if (ways.passkey) offerPasskey(form, ways.passkey, onward);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (form.ariaBusy === "true") return;
    if (code.value.trim() === "") return refuse(form, code, "The code, please.");
    problem(form, null);
    setBusy(form, true);
    const outcome = await ways.code(code.value);
    setBusy(form, false);
    if (outcome.ok) return onward();
    refuse(form, code, outcome.words);
  });
  code.focus();
}

/** The browser's own window asks; this one waits. */
function offerPasskey(
  form: HTMLFormElement,
  ask: () => Promise<Outcome<unknown>>,
  onward: () => void,
): void {
  const button = need<HTMLButtonElement>("[data-passkey]", form);
  button.hidden = false;
  button.addEventListener("click", async () => {
    if (form.ariaBusy === "true") return;
    problem(form, null);
    setBusy(form, true);
    const outcome = await ask();
    setBusy(form, false);
    if (outcome.ok) onward();
    else problem(form, outcome.words);
  });
}

function offerOtherWay(form: HTMLFormElement, code: HTMLInputElement): HTMLButtonElement {
  const button = need<HTMLButtonElement>("[data-other-way]", form);
  let way: keyof typeof WAYS = "app";
  button.addEventListener("click", () => {
    way = way === "app" ? "recovery" : "app";
    const { label, other, hint, inputMode, autocomplete } = WAYS[way];
    need("label", form).textContent = label;
    need(".hint", form).textContent = hint;
    button.textContent = other;
    code.value = "";
    code.inputMode = inputMode;
    code.setAttribute("autocomplete", autocomplete);
    code.classList.toggle("code-input", way === "app");
    problem(form, null);
    code.focus();
  });
  return button;
}

function refuse(form: HTMLFormElement, code: HTMLInputElement, words: string): void {
  problem(form, words);
  code.setAttribute("aria-invalid", "true");
  code.focus();
  code.select();
}

function setBusy(form: HTMLFormElement, busy: boolean): void {
  form.ariaBusy = String(busy);
  need<HTMLButtonElement>("button[type=submit]", form).disabled = busy;
}
