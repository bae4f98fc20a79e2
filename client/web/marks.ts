/** Small signs beside names: icon and words, never the colour alone. */
import type { Conversation, Verification } from "../types.ts";
import { el, icon } from "./dom.ts";
import { plainName } from "./names.ts";
import { counted, VERIFICATION } from "./words.ts";

export function verificationMark(verification: Verification): HTMLElement {
  const look = VERIFICATION[verification];
  const attributes = { class: "standing-mark", "data-state": verification };
  return el("span", attributes, icon(look.icon), look.words);
}

/** Under the name over the messages. */
export function aboutConversation(conversation: Conversation): (Node | string)[] {
  if (conversation.kind === "person") {
    const { username, verification } = conversation;
    return [el("span", { class: "handle" }, `@${username}`), " ", verificationMark(verification)];
  }
  const { members, topic, stopped } = conversation;
  if (stopped === "left") return ["You’re not in this room"];
  if (stopped === "ended") return ["This room has ended"];
  const count = el("span", { class: "count" }, counted(members, "member"));
  const shown = plainName(topic, "");
  return shown === "" ? [count] : [count, " ", el("bdi", { class: "topic" }, shown)];
}

/** A stranger's first words, or a room that a stranger has added one to: waiting to be taken up. */
export function isRequest(conversation: Conversation): boolean {
  const { kind, accepted, last } = conversation;
  return !accepted && (kind === "person" ? last !== undefined : conversation.stopped === null);
}

/** Whether the conversation counts among those that one has. */
export function isTakenUp(conversation: Conversation): boolean {
  return !isRequest(conversation) && (conversation.kind === "room" || !conversation.blocked);
}
