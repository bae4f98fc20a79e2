/** The script behind a forgotten password: recovery key and new password stay here. */
import type { KnownPasswords } from "../../known_passwords.ts";
import type { Outcome } from "../../types.ts";
import { watchNewPassword } from "./new_password.ts";
import { hint, need, problem, progress, revealOnDemand } from "./page.ts";

export interface ForgotParts {
  readonly known: KnownPasswords;
  readonly recover: (
    form: { readonly recoveryKey: string; readonly password: string },
    progress: (words: string) => void,
  ) => Promise<Outcome<unknown>>;
}

/** Follows the steps that htmx puts into `step`. */
export function runForgot(step: HTMLElement, parts: ForgotParts): void {
  const arrive = () => {
    const form = step.querySelector<HTMLFormElement>("#recover");
    if (form) takeOver(form, parts);
    step.querySelector<HTMLInputElement>("[aria-invalid=true], [autofocus]")?.focus();
  };
  new MutationObserver(arrive).observe(step, { childList: true });
}

function takeOver(form: HTMLFormElement, { known, recover }: ForgotParts): void {
  revealOnDemand(form);
  const key = need<HTMLInputElement>("#recovery-key", form);
  const password = need<HTMLInputElement>("#password", form);
  const judge = watchNewPassword(form, known);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (form.ariaBusy === "true") return;
    problem(form, null);
    if (key.value.trim() === "") return refuseKey(key, "Your recovery key, please.");
    if (!await judge()) return password.focus();
    setBusy(form, true);
    const typed = { recoveryKey: key.value, password: password.value };
    const outcome = await recover(typed, progress);
    setBusy(form, false);
    if (outcome.ok) {
      form.reset();
      return location.assign("/");
    }
    if (outcome.code === "wrong-password") return refuseKey(key, outcome.words);
    problem(form, outcome.words);
  });
}

function refuseKey(key: HTMLInputElement, words: string): void {
  hint("recovery-key", "bad", words);
  key.focus();
}

function setBusy(form: HTMLFormElement, busy: boolean): void {
  form.ariaBusy = String(busy);
  need<HTMLElement>("#recover-working", form).hidden = !busy;
  need<HTMLButtonElement>("button[type=submit]", form).disabled = busy;
}
