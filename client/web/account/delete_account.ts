/** The script behind the end of an account: the password stays here. */
import type { Outcome } from "../../types.ts";
import { need, problem, progress, revealOnDemand } from "./page.ts";

/** Deletes the account, and says what it is doing. */
export type DeleteAccount = (
  password: string,
  progress: (words: string) => void,
) => Promise<Outcome<unknown>>;

/** Takes over the form. */
export function runDeleteAccount(form: HTMLFormElement, remove: DeleteAccount): void {
  revealOnDemand(form);
  const password = need<HTMLInputElement>("#password", form);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (form.ariaBusy === "true") return;
    if (password.value === "") return refuse(form, password, "Your password, please.");
    problem(form, null);
    setBusy(form, true);
    const outcome = await remove(password.value, progress);
    setBusy(form, false);
    if (!outcome.ok) return refuse(form, password, outcome.words);
    form.reset();
    location.replace("/deleted");
  });
}

function refuse(form: HTMLFormElement, field: HTMLInputElement, words: string): void {
  problem(form, words);
  field.focus();
  field.select();
}

function setBusy(form: HTMLFormElement, busy: boolean): void {
  form.ariaBusy = String(busy);
  need<HTMLElement>("#delete-account-working", form).hidden = !busy;
  need<HTMLButtonElement>("button[type=submit]", form).disabled = busy;
}
