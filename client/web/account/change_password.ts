/** The script behind the change of a password: both passwords stay here, the keys are wrapped here. */
import type { KnownPasswords } from "../../known_passwords.ts";
import type { Outcome } from "../../types.ts";
import { watchNewPassword } from "./new_password.ts";
import { need, problem, progress, revealOnDemand } from "./page.ts";

export interface ChangePasswordParts {
  readonly known: KnownPasswords;
  readonly change: (
    /** `current` is null where a passkey stands in for it. */
    passwords: { readonly current: string | null; readonly next: string },
    progress: (words: string) => void,
  ) => Promise<Outcome<unknown>>;
}

/** Takes over the form; goes back to the settings when it is done. */
export function runChangePassword(form: HTMLFormElement, parts: ChangePasswordParts): void {
  revealOnDemand(form);
  const current = form.querySelector<HTMLInputElement>("#current-password");
  const next = need<HTMLInputElement>("#password", form);
  const judge = watchNewPassword(form, parts.known);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (form.ariaBusy === "true") return;
    if (current?.value === "") return refuse(form, current, "Your current password, please.");
    if (!await judge()) return next.focus();
    if (current?.value === next.value) {
      return refuse(form, next, "That is the password you have. Choose another one.");
    }
    problem(form, null);
    setBusy(form, true);
    const passwords = { current: current?.value ?? null, next: next.value };
    const outcome = await parts.change(passwords, progress);
    setBusy(form, false);
    if (!outcome.ok) return refuse(form, current ?? next, outcome.words);
    form.reset();
    location.assign("/settings?done=password");
  });
}

function refuse(form: HTMLFormElement, field: HTMLInputElement, words: string): void {
  problem(form, words);
  field.focus();
  field.select();
}

function setBusy(form: HTMLFormElement, busy: boolean): void {
  form.ariaBusy = String(busy);
  need<HTMLElement>("#change-password-working", form).hidden = !busy;
  need<HTMLButtonElement>("button[type=submit]", form).disabled = busy;
}
