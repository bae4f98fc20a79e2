/** The picture of somebody without a picture: initials on two colours that come from an id. Rooms may have a picture. */
import type { Conversation } from "../types.ts";
import { el } from "./dom.ts";
import { initials, tintOf, titleOf } from "./names.ts";
import { pictureUrl } from "./pictures.ts";

export type AvatarSize = "" | "small" | "big";

/** Decoration: the name is always beside it, so screen readers pass over it. */
export function avatar(id: string, name: string, size: AvatarSize = ""): HTMLElement {
  const className = `avatar tint-${tintOf(id)}${size && ` ${size}`}`;
  return el("span", { class: className, "aria-hidden": "true" }, initials(name));
}

/** A room's own picture, or its initials. A picture that cannot be drawn leaves the initials. */
export function roomAvatar(
  id: string,
  name: string,
  picture: Uint8Array | null,
  size: AvatarSize = "",
): HTMLElement {
  const made = avatar(id, name, size);
  made.classList.add("of-room");
  const url = pictureUrl(id, picture);
  if (url === null) return made;
  const image = el("img", { src: url, alt: "", draggable: "false" });
  image.addEventListener("error", () => image.remove());
  made.append(image);
  return made;
}

export function conversationAvatar(conversation: Conversation, size: AvatarSize = ""): HTMLElement {
  const name = titleOf(conversation);
  return conversation.kind === "room"
    ? roomAvatar(conversation.id, name, conversation.picture, size)
    : avatar(conversation.account, name, size);
}
