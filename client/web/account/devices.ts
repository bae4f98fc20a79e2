/** The script behind removing a device: one button, and the words for what came of it. */
import type { Outcome } from "../../types.ts";
import { need, problem } from "./page.ts";

/** Takes over the form; "self" means that this browser holds nothing any more. */
export function runRemoveDevice(
  form: HTMLFormElement,
  remove: (device: string) => Promise<Outcome<"other" | "self">>,
): void {
  const button = need<HTMLButtonElement>("button[type=submit]", form);
  button.disabled = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (button.disabled) return;
    problem(form, null);
    button.disabled = true;
    const outcome = await remove(need<HTMLInputElement>("input[name=device]", form).value);
    button.disabled = false;
    if (!outcome.ok) return problem(form, outcome.words);
    location.assign(outcome.value === "self" ? "/sign-in" : "/settings/devices?done=removed");
  });
}
