/** The sheet that gives a room's code away: to read out, to copy, as a link, as a QR code. */
import type { Room } from "../types.ts";
import { openDialog } from "./dialog.ts";
import { button, el, icon } from "./dom.ts";
import { NAMELESS_ROOM, plainName } from "./names.ts";
import { qrCode } from "./qr.ts";

/** Where a link leads. The code stands in the fragment, which no browser sends to a server. */
export function joinLink(origin: string, code: string): string {
  return `${origin}/join#${code}`;
}

export function openShare({ name, newcomers }: Room, code: string, origin: string): void {
  const shown = plainName(name, NAMELESS_ROOM);
  const link = joinLink(origin, code);
  const { body } = openDialog("Share invitation");
  const said = el("p", { class: "field-words said", role: "status" });
  const say = (words: string) => said.textContent = words;
  body.classList.add("share");
  body.append(
    el("p", {}, words(newcomers)),
    el("div", { class: "qr-frame" }, qrCode(link, `QR code of the link to ${shown}`)),
    el("p", { class: "code", dir: "ltr" }, code),
    el(
      "div",
      { class: "share-actions" },
      copyButton("Copy code", "copy", code, () => say("The code is copied.")),
      copyButton("Copy link", "link", link, () => say("The link is copied.")),
      shareButton(shown, link),
    ),
    said,
  );
}

function words(newcomers: Room["newcomers"]): string {
  switch (newcomers) {
    case "open":
      return "Whoever has this code can come in. Give it only to people you want here.";
    case "approve":
      return "Whoever has this code can ask to come in. A moderator decides.";
    case "closed":
      return "The room takes nobody in right now, so this code opens nothing until that changes.";
  }
}

function copyButton(words: string, name: string, text: string, copied: () => void): HTMLElement {
  const made = button("secondary", "", () => {
    navigator.clipboard.writeText(text).then(copied, () => select(made));
  });
  made.append(icon(name), words);
  return made;
}

/** The clipboard is closed to this page: the code is marked, so that it can be copied by hand. */
function select(near: HTMLElement): void {
  const code = near.closest(".dialog")?.querySelector(".code");
  if (code) getSelection()?.selectAllChildren(code);
}

/** The system's own sheet, where there is one. */
function shareButton(name: string, url: string): HTMLElement | "" {
  if (!("share" in navigator)) return "";
  const made = button("primary", "", () => {
    // Closing the system's sheet is no fault.
    navigator.share({ title: name, url }).catch(() => {});
  });
  made.append(icon("share-2"), "Share…");
  return made;
}
