/** The script behind the passkeys in the settings: add one, remove one, do without a password. */
import type { AddedPasskey } from "../../passkeys.ts";
import type { Outcome } from "../../types.ts";
import { hint, need, problem, revealOnDemand } from "./page.ts";

export type Progress = (words: string) => void;

/** What the page asks for; the words of a refusal are for people. */
export interface PasskeySettings {
  /** `password` is null where the account has none: a passkey proves the owner instead. */
  add(name: string, password: string | null, progress: Progress): Promise<Outcome<AddedPasskey>>;
  remove(passkey: string): Promise<Outcome<null>>;
  removePassword(progress: Progress): Promise<Outcome<null>>;
}

/** Takes over the forms of the page; a browser without passkeys is told so where it matters. */
export function runPasskeys(step: HTMLElement, settings: PasskeySettings, able: boolean): void {
  const add = step.querySelector<HTMLFormElement>("#add-passkey");
  if (add) runAdd(step, add, settings, able);
  const password = step.querySelector<HTMLFormElement>("#remove-password");
  if (password) runRemovePassword(password, settings);
}

/** The page that asks before a passkey goes. */
export function runRemovePasskey(form: HTMLFormElement, settings: PasskeySettings): void {
  const button = need<HTMLButtonElement>("[data-by-passkey]", form);
  need<HTMLElement>("[data-needs-script]", form).hidden = false;
  button.addEventListener("click", async () => {
    const passkey = need<HTMLInputElement>("input[name=passkey]", form).value;
    problem(form, null);
    button.disabled = true;
    const outcome = await settings.remove(passkey);
    button.disabled = false;
    if (outcome.ok) location.assign("/settings/passkeys?done=removed");
    else problem(form, outcome.words);
  });
}

function runAdd(
  step: HTMLElement,
  form: HTMLFormElement,
  settings: PasskeySettings,
  able: boolean,
): void {
  revealOnDemand(form);
  const name = need<HTMLInputElement>("#passkey-name", form);
  const password = form.querySelector<HTMLInputElement>("#password");
  if (!able) problem(form, "This browser knows no passkeys. Use a newer one to add one.");
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (form.ariaBusy === "true") return;
    if (name.value.trim() === "") return refuseField(name, "A name, please.");
    if (password?.value === "") return refuseField(password, "Your password, please.");
    hint(name.id, "quiet", "");
    problem(form, null);
    const outcome = await busy(
      form,
      (progress) => settings.add(name.value, password?.value ?? null, progress),
    );
    if (!outcome.ok) return problem(form, outcome.words);
    form.reset();
    if (outcome.value.codes.length > 0) return showCodes(step, outcome.value.codes);
    location.assign("/settings/passkeys?done=added");
  });
}

function runRemovePassword(form: HTMLFormElement, settings: PasskeySettings): void {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (form.ariaBusy === "true") return;
    problem(form, null);
    const outcome = await busy(form, (progress) => settings.removePassword(progress));
    if (outcome.ok) location.assign("/settings/passkeys?done=password-removed");
    else problem(form, outcome.words);
  });
}

/** Once: they are on no other page. */
function showCodes(step: HTMLElement, codes: readonly string[]): void {
  const template = need<HTMLTemplateElement>("#codes-template");
  step.replaceChildren(template.content.cloneNode(true));
  need("ol", step).replaceChildren(...codes.map((text) => {
    const [item, code] = [document.createElement("li"), document.createElement("code")];
    code.textContent = text;
    item.append(code);
    return item;
  }));
  need<HTMLElement>("h1", step).focus();
}

function refuseField(field: HTMLInputElement, words: string): void {
  hint(field.id, "bad", words);
  field.focus();
}

async function busy<T>(
  form: HTMLFormElement,
  work: (progress: Progress) => Promise<T>,
): Promise<T> {
  const working = need<HTMLElement>(`#${form.id}-working`, form);
  const words = need<HTMLElement>("[data-progress]", working);
  const button = need<HTMLButtonElement>("button[type=submit]", form);
  const show = (is: boolean) => {
    form.ariaBusy = String(is);
    working.hidden = !is;
    button.disabled = is;
  };
  show(true);
  try {
    return await work((said) => words.textContent = said);
  } finally {
    show(false);
  }
}
