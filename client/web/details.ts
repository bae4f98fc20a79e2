/** The panel beside the conversation: a person with their safety number, or a room with its code and members. */
import type { Conversation, Room } from "../types.ts";
import { need, setAttribute } from "./dom.ts";
import type { MoreParts } from "./more_parts.ts";
import { PersonDetails } from "./person_details.ts";
import { RoomDetails } from "./room_details.ts";

export class Details {
  readonly #pane = need("details");
  readonly #toggle = need("details-button");
  readonly #person: PersonDetails;
  readonly #room: RoomDetails;
  #conversation: Conversation | null = null;

  constructor(parts: MoreParts) {
    const body = need("details-body");
    const focus = () => this.#pane.focus({ preventScroll: true });
    this.#person = new PersonDetails({ ...parts, body, focus });
    this.#room = new RoomDetails({ ...parts, body, focus });
  }

  /** The open conversation is another one, or changed. */
  update(conversation: Conversation): void {
    const isOther = conversation.id !== this.#conversation?.id;
    this.#conversation = conversation;
    if (isOther) this.#show(false);
    else if (!this.#pane.hidden) this.#render();
  }

  roomChanged(room: Room): void {
    if (!this.#pane.hidden) this.#room.changed(room);
  }

  open(conversation: Conversation): void {
    this.#conversation = conversation;
    this.#show(true);
    this.#person.leave();
    this.#room.leave();
    this.#render();
    this.#pane.scrollTop = 0;
    this.#pane.focus({ preventScroll: true });
  }

  close(): void {
    if (this.#pane.hidden) return;
    this.#show(false);
    // The panel was closed, so the focus belongs to its button again.
    this.#toggle.focus();
  }

  #show(shown: boolean): void {
    this.#pane.hidden = !shown;
    this.#toggle.setAttribute("aria-expanded", String(shown));
    setAttribute(need("app"), "data-details", shown);
  }

  #render(): void {
    if (this.#conversation?.kind === "person") this.#person.show(this.#conversation);
    if (this.#conversation?.kind === "room") this.#room.show(this.#conversation);
  }
}
