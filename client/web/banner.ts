/** What stands over the messages: a changed key, people who wait, and how it stands with the server. */
import type { ConnectionState, Conversation, PersonConversation } from "../types.ts";
import { button, el, fill, icon, need, setText } from "./dom.ts";
import { titleOf } from "./names.ts";
import { connectionWords, standingWords, waitingWords } from "./words.ts";

export interface BannerParts {
  /** Opens the details. */
  readonly look: () => void;
  readonly accept: (conversation: PersonConversation) => void;
}

/** What a conversation asks to be decided; drawn again only when that is something else. */
export function showBanner(conversation: Conversation, parts: BannerParts): void {
  const banner = need("banner");
  const what = wanted(conversation);
  const key = what === null ? "" : `${what} ${conversation.id} ${titleOf(conversation)}`;
  if (banner.dataset["what"] === key) return;
  banner.dataset["what"] = key;
  banner.hidden = what === null;
  banner.className = conversation.kind === "room" ? "banner gentle" : "banner";
  if (what === null) banner.replaceChildren();
  else if (conversation.kind === "room") fill(banner, ...waiting(what, parts));
  else fill(banner, ...changedKey(conversation, parts));
}

/** In words, or null when nothing is. */
function wanted(conversation: Conversation): string | null {
  if (conversation.kind === "person") {
    return conversation.verification === "changed" ? "key changed" : null;
  }
  return conversation.waiting > 0 ? waitingWords(conversation.waiting) : null;
}

function waiting(words: string, { look }: BannerParts): Element[] {
  return [
    icon("door-open"),
    el("p", { role: "status" }, `${words}.`),
    el("div", { class: "actions" }, button("secondary", "Look", look)),
  ];
}

/** A changed key stops sending until somebody has decided; the words say what may have happened. */
function changedKey(conversation: PersonConversation, parts: BannerParts): Element[] {
  const name = titleOf(conversation);
  return [
    icon("shield-alert"),
    el(
      "p",
      { role: "alert" },
      el("strong", {}, el("bdi", {}, name), "’s key has changed. Sending is paused."),
      "They may have started anew, or somebody may be in between. Ask them, and compare your numbers.",
    ),
    el(
      "div",
      { class: "actions" },
      button("primary", "Compare", parts.look),
      button("secondary", "Accept the new key", () => parts.accept(conversation)),
    ),
  ];
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
