/** The details of a room: its code, who waits, who is in it, and what one may do about it. */
import type { Outcome, Room, RoomConversation } from "../types.ts";
import { roomAvatar } from "./avatar.ts";
import { el, fill } from "./dom.ts";
import { busyWhile, confirmed, type Question } from "./dialog.ts";
import { outcomeOf } from "./more_parts.ts";
import { NAMELESS_ROOM, plainName } from "./names.ts";
import { type DetailsParts, keyed } from "./panel.ts";
import { addSomebody } from "./room_add.ts";
import { MemberRows } from "./room_members.ts";
import { openRoomSettings } from "./room_settings.ts";
import { openShare } from "./share.ts";
import { closedWords, counted } from "./words.ts";

export class RoomDetails {
  readonly #parts: DetailsParts;
  readonly #members: MemberRows;
  #conversation: RoomConversation | null = null;
  #room: Room | null = null;

  constructor(parts: DetailsParts) {
    this.#parts = parts;
    this.#members = new MemberRows({
      ...parts,
      render: () => this.#render(),
      act: (...args) => this.#act(...args),
    });
  }

  leave(): void {
    this.#conversation = null;
    this.#room = null;
    this.#members.leave();
  }

  show(conversation: RoomConversation): void {
    const isOther = conversation.id !== this.#conversation?.id;
    if (isOther) this.leave();
    this.#conversation = conversation;
    this.#render();
    if (isOther) void this.#read(conversation);
  }

  changed(room: Room): void {
    if (room.id !== this.#conversation?.room) return;
    this.#room = room;
    this.#render();
  }

  async #read({ room }: RoomConversation): Promise<void> {
    const outcome = await outcomeOf(this.#parts, this.#parts.tab.rooms.room(room));
    if (outcome.ok) this.changed(outcome.value);
    else if (room === this.#conversation?.room) this.#parts.complain(outcome.words);
  }

  async #act(
    pressed: HTMLElement,
    question: Question | null,
    work: () => Promise<Outcome<Room>>,
  ): Promise<void> {
    if (pressed.getAttribute("aria-busy") === "true") return;
    if (question && !await confirmed(question)) return;
    const outcome = await busyWhile(pressed, outcomeOf(this.#parts, work()));
    if (outcome.ok) this.changed(outcome.value);
    else this.#parts.complain(outcome.words);
  }

  /** What had the focus has it again, if it is still there. */
  #render(): void {
    const conversation = this.#conversation;
    if (conversation === null) return;
    const { body, focus } = this.#parts;
    const active = document.activeElement;
    const hadFocus = active instanceof HTMLElement && body.contains(active);
    const key = hadFocus ? active.dataset["key"] : undefined;
    fill(body, this.#head(conversation), ...this.#sections(conversation));
    if (!hadFocus) return;
    const again = [...body.querySelectorAll<HTMLElement>("[data-key]")]
      .find((each) => each.dataset["key"] === key);
    if (again) again.focus({ preventScroll: true });
    else focus();
  }

  #head(conversation: RoomConversation): HTMLElement {
    const { id, picture, topic } = conversation;
    const name = plainName(conversation.title, NAMELESS_ROOM);
    const about = plainName(topic, "");
    return el(
      "div",
      { class: "details-person" },
      roomAvatar(id, name, picture, "big"),
      el("strong", {}, el("bdi", {}, name)),
      about !== "" && el("span", { class: "handle", dir: "auto" }, about),
    );
  }

  #sections(conversation: RoomConversation): (HTMLElement | null)[] {
    const room = this.#room;
    const closed = closedWords(conversation);
    const notice = closed === null ? null : el("p", { class: "details-note" }, closed);
    if (room === null) return [notice, bones()];
    const isIn = room.role !== null && room.role !== "waiting" && room.stopped === null;
    return [
      notice,
      ...isIn ? this.#code(room) : [],
      ...isIn ? this.#members.waiting(room) : [],
      el("h3", {}, "Members"),
      ...this.#members.list(room),
      isIn && mayAdd(room) ? this.#add(room) : null,
      ...this.#doings(conversation, room, isIn),
    ];
  }

  #code(room: Room): HTMLElement[] {
    const { tab, origin } = this.#parts;
    const { code } = room;
    if (code === null) {
      return [el("h3", {}, "Room code"), el("p", {}, "Another member tells this device soon.")];
    }
    const change = keyed("rotate", "secondary", "Change the code", (pressed) => {
      void this.#act(pressed, ROTATE, () => tab.rooms.rotateCode(room.id));
    });
    return [
      el("h3", {}, "Room code"),
      el("p", { class: "code", dir: "ltr" }, code),
      keyed("share", "primary", "Share invitation", () => openShare(room, code, origin)),
      ...isModerator(room) ? [change] : [],
    ];
  }

  #add(room: Room): HTMLElement {
    return keyed("add", "secondary", "Add someone", () => {
      addSomebody(this.#parts, room, (changed) => this.changed(changed));
    });
  }

  #doings(conversation: RoomConversation, room: Room, isIn: boolean): HTMLElement[] {
    const { tab } = this.#parts;
    const { muted, id } = conversation;
    const edit = keyed("edit", "secondary", "Room settings", () => {
      openRoomSettings(this.#parts, room, (changed) => this.changed(changed));
    });
    const mute = keyed("mute", "secondary", muted ? "Unmute" : "Mute", () => {
      void outcomeOf(this.#parts, tab.mute(id, !muted)).then((outcome) => {
        if (!outcome.ok) this.#parts.complain(outcome.words);
      });
    });
    const away = room.role === "waiting" ? WITHDRAW : leaving(room);
    const leave = keyed("leave", "secondary grave", away.yes, (pressed) => {
      void this.#act(pressed, away, () => tab.rooms.leaveRoom(room.id));
    });
    const end = keyed("end", "secondary grave", "Delete room", (pressed) => {
      void this.#act(pressed, END, () => tab.rooms.endRoom(room.id));
    });
    const mayLeave = room.role !== null && room.stopped === null;
    return [
      el("h3", {}, "This room"),
      ...isIn && isModerator(room) ? [edit] : [],
      mute,
      ...mayLeave ? [leave] : [],
      ...isIn && room.role === "owner" ? [end] : [],
    ];
  }
}

function isModerator({ role }: Room): boolean {
  return role === "moderator" || role === "owner";
}

function mayAdd(room: Room): boolean {
  return isModerator(room) || room.newcomers === "open";
}

const ROTATE: Question = {
  title: "Change the code?",
  words: "The old code, and every link and QR code with it, opens nothing any more. Members are " +
    "told the new one.",
  yes: "Change the code",
};
const END: Question = {
  title: "Delete this room?",
  words:
    "Nobody can write here any more, and that can’t be taken back. What was said stays on the " +
    "devices of those who were here.",
  yes: "Delete room",
  grave: true,
};
const WITHDRAW: Question = {
  title: "Take back your request?",
  words: "You can ask again with the code.",
  yes: "Take back",
};

function leaving({ members }: Room): Question {
  const others = members.length - 1;
  return {
    title: "Leave this room?",
    words: others > 0
      ? `${
        counted(others, "member")
      } will see that you left. What was said stays on this device; ` +
        "to come back you need the code."
      : "You’re the last one here: the room ends when you leave.",
    yes: "Leave room",
    grave: true,
  };
}

function bones(): HTMLElement {
  const row = () => el("div", { class: "bone-row" }, el("i"), el("b"), el("s"));
  return el("div", { "aria-hidden": "true" }, row(), row(), row());
}
