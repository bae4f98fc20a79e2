/** The details of a conversation with one person: who it is, the safety number, and the members. */
import type { Outcome, PersonConversation } from "../types.ts";
import { avatar } from "./avatar.ts";
import { button, el, fill } from "./dom.ts";
import { verificationMark } from "./marks.ts";
import { outcomeOf } from "./more_parts.ts";
import { plainName, titleOf } from "./names.ts";
import type { DetailsParts } from "./panel.ts";
import { qrCode } from "./qr.ts";
import { openReport } from "./report.ts";
import { bareDigits, safetyDigits, safetyWords } from "./safety.ts";
import { safetyCode } from "./safety_code.ts";
import { Scan } from "./scan.ts";

export class PersonDetails {
  readonly #parts: DetailsParts;
  #conversation: PersonConversation | null = null;
  #number: string | null = null;
  /** Counts readings of the number, so that an earlier answer is dropped. */
  #reading = 0;

  constructor(parts: DetailsParts) {
    this.#parts = parts;
  }

  leave(): void {
    this.#conversation = null;
    this.#number = null;
    this.#reading++;
  }

  show(conversation: PersonConversation): void {
    const before = this.#conversation;
    if (before?.id !== conversation.id) this.leave();
    this.#conversation = conversation;
    this.#render();
    // A key may change once more while it is looked at: then these are other digits.
    const settled = conversation.verification === before?.verification &&
      conversation.verification !== "changed";
    if (!settled) void this.#read();
  }

  async #read(): Promise<string | null> {
    const { tab, complain } = this.#parts;
    const reading = ++this.#reading;
    const asked = outcomeOf(this.#parts, tab.safetyNumber(this.#conversation!.account));
    const outcome = await asked;
    if (reading !== this.#reading) return null;
    if (!outcome.ok) {
      complain(outcome.words);
      return null;
    }
    const number = bareDigits(outcome.value.number);
    if (number !== this.#number) {
      this.#number = number;
      this.#render();
    }
    return number;
  }

  #render(): void {
    const conversation = this.#conversation;
    if (conversation === null) return;
    const { account, username, verification } = conversation;
    const { tab: { me }, body } = this.#parts;
    const name = titleOf(conversation);
    const members: [string, string, string][] = [[account, name, `@${username}`]];
    if (account !== me.account) {
      members.push([me.account, plainName(me.fullName, me.username), `@${me.username} · you`]);
    }
    fill(
      body,
      el(
        "div",
        { class: "details-person" },
        avatar(account, name, "big"),
        el("strong", {}, el("bdi", {}, name)),
        el("span", { class: "handle" }, `@${username}`),
      ),
      el("h3", { id: "safety-title" }, "Safety number"),
      safetyDigits(this.#number, "safety-title"),
      verificationMark(verification),
      el("p", {}, safetyWords(verification, name)),
      this.#code(),
      this.#compare(conversation),
      this.#action(conversation),
      el("p", {}, el("a", { href: "/safety", target: "_blank" }, "What is a safety number?")),
      this.#mute(conversation),
      account !== me.account && this.#block(conversation),
      account !== me.account && this.#report(conversation),
      el("h3", {}, "Members"),
      el("ul", { class: "members" }, ...members.map(memberRow)),
    );
  }

  #action(conversation: PersonConversation): HTMLElement {
    const { tab } = this.#parts;
    const { account, verification } = conversation;
    const run = (ask: () => Promise<Outcome<unknown>>) => () => void this.#ask(ask);
    if (verification === "changed") {
      return button("primary", "Accept the new key", () => void this.#accept(conversation));
    }
    return verification === "verified"
      ? button("secondary", "Remove the mark", run(() => tab.setVerified(account, false)))
      : button("primary", "Mark as verified", run(() => tab.setVerified(account, true)));
  }

  /** For the other person's camera. Drawn when it is asked for. */
  #code(): HTMLElement {
    const frame = el("div", { class: "qr-frame" });
    const made = el(
      "details",
      { class: "safety-code" },
      el("summary", {}, "Show as a code"),
      frame,
    );
    made.addEventListener("toggle", () => {
      const digits = this.#number;
      if (made.open && digits) {
        fill(frame, qrCode(safetyCode(digits), "QR code of the safety number"));
      }
    });
    return made;
  }

  #compare(conversation: PersonConversation): HTMLElement {
    return button("secondary", "Compare by camera…", () => {
      if (this.#number !== null) new Scan(this.#parts, conversation, this.#number);
    });
  }

  #block({ account, blocked }: PersonConversation): HTMLElement {
    const { people } = this.#parts.tab;
    const run = () => blocked ? people.unblock(account) : people.block(account);
    return button("secondary", blocked ? "Unblock" : "Block", () => void this.#ask(run));
  }

  #mute({ id, muted }: PersonConversation): HTMLElement {
    const words = muted ? "Unmute" : "Mute";
    return button("secondary", words, () => void this.#ask(() => this.#parts.tab.mute(id, !muted)));
  }

  #report(conversation: PersonConversation): HTMLElement {
    return button("secondary", "Report…", () => void openReport(this.#parts, conversation));
  }

  /** Only the key whose digits are shown: another one may have come since. */
  async #accept({ account }: PersonConversation): Promise<void> {
    const shown = this.#number;
    if (shown === null) return;
    await this.#ask(() => this.#parts.tab.acceptChange(account, shown));
    // Refused for another key: these are its digits.
    await this.#read();
  }

  async #ask(ask: () => Promise<Outcome<unknown>>): Promise<void> {
    const outcome = await outcomeOf(this.#parts, ask());
    if (!outcome.ok) this.#parts.complain(outcome.words);
    // The pressed button was replaced by the next one.
    this.#parts.focus();
  }
}

function memberRow([account, name, about]: readonly [string, string, string]): HTMLElement {
  return el(
    "li",
    { class: "member" },
    avatar(account, name, "small"),
    el("bdi", {}, name),
    el("span", { class: "about" }, about),
  );
}
