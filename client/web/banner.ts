/** What stands over the messages: a changed key, and how it stands with the server. */
import type { ConnectionState, Conversation } from "../types.ts";
import { button, el, fill, icon, need, setText } from "./dom.ts";
import { plainName } from "./names.ts";
import { connectionWords, standingWords } from "./words.ts";

export interface BannerParts {
  readonly compare: () => void;
  readonly accept: (conversation: Conversation) => void;
}

/** A changed key stops sending until somebody has decided; the words say what may have happened. */
export function showBanner(conversation: Conversation, parts: BannerParts): void {
  const banner = need("banner");
  const changed = conversation.verification === "changed";
  if (banner.hidden !== changed && banner.dataset["of"] === conversation.id) return;
  banner.hidden = !changed;
  banner.dataset["of"] = conversation.id;
  if (!changed) return banner.replaceChildren();
  const name = plainName(conversation.title, conversation.username);
  fill(
    banner,
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
      button("primary", "Compare", parts.compare),
      button("secondary", "Accept the new key", () => parts.accept(conversation)),
    ),
  );
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
  const needsSignIn = state === "signed-out" || state === "restored";
  setText(standing, words ?? "");
  if (needsSignIn) standing.append(" ", el("a", { href: "/sign-in" }, "Sign in"));
}
