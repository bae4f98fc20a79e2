/** Signing in with a passkey alone; and the step after it where the passkey does not open the vault. */
import type { Outcome } from "../../types.ts";
import { need, problem } from "./page.ts";

/** The passkey was right, the vault is still shut: one of these opens it. */
export interface VaultDoor {
  readonly username: string;
  byPassword(password: string, progress: (words: string) => void): Promise<Outcome<unknown>>;
  byRecoveryKey(typed: string): Promise<Outcome<unknown>>;
}

/** Asks for a passkey; null: done, a device is signed in. */
export type AskPasskey = () => Promise<Outcome<VaultDoor | null>>;

const WAYS = {
  password: {
    label: "Password",
    other: "Use my recovery key",
    hint: "It is not sent anywhere.",
    type: "password",
    autocomplete: "current-password",
  },
  recovery: {
    label: "Recovery key",
    other: "Use my password",
    hint: "Nine groups of four characters. It is not sent anywhere.",
    type: "text",
    autocomplete: "off",
  },
} as const;

/** Shows the button of the sign-in form, and does what it says. */
export function offerPasskey(step: HTMLElement, form: HTMLFormElement, ask: AskPasskey): void {
  const button = form.querySelector<HTMLButtonElement>("[data-passkey]");
  if (!button) return;
  const onward = () => location.assign(step.dataset["next"] ?? "/");
  button.hidden = false;
  button.addEventListener("click", async () => {
    if (form.ariaBusy === "true") return;
    problem(form, null);
    button.disabled = true;
    const outcome = await ask();
    button.disabled = false;
    if (!outcome.ok) return problem(form, outcome.words);
    if (outcome.value === null) onward();
    else askToOpen(step, outcome.value, onward);
  });
}

function askToOpen(step: HTMLElement, door: VaultDoor, onward: () => void): void {
  const template = need<HTMLTemplateElement>("#open-vault-template");
  step.replaceChildren(template.content.cloneNode(true));
  const form = need<HTMLFormElement>("#open-vault", step);
  need<HTMLInputElement>("#vault-username", form).value = door.username;
  const secret = need<HTMLInputElement>("#vault-secret", form);
  const wayNow = offerOtherWay(form, secret);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (form.ariaBusy === "true") return;
    if (secret.value.trim() === "") return refuse(form, secret, "One of the two, please.");
    problem(form, null);
    setBusy(form, true);
    const say = (words: string) => need("#vault-progress", form).textContent = words;
    const outcome = wayNow() === "password"
      ? await door.byPassword(secret.value, say)
      : await door.byRecoveryKey(secret.value);
    setBusy(form, false);
    if (!outcome.ok) return refuse(form, secret, outcome.words);
    secret.value = "";
    onward();
  });
  secret.focus();
}

function offerOtherWay(form: HTMLFormElement, secret: HTMLInputElement): () => keyof typeof WAYS {
  const button = need<HTMLButtonElement>("[data-other-way]", form);
  let way: keyof typeof WAYS = "password";
  button.addEventListener("click", () => {
    way = way === "password" ? "recovery" : "password";
    const { label, other, hint, type, autocomplete } = WAYS[way];
    need("label", form).textContent = label;
    need(".hint", form).textContent = hint;
    button.textContent = other;
    secret.value = "";
    secret.type = type;
    secret.setAttribute("autocomplete", autocomplete);
    problem(form, null);
    secret.focus();
  });
  return () => way;
}

function refuse(form: HTMLFormElement, field: HTMLInputElement, words: string): void {
  problem(form, words);
  field.focus();
  field.select();
}

function setBusy(form: HTMLFormElement, busy: boolean): void {
  form.ariaBusy = String(busy);
  need<HTMLElement>("#open-vault-working", form).hidden = !busy;
  need<HTMLButtonElement>("button[type=submit]", form).disabled = busy;
}
