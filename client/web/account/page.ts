/** What the steps of the account pages share: finding elements, saying what happens, and the password field. */

/** The element, or a thrown Error: the view and the script are built together, so its absence is a bug. */
export function need<T extends Element>(selector: string, within: ParentNode = document): T {
  const found = within.querySelector<T>(selector);
  if (!found) throw new Error(`the page has no ${selector}`);
  return found;
}

/** Puts a sentence under a field and marks the field for assistive technology. */
export function hint(field: string, state: "quiet" | "ok" | "bad", words: string): void {
  const line = need<HTMLElement>(`#${field}-hint`);
  line.dataset["state"] = state;
  line.textContent = words;
  need(`#${field}`).setAttribute("aria-invalid", String(state === "bad"));
}

/** One sentence about the whole step; null hides it. */
export function problem(step: ParentNode, words: string | null): void {
  const line = need<HTMLElement>(".problem", step);
  line.hidden = words === null;
  line.textContent = words ?? "";
}

/** Says what is being done right now. */
export function progress(words: string): void {
  need("#progress").textContent = words;
}

/** The "Show" button of a password field, wherever a step brings one. */
export function revealOnDemand(root: ParentNode): void {
  for (const button of root.querySelectorAll<HTMLButtonElement>("[data-reveal]")) {
    const input = need<HTMLInputElement>(`#${button.dataset["reveal"]}`, root);
    button.addEventListener("click", () => {
      const shown = input.type === "text";
      input.type = shown ? "password" : "text";
      button.textContent = shown ? "Show" : "Hide";
      button.setAttribute("aria-pressed", String(!shown));
    });
  }
}
