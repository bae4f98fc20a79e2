/** The script behind a forgotten password: recovery key and new password stay here. */
import type { KnownPasswords } from "../../known_passwords.ts";
import type { Outcome } from "../../types.ts";
import type { AccountId } from "../../../protocol/ids.ts";
import { showRecoveryKey } from "./recovery.ts";
import { watchNewPassword } from "./new_password.ts";
import { hint, need, problem, progress, revealOnDemand } from "./page.ts";

export interface ForgotParts {
  readonly known: KnownPasswords;
  readonly recover: (
    form: { readonly recoveryKey: string; readonly password: string },
    progress: (words: string) => void,
  ) => Promise<Outcome<unknown>>;
  /** New keys; the answer has the new recovery key. */
  readonly startOver: (
    form: {
      readonly account: AccountId;
      readonly username: string;
      readonly fullName: string;
      readonly password: string;
    },
    progress: (words: string) => void,
  ) => Promise<Outcome<{ readonly recoveryKey: string }>>;
}

/** Follows the steps that htmx puts into `step`. */
export function runForgot(step: HTMLElement, parts: ForgotParts): void {
  const arrive = () => {
    const form = step.querySelector<HTMLFormElement>("#recover");
    if (form) takeOver(form, parts);
    const anew = step.querySelector<HTMLFormElement>("#start-over");
    if (anew) startOver(step, anew, parts);
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

function startOver(step: HTMLElement, form: HTMLFormElement, parts: ForgotParts): void {
  revealOnDemand(form);
  const password = need<HTMLInputElement>("#password", form);
  const sure = need<HTMLInputElement>("#start-over-sure", form);
  const judge = watchNewPassword(form, parts.known);
  sure.addEventListener("change", () => button(form).disabled = !sure.checked);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (form.ariaBusy === "true" || !sure.checked) return;
    problem(form, null);
    if (!await judge()) return password.focus();
    setBusy(form, true);
    const username = need<HTMLInputElement>("#username", form).value;
    const account = form.dataset["account"] as AccountId;
    const typed = { account, username, fullName: username, password: password.value };
    const outcome = await parts.startOver(typed, progress);
    setBusy(form, false);
    if (!outcome.ok) return problem(form, outcome.words);
    form.reset();
    showRecoveryKey(step, username, outcome.value.recoveryKey, () => location.assign("/"));
  });
}

function refuseKey(key: HTMLInputElement, words: string): void {
  hint("recovery-key", "bad", words);
  key.focus();
}

function setBusy(form: HTMLFormElement, busy: boolean): void {
  form.ariaBusy = String(busy);
  need<HTMLElement>(".working", form).hidden = !busy;
  button(form).disabled = busy;
}

function button(form: HTMLFormElement): HTMLButtonElement {
  return need("button[type=submit]", form);
}
