/** The panel beside the conversation: who it is, the safety number, and the members. */
import type { Conversation, Me, Outcome, Verification } from "../types.ts";
import { avatar } from "./avatar.ts";
import { button, el, fill, icon, need, setAttribute } from "./dom.ts";
import type { Tab } from "./leader.ts";
import { plainName } from "./names.ts";
import { VERIFICATION } from "./words.ts";

export interface DetailsParts {
  readonly tab: Pick<Tab, "me" | "safetyNumber" | "setVerified" | "acceptChange">;
  /** Says something that went wrong. */
  readonly complain: (words: string) => void;
  /** The panel was closed, so the focus belongs to its button again. */
  readonly closed: () => void;
}

const GROUP = 5;
const GROUPS = 12;

export class Details {
  readonly #parts: DetailsParts;
  readonly #pane = need("details");
  readonly #toggle = need("details-button");
  #conversation: Conversation | null = null;
  #number: string | null = null;

  constructor(parts: DetailsParts) {
    this.#parts = parts;
    this.#toggle.addEventListener("click", () => this.isOpen ? this.close() : this.open());
    need("details-close").addEventListener("click", () => this.close());
  }

  get isOpen(): boolean {
    return !this.#pane.hidden;
  }

  /** Another conversation, or the same one changed. */
  update(conversation: Conversation): void {
    const isOther = conversation.id !== this.#conversation?.id;
    const keyMoved = conversation.verification !== this.#conversation?.verification;
    this.#conversation = conversation;
    if (isOther) {
      this.#number = null;
      this.#show(false);
    }
    if (!this.isOpen) return;
    this.#render();
    if (keyMoved) void this.#readNumber();
  }

  open(): void {
    this.#show(true);
    this.#render();
    this.#pane.focus({ preventScroll: true });
    void this.#readNumber();
  }

  close(): void {
    if (!this.isOpen) return;
    this.#show(false);
    this.#parts.closed();
  }

  #show(shown: boolean): void {
    this.#pane.hidden = !shown;
    this.#toggle.setAttribute("aria-expanded", String(shown));
    setAttribute(need("app"), "data-details", shown);
  }

  async #readNumber(): Promise<void> {
    const conversation = this.#conversation;
    if (conversation === null) return;
    const outcome = await this.#parts.tab.safetyNumber(conversation.account);
    if (conversation.id !== this.#conversation?.id) return;
    if (!outcome.ok) return this.#parts.complain(outcome.words);
    this.#number = outcome.value.number.replace(/\D/g, "");
    if (this.isOpen) this.#render();
  }

  #render(): void {
    const conversation = this.#conversation;
    if (conversation === null) return;
    const { account, username, verification } = conversation;
    const name = plainName(conversation.title, username);
    fill(
      need("details-body"),
      el(
        "div",
        { class: "details-person" },
        avatar(account, name, "big"),
        el("strong", {}, el("bdi", {}, name)),
        el("span", { class: "handle" }, `@${username}`),
      ),
      el("h3", { id: "safety-title" }, "Safety number"),
      this.#digits(),
      verificationMark(verification),
      el("p", {}, words(verification, name)),
      this.#action(conversation),
      el("h3", {}, "Members"),
      members(conversation, name, this.#parts.tab.me),
    );
  }

  #digits(): HTMLElement {
    const digits = this.#number;
    const groups = Array.from({ length: GROUPS }, (_, i) => {
      const group = digits?.slice(i * GROUP, (i + 1) * GROUP) ?? "";
      return [el("span", {}, group), i + 1 < GROUPS ? " " : ""];
    });
    const className = digits === null ? "safety-number bone" : "safety-number";
    return el(
      "div",
      { class: className, role: "group", "aria-labelledby": "safety-title", dir: "ltr" },
      ...groups.flat(),
    );
  }

  #action(conversation: Conversation): HTMLElement {
    const { tab } = this.#parts;
    const { account, verification } = conversation;
    const run = (ask: () => Promise<Outcome<Conversation>>) => () => void this.#ask(ask);
    if (verification === "changed") {
      return button("primary", "Accept the new key", run(() => tab.acceptChange(account)));
    }
    return verification === "verified"
      ? button("secondary", "Remove the mark", run(() => tab.setVerified(account, false)))
      : button("primary", "Mark as verified", run(() => tab.setVerified(account, true)));
  }

  async #ask(ask: () => Promise<Outcome<Conversation>>): Promise<void> {
    const outcome = await ask();
    if (!outcome.ok) this.#parts.complain(outcome.words);
    else if (outcome.value.id === this.#conversation?.id) this.update(outcome.value);
    // The pressed button was replaced by the next one.
    if (this.isOpen) this.#pane.focus({ preventScroll: true });
  }
}

/** Icon and words, never the colour alone. */
export function verificationMark(verification: Verification): HTMLElement {
  const look = VERIFICATION[verification];
  const attributes = { class: "standing-mark", "data-state": verification };
  return el("span", attributes, icon(look.icon), look.words);
}

function words(verification: Verification, name: string): string {
  switch (verification) {
    case "verified":
      return `You compared these 60 digits with ${name}. If the key ever changes, sending pauses and you are told.`;
    case "unverified":
      return `Compare these 60 digits with ${name}, face to face or in a call. ` +
        "If they are the same on both sides, nobody is in between.";
    case "changed":
      return `${name}’s key is a new one, and so are these digits. Compare them again before you go on.`;
  }
}

function members({ account, username }: Conversation, name: string, me: Me): HTMLElement {
  const member = (id: string, name: string, about: string) =>
    el(
      "li",
      {},
      avatar(id, name, "small"),
      el("bdi", {}, name),
      el("span", { class: "about" }, about),
    );
  const own = plainName(me.fullName, me.username);
  return el(
    "ul",
    { class: "members" },
    member(account, name, `@${username}`),
    account === me.account ? null : member(me.account, own, `@${me.username} · you`),
  );
}
