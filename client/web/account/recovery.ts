/** The step that shows the recovery key: copy, print, save, and a box to tick before going on. */
import { need } from "./page.ts";

/** Replaces what is in `step` by the recovery key; calls `onward` when the person goes on. */
export function showRecoveryKey(
  step: Element,
  username: string,
  recoveryKey: string,
  onward: () => void,
): void {
  const template = need<HTMLTemplateElement>("#recovery-template");
  step.replaceChildren(template.content.cloneNode(true));
  const form = need<HTMLFormElement>("#recovery-step", step);
  need(".recovery-key", form).textContent = recoveryKey;
  const saved = need<HTMLInputElement>("#recovery-saved", form);
  const go = need<HTMLButtonElement>("button[type=submit]", form);
  saved.addEventListener("change", () => go.disabled = !saved.checked);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (saved.checked) onward();
  });
  offerWaysToKeep(form, keepsake(username, recoveryKey), recoveryKey);
  need<HTMLElement>("h1", form).focus();
}

function offerWaysToKeep(form: HTMLFormElement, text: string, recoveryKey: string): void {
  const say = (words: string) => need("#recovery-said", form).textContent = words;
  const on = (name: string, act: () => void) =>
    need(`[data-recovery=${name}]`, form).addEventListener("click", act);
  on("copy", () => {
    navigator.clipboard.writeText(recoveryKey).then(
      () => say("Copied. Paste it somewhere safe, such as a password manager."),
      () => say("This browser does not let pages copy. Select the key and copy it yourself."),
    );
  });
  on("print", () => globalThis.print());
  on("save", () => {
    saveFile("snug-recovery-key.txt", text);
    say("Saved as snug-recovery-key.txt. Keep it where only you can read it.");
  });
}

function keepsake(username: string, recoveryKey: string): string {
  return [
    "Snug recovery key",
    "",
    `Server:   ${location.origin}`,
    `Username: ${username}`,
    `Key:      ${recoveryKey}`,
    "",
    "Whoever has this key can open your account's vault. Keep it where only you can read it.",
    "",
  ].join("\r\n");
}

function saveFile(name: string, text: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "text/plain" }));
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}
