/** The dialog behind "New conversation". Each way to start one is a tab with a panel of its own. */
import type { Conversation, Me, Outcome } from "../types.ts";
import { need, setAttribute, setText } from "./dom.ts";

export interface NewConversationParts {
  readonly me: () => Me;
  readonly start: (username: string) => Promise<Outcome<Conversation>>;
  readonly started: (conversation: Conversation) => void;
}

export class NewConversation {
  readonly #parts: NewConversationParts;
  readonly #dialog = need<HTMLDialogElement>("new-dialog");
  readonly #field = need<HTMLInputElement>("new-username");
  readonly #words = need("new-username-words");
  readonly #button = need("start-chat");
  #busy = false;

  constructor(parts: NewConversationParts) {
    this.#parts = parts;
    runTabs(need("new-tabs"));
    need("new-button").addEventListener("click", () => this.open());
    need("new-close").addEventListener("click", () => this.#dialog.close());
    this.#dialog.addEventListener("click", (event) => {
      if (event.target === this.#dialog) this.#dialog.close();
    });
    this.#field.addEventListener("input", () => this.#say(null));
    need("person-form").addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#start();
    });
  }

  open(): void {
    if (this.#dialog.open) return;
    this.#field.value = "";
    this.#say(null);
    this.#dialog.showModal();
    this.#field.focus();
  }

  async #start(): Promise<void> {
    const username = this.#field.value.trim().replace(/^@/, "").toLowerCase();
    if (this.#busy) return;
    if (username === "") return this.#say("Whom would you like to write to?");
    this.#setBusy(true);
    const outcome = await this.#parts.start(username);
    this.#setBusy(false);
    if (!this.#dialog.open) return;
    if (!outcome.ok) return this.#say(outcome.words);
    this.#dialog.close();
    this.#parts.started(outcome.value);
  }

  #setBusy(busy: boolean): void {
    this.#busy = busy;
    setAttribute(this.#button, "aria-busy", busy ? "true" : null);
  }

  /** What is wrong, or, when nothing is, how the other person finds this one. */
  #say(problem: string | null): void {
    setText(this.#words, problem ?? `They find you as @${this.#parts.me().username}.`);
    setAttribute(this.#words, "data-state", problem === null ? null : "bad");
    setAttribute(this.#field, "aria-invalid", problem === null ? null : "true");
    if (problem !== null) this.#field.focus();
  }
}

/** Arrow keys move between tabs and choose at once; each tab names its panel by `aria-controls`. */
function runTabs(list: HTMLElement): void {
  const tabs = [...list.querySelectorAll<HTMLElement>("[role=tab]")];
  const choose = (chosen: HTMLElement) => {
    for (const tab of tabs) {
      tab.setAttribute("aria-selected", String(tab === chosen));
      tab.tabIndex = tab === chosen ? 0 : -1;
      need(tab.getAttribute("aria-controls")!).hidden = tab !== chosen;
    }
    chosen.focus();
  };
  for (const [at, tab] of tabs.entries()) {
    tab.addEventListener("click", () => choose(tab));
    tab.addEventListener("keydown", ({ key }) => {
      const step = key === "ArrowRight" ? 1 : key === "ArrowLeft" ? -1 : 0;
      if (step !== 0) choose(tabs[(at + step + tabs.length) % tabs.length]!);
    });
  }
}
