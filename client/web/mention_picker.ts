/** Offers the members of the room while "@…" is typed. The field keeps the focus; arrows choose, Enter or Tab takes. */
import type { RoomId } from "../../protocol/ids.ts";
import type { Conversation, Member, Room } from "../types.ts";
import { avatar } from "./avatar.ts";
import { el, fill, need, setAttribute } from "./dom.ts";
import { type MoreParts, outcomeOf } from "./more_parts.ts";
import { plainName } from "./names.ts";

/** Somebody who can be mentioned. */
type Known = Member & { readonly username: string };

/** "@" at a word's beginning and what follows it up to the caret. */
const BEGUN = /(?:^|[^\p{L}\p{N}_@.])@([a-z0-9_]{0,32})$/iu;
const MOST = 6;

export class MentionPicker {
  readonly #parts: MoreParts;
  readonly #field = need<HTMLTextAreaElement>("message");
  readonly #list = el("ul", {
    id: "mention-list",
    class: "mention-list",
    role: "listbox",
    "aria-label": "Members",
    hidden: true,
  });
  #room: RoomId | null = null;
  #members: readonly Known[] = [];
  #offered: readonly Known[] = [];
  #at = 0;

  constructor(parts: MoreParts) {
    this.#parts = parts;
    need("composer").prepend(this.#list);
    setAttribute(this.#field, "aria-autocomplete", "list");
    setAttribute(this.#field, "aria-controls", "mention-list");
    this.#field.addEventListener("input", () => this.#offer());
    this.#field.addEventListener("click", () => this.#offer());
    this.#field.addEventListener("blur", () => this.#show([]));
    // Before the composer, which would send on Enter.
    need("composer").addEventListener("keydown", (event) => this.#keyDown(event), true);
  }

  /** Another conversation is open, or this one changed. */
  follow(conversation: Conversation | null): void {
    const room = conversation?.kind === "room" ? conversation.room : null;
    if (room === this.#room) return;
    this.#room = room;
    this.#members = [];
    this.#show([]);
    if (room !== null) void this.#read(room);
  }

  roomChanged(room: Room): void {
    if (room.id === this.#room) this.#take(room);
  }

  async #read(room: RoomId): Promise<void> {
    const outcome = await outcomeOf(this.#parts, this.#parts.tab.rooms.room(room));
    if (outcome.ok) this.roomChanged(outcome.value);
  }

  #take({ members }: Room): void {
    this.#members = members.filter((each): each is Known => !each.you && each.username !== null);
    if (document.activeElement === this.#field) this.#offer();
  }

  #offer(): void {
    const begun = this.#begun();
    if (this.#room === null || begun === null) return this.#show([]);
    const wanted = begun.toLocaleLowerCase();
    const fits = ({ username, fullName }: Known) =>
      username.startsWith(wanted) ||
      plainName(fullName ?? "", "").toLocaleLowerCase().split(" ")
        .some((word) => word.startsWith(wanted));
    this.#show(this.#members.filter(fits).slice(0, MOST));
  }

  /** What was typed after the "@" before the caret; null when there is none. */
  #begun(): string | null {
    const { value, selectionStart, selectionEnd } = this.#field;
    if (selectionStart !== selectionEnd) return null;
    return BEGUN.exec(value.slice(0, selectionStart))?.[1] ?? null;
  }

  #show(offered: readonly Known[]): void {
    this.#offered = offered;
    this.#at = 0;
    this.#list.hidden = offered.length === 0;
    fill(this.#list, ...offered.map((member, i) => this.#option(member, i)));
    this.#mark();
  }

  #option(member: Known, i: number): HTMLElement {
    const { account, username, fullName } = member;
    const name = plainName(fullName ?? "", username);
    const option = el(
      "li",
      { id: `mention-${i}`, role: "option" },
      avatar(account, name, "small"),
      el("bdi", {}, name),
      el("span", { class: "handle" }, `@${username}`),
    );
    // Not click: the field would lose the focus first, and with it the list.
    option.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      this.#pick(member);
    });
    return option;
  }

  #mark(): void {
    for (const [i, option] of [...this.#list.children].entries()) {
      option.setAttribute("aria-selected", String(i === this.#at));
    }
    const active = this.#offered.length > 0 ? `mention-${this.#at}` : null;
    setAttribute(this.#field, "aria-activedescendant", active);
  }

  #keyDown(event: KeyboardEvent): void {
    const { length } = this.#offered;
    if (length === 0 || event.target !== this.#field || event.isComposing) return;
    const { key, shiftKey } = event;
    const step = key === "ArrowDown" ? 1 : key === "ArrowUp" ? -1 : 0;
    const takes = !shiftKey && (key === "Enter" || key === "Tab");
    if (step === 0 && !takes && key !== "Escape") return;
    event.preventDefault();
    event.stopPropagation();
    if (takes) return this.#pick(this.#offered[this.#at]!);
    if (step === 0) return this.#show([]);
    this.#at = (this.#at + step + length) % length;
    this.#mark();
  }

  #pick({ username }: Known): void {
    const begun = this.#begun();
    if (begun === null) return;
    const end = this.#field.selectionStart;
    this.#field.setRangeText(`@${username} `, end - begun.length - 1, end, "end");
    this.#show([]);
    // The composer keeps drafts and grows with the text.
    this.#field.dispatchEvent(new Event("input", { bubbles: true }));
  }
}
