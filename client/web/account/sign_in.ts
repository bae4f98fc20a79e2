/** The script behind sign-in: opens the vault with the password and makes this browser a device, or finds that it is one. */
import type { Outcome } from "../../types.ts";
import { need, problem, progress, revealOnDemand } from "./page.ts";
import { askForCode, type SecondStep } from "./second_factor.ts";

/** Signs in and says what it is doing; the words of a refusal are for people. */
export type SignIn = (
  username: string,
  password: string,
  progress: (words: string) => void,
) => Promise<Outcome<SignInStep>>;

/** Done; or the second factor is to come. */
export interface SignInStep {
  readonly second: SecondStep | null;
}

/** Takes over the form; its own request, should a browser without scripts send it, carries nothing. */
export function runSignIn(step: HTMLElement, form: HTMLFormElement, signIn: SignIn): void {
  revealOnDemand(form);
  const username = need<HTMLInputElement>("#username", form);
  const password = need<HTMLInputElement>("#password", form);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (form.ariaBusy === "true") return;
    const missing = [username, password].find((field) => field.value.trim() === "");
    if (missing) return refuse(form, missing, "Your username and your password, please.");
    problem(form, null);
    setBusy(form, true);
    const outcome = await signIn(normalised(username.value), password.value, progress);
    setBusy(form, false);
    if (!outcome.ok) return refuse(form, password, outcome.words);
    password.value = "";
    const onward = () => location.assign(step.dataset["next"] ?? "/");
    const { second } = outcome.value;
    if (second) askForCode(step, second, onward);
    else onward();
  });
}

function normalised(username: string): string {
  return username.trim().toLowerCase().replace(/^@/, "");
}

function refuse(form: HTMLFormElement, field: HTMLInputElement, words: string): void {
  problem(form, words);
  field.focus();
  field.select();
}

function setBusy(form: HTMLFormElement, busy: boolean): void {
  form.ariaBusy = String(busy);
  need<HTMLElement>("#sign-in-working", form).hidden = !busy;
  need<HTMLButtonElement>("button[type=submit]", form).disabled = busy;
}
