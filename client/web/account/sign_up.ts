/**
 * The script behind sign-up. The form and the code step are htmx requests that carry no secret; this keeps the password
 * in memory meanwhile, makes the keys once the code is confirmed, and shows the recovery key.
 */
import type { AccountId } from "../../../protocol/ids.ts";
import type { ConfirmedSignUp, SignedUp } from "../../account_flow.ts";
import type { KnownPasswords } from "../../known_passwords.ts";
import type { Outcome } from "../../types.ts";
import { watchNewPassword } from "./new_password.ts";
import { need, problem, progress, revealOnDemand } from "./page.ts";
import { showRecoveryKey } from "./recovery.ts";

/** What the form held when it was sent. The password is forgotten when the keys are made. */
interface Typed {
  readonly username: string;
  readonly fullName: string;
  password: string;
}

export interface SignUpParts {
  readonly known: KnownPasswords;
  /** Password, keys, vault and account; may be called again when it was refused. */
  readonly finish: (
    confirmed: ConfirmedSignUp,
    progress: (words: string) => void,
  ) => Promise<Outcome<SignedUp>>;
}

/** Follows the steps that htmx puts into `step`. */
export function runSignUp(step: HTMLElement, parts: SignUpParts): void {
  let typed: Typed | null = null;
  const arrive = () => {
    const form = step.querySelector<HTMLFormElement>("#sign-up");
    if (form) arriveAtForm(form, parts, typed, (now) => typed = now);
    const keys = step.querySelector<HTMLElement>("#keys-step");
    if (keys && typed) void makeKeys(step, keys, parts, typed);
    step.querySelector<HTMLInputElement>("#code")?.focus();
  };
  new MutationObserver(arrive).observe(step, { childList: true });
  arrive();
}

/** The form, at first or again with something to correct: what was typed as password is put back. */
function arriveAtForm(
  form: HTMLFormElement,
  { known }: SignUpParts,
  typed: Typed | null,
  keep: (typed: Typed) => void,
): void {
  revealOnDemand(form);
  const password = need<HTMLInputElement>("#password", form);
  const judge = watchNewPassword(form, known);
  if (typed) password.value = typed.password;
  form.querySelector<HTMLInputElement>("[aria-invalid=true]")?.focus();
  let judged = "";
  // Capturing: htmx listens on the form itself and must not see a form with a password that will not do.
  form.addEventListener("submit", (event) => {
    keep(read(form));
    if (judged === password.value && judged !== "") return;
    event.preventDefault();
    event.stopImmediatePropagation();
    judge().then((good) => {
      if (!good) return password.focus();
      judged = password.value;
      // In a task of its own: while this submission is still being dispatched, another one is ignored.
      setTimeout(() => form.requestSubmit());
    });
  }, { capture: true });
}

function read(form: HTMLFormElement): Typed {
  const value = (id: string) => need<HTMLInputElement>(`#${id}`, form).value;
  return { username: value("username"), fullName: value("fullName"), password: value("password") };
}

async function makeKeys(
  step: HTMLElement,
  keys: HTMLElement,
  parts: SignUpParts,
  typed: Typed,
): Promise<void> {
  const account = keys.dataset["account"] as AccountId;
  const outcome = await parts.finish({ account, ...typed }, progress);
  if (!outcome.ok) {
    problem(keys, outcome.words);
    offerAgain(keys, () => makeKeys(step, keys, parts, typed));
    return;
  }
  typed.password = "";
  const { username, recoveryKey } = outcome.value;
  showRecoveryKey(step, username, recoveryKey, () => location.assign("/"));
}

function offerAgain(keys: HTMLElement, again: () => void): void {
  const button = need<HTMLButtonElement>("[data-again]", keys);
  keys.setAttribute("aria-busy", "false");
  button.hidden = false;
  button.addEventListener("click", () => {
    button.hidden = true;
    problem(keys, null);
    keys.setAttribute("aria-busy", "true");
    again();
  }, { once: true });
}
