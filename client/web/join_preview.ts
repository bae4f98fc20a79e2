/** What a code opens, shown before anybody joins: name, topic, how many are in it and who of them is known here. */
import type { Outcome, RoomPreview } from "../types.ts";
import { roomAvatar } from "./avatar.ts";
import { busyWhile, openDialog, type Opened } from "./dialog.ts";
import { button, el, fill } from "./dom.ts";
import { conversationOf, type MoreParts, outcomeOf } from "./more_parts.ts";
import { NAMELESS_ROOM, plainName } from "./names.ts";
import { counted } from "./words.ts";

/** How many people are named of those who are known. */
const MOST_NAMED = 3;

/** The room as a card. */
export function previewCard(room: RoomPreview): HTMLElement {
  const name = plainName(room.name, NAMELESS_ROOM);
  const topic = plainName(room.topic, "");
  return el(
    "div",
    { class: "preview" },
    // No id is known before joining; the name gives the colours.
    roomAvatar(`preview ${name}`, name, room.picture),
    el("strong", {}, el("bdi", {}, name)),
    topic !== "" && el("p", { class: "preview-topic", dir: "auto" }, topic),
    el("p", { class: "preview-members" }, ...membersWords(room)),
    el("p", { class: "preview-note" }, entryWords(room)),
  );
}

function membersWords({ members, known }: RoomPreview): (Node | string)[] {
  const named = known.slice(0, MOST_NAMED).map(({ fullName, username }) => {
    return el("bdi", {}, plainName(fullName, username));
  });
  const count = counted(members, "member");
  if (named.length === 0) return [count];
  const names = named.flatMap((name, i) => i === 0 ? [name] : [", ", name]);
  return [`${count}, among them `, ...names];
}

function entryWords({ newcomers, alreadyIn }: RoomPreview): string {
  if (alreadyIn !== null) return "You’re already in this room.";
  if (newcomers === "approve") {
    return "You ask to come in, and a moderator decides. Members see your name.";
  }
  return "Members see your name. You can’t read what was said before you joined.";
}

/** The dialog that a link opens. */
export class JoinPreview {
  readonly #parts: MoreParts;

  constructor(parts: MoreParts) {
    this.#parts = parts;
  }

  /** `decided` is called once: joined, put off, or nothing to decide. */
  open(code: string, decided: () => void): void {
    const opened = openDialog("You’re invited to a room", decided);
    void this.#show(opened, code);
  }

  async #show(opened: Opened, code: string): Promise<void> {
    const wait = el("p", { class: "looking", role: "status" }, "Looking for the room…");
    fill(opened.body, wait, bones());
    const outcome = await outcomeOf(this.#parts, this.#parts.tab.rooms.previewRoom(code));
    if (outcome.ok) this.#offer(opened, code, outcome.value);
    else this.#refused(opened, code, outcome);
  }

  #offer(opened: Opened, code: string, room: RoomPreview): void {
    const problem = el("p", { class: "field-words", "data-state": "bad", role: "alert" });
    const { alreadyIn } = room;
    const yes = alreadyIn !== null
      ? button("primary", "Open", () => this.#go(opened, conversationOf(alreadyIn)))
      : button("primary", room.newcomers === "approve" ? "Ask to join" : "Join", () => {
        void this.#join(opened, code, yes, problem);
      });
    fill(
      opened.body,
      previewCard(room),
      problem,
      el("div", { class: "dialog-actions" }, button("secondary", "Not now", opened.close), yes),
    );
    yes.focus();
  }

  async #join(opened: Opened, code: string, yes: HTMLElement, problem: HTMLElement): Promise<void> {
    if (yes.getAttribute("aria-busy") === "true") return;
    problem.textContent = "";
    const joining = outcomeOf(this.#parts, this.#parts.tab.rooms.joinRoom(code));
    const outcome = await busyWhile(yes, joining);
    if (outcome.ok) this.#go(opened, outcome.value.conversation);
    else problem.textContent = outcome.words;
  }

  #go(opened: Opened, conversation: Parameters<MoreParts["started"]>[0]): void {
    opened.close();
    this.#parts.started(conversation);
  }

  #refused(opened: Opened, code: string, { code: why, words }: Outcome<never> & { ok: false }) {
    // A code that is wrong stays wrong; everything else may pass.
    const mayPass = why !== "no-such-room" && why !== "bad-input";
    const again = button("primary", "Try again", () => void this.#show(opened, code));
    const close = button(mayPass ? "secondary" : "primary", "Close", opened.close);
    fill(
      opened.body,
      el("p", { role: "alert" }, words, why === "no-such-room" && ` ${DEAD_CODE}`),
      el("div", { class: "dialog-actions" }, close, mayPass && again),
    );
    close.focus();
  }
}

const DEAD_CODE = "Codes change when somebody is removed. Ask whoever invited you for the new one.";

function bones(): HTMLElement {
  const bone = (name: string) => el("span", { class: `bone ${name}` });
  return el(
    "div",
    { class: "preview", "aria-hidden": "true" },
    bone("bone-avatar"),
    bone("bone-line"),
    bone("bone-line short"),
  );
}
