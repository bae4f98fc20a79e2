/** What stands over the messages: a changed key, people who wait, and how it stands with the server. */
import type { ConnectionState, Conversation, PersonConversation } from "../types.ts";
import type { RoomConversation } from "../types.ts";
import { button, el, fill, icon, need, setText } from "./dom.ts";
import { isRequest } from "./marks.ts";
import { titleOf } from "./names.ts";
import { connectionWords, standingWords, waitingWords } from "./words.ts";

export interface BannerParts {
  /** Opens the details. */
  readonly look: () => void;
  readonly accept: (conversation: Conversation) => void;
  readonly leave: (conversation: RoomConversation) => void;
  readonly setBlocked: (conversation: PersonConversation, blocked: boolean) => void;
  readonly report: (conversation: PersonConversation) => void;
}

/** What a conversation asks to be decided; drawn again only when that is something else. */
export function showBanner(conversation: Conversation, parts: BannerParts): void {
  const banner = need("banner");
  const what = wanted(conversation);
  const key = what === null ? "" : `${what} ${conversation.id} ${titleOf(conversation)}`;
  if (banner.dataset["what"] === key) return;
  banner.dataset["what"] = key;
  banner.hidden = what === null;
  const brief = conversation.kind === "room" && what !== "request";
  banner.className = what === "changed" ? "banner" : brief ? "banner gentle" : "banner gentle asks";
  if (what === null) banner.replaceChildren();
  else if (brief) fill(banner, ...waiting(what, parts));
  else if (conversation.kind === "room") fill(banner, ...added(conversation, parts));
  else fill(banner, ...PEOPLE[what]!(conversation, parts));
}

/** In words, or null when nothing is. */
function wanted(conversation: Conversation): string | null {
  if (conversation.kind === "room") {
    if (isRequest(conversation)) return "request";
    return conversation.waiting > 0 ? waitingWords(conversation.waiting) : null;
  }
  if (conversation.blocked) return "blocked";
  if (conversation.verification === "changed") return "changed";
  return isRequest(conversation) ? "request" : null;
}

function waiting(words: string, { look }: BannerParts): Element[] {
  return [
    icon("door-open"),
    el("p", { role: "status" }, `${words}.`),
    el("div", { class: "actions" }, button("secondary", "Look", look)),
  ];
}

/** Somebody whom one does not talk with has added one: nothing goes to the room until one has decided. */
function added(conversation: RoomConversation, { accept, leave }: BannerParts): Element[] {
  return [
    icon("users"),
    el(
      "p",
      { role: "status" },
      "Somebody you have no conversation with added you to this room. Until you accept or write here, " +
        "nothing is sent to it from this device.",
    ),
    el(
      "div",
      { class: "actions" },
      button("primary", "Accept", () => accept(conversation)),
      button("secondary", "Leave", () => leave(conversation)),
    ),
  ];
}

const PEOPLE: Readonly<
  Record<string, (conversation: PersonConversation, parts: BannerParts) => Element[]>
> = {
  /** A changed key stops sending until somebody has compared; the words say what may have happened. */
  changed: (conversation, { look }) => [
    icon("shield-alert"),
    el(
      "p",
      { role: "alert" },
      el("strong", {}, nameOf(conversation), "’s key has changed. Sending is paused."),
      "They may have started anew, or somebody may be in between. Ask them, and compare your numbers.",
    ),
    el("div", { class: "actions" }, button("primary", "Compare", look)),
  ],
  /** A stranger's first words: nothing goes back to them until somebody has decided. */
  request: (conversation, { accept, setBlocked, report }) => [
    icon("message-circle"),
    el(
      "p",
      { role: "status" },
      nameOf(conversation),
      ` (@${conversation.username}) wrote to you first. Until you accept or answer, they see neither ` +
        "that it arrived nor that you read it.",
    ),
    el(
      "div",
      { class: "actions" },
      button("primary", "Accept", () => accept(conversation)),
      button("secondary", "Block", () => setBlocked(conversation, true)),
      button("secondary", "Report…", () => report(conversation)),
    ),
  ],
  blocked: (conversation, { setBlocked }) => [
    icon("ban"),
    el(
      "p",
      { role: "status" },
      "You’ve blocked ",
      nameOf(conversation),
      ". Nothing they write is shown, and they aren’t told.",
    ),
    el(
      "div",
      { class: "actions" },
      button("secondary", "Unblock", () => setBlocked(conversation, false)),
    ),
  ],
};

function nameOf(conversation: PersonConversation): Element {
  return el("bdi", {}, titleOf(conversation));
}

/** Under the list and over the conversation. */
export function showConnection(state: ConnectionState, host: string): void {
  const foot = need("connection");
  foot.dataset["state"] = state;
  if (foot.textContent !== connectionWords(state, host)) {
    fill(foot, el("span", {}, connectionWords(state, host)));
  }
  const standing = need("standing");
  const words = standingWords(state);
  standing.hidden = words === null;
  standing.dataset["state"] = state;
  if (standing.textContent?.trim() === words?.trim()) return;
  const needsSignIn = state === "signed-out" || state === "restored" || state === "removed";
  setText(standing, words ?? "");
  if (needsSignIn) standing.append(" ", el("a", { href: "/sign-in" }, "Sign in"));
}
