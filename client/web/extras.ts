/**
 * What opens at the press of a button: dialogs and the details panel. Their script is fetched at the first press; this
 * stands in for them until then.
 */
import type { Conversation, OwnAlarm, PersonConversation, Room } from "../types.ts";
import { need } from "./dom.ts";
import { loadMore, type More } from "./later.ts";

export type ExtrasParts = More.MoreParts;
type Loaded = ReturnType<typeof More.makeMore>;
export type Tab = More.StartTab;

const NOT_LOADED =
  "This part of the page could not be loaded. Check your connection, then reload the page.";

export class Extras {
  readonly #parts: ExtrasParts;
  #loaded: Loaded | null = null;
  #conversation: Conversation | null = null;

  constructor(parts: ExtrasParts) {
    this.#parts = parts;
    need("details-button").addEventListener("click", () => {
      if (this.detailsAreOpen) this.closeDetails();
      else this.openDetails();
    });
    need("details-close").addEventListener("click", () => this.closeDetails());
    need("history-button").addEventListener("click", () => this.history());
    need("new-button").addEventListener("click", () => this.start());
  }

  get detailsAreOpen(): boolean {
    return !need("details").hidden;
  }

  /** A device was added to one's own account. Where it cannot be asked about, it is said all the same. */
  alarm(alarm: OwnAlarm): void {
    this.#with((more) => more.alarm(alarm), alarm.words);
  }

  /** The dialog "Your history". */
  history(): void {
    this.#with((more) => more.history());
  }

  /** The dialog for a new conversation. */
  start(tab?: Tab, username?: string): void {
    this.#with((more) => more.start(tab ?? "person", username));
  }

  /** Shows what a code opens and lets the person decide. */
  invite(code: string, decided: () => void): void {
    this.#with((more) => more.invite(code, decided));
  }

  /** Tells whoever runs the server about somebody. */
  report(conversation: PersonConversation): void {
    this.#with((more) => more.report(conversation));
  }

  openDetails(): void {
    this.#with((more) => {
      if (this.#conversation) more.details.open(this.#conversation);
    });
  }

  closeDetails(): void {
    this.#loaded?.details.close();
  }

  /** Another conversation is open, or this one changed, or (null) none is. */
  follow(conversation: Conversation | null): void {
    this.#conversation = conversation;
    if (conversation === null) this.closeDetails();
    else this.#loaded?.details.update(conversation);
    this.#loaded?.mentions.follow(conversation);
  }

  roomChanged(room: Room): void {
    this.#loaded?.details.roomChanged(room);
    this.#loaded?.mentions.roomChanged(room);
  }

  /** Offers the room's members while "@…" is typed. */
  mention(): void {
    this.#with((more) => more.mentions.follow(this.#conversation));
  }

  #with(run: (more: Loaded) => void, otherwise = NOT_LOADED): void {
    if (this.#loaded) return run(this.#loaded);
    loadMore().then(
      ({ makeMore }) => run(this.#loaded ??= makeMore(this.#parts)),
      () => this.#parts.complain(otherwise),
    );
  }
}
