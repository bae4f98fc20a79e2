/** Dialogs, made when they are opened and gone when they are closed. The browser gives the focus back. */
import { button, el, icon } from "./dom.ts";

export interface Opened {
  readonly dialog: HTMLDialogElement;
  readonly body: HTMLElement;
  close(): void;
}

let made = 0;

/** Opens a dialog with a title and a way out. Escape, the cross and a press beside it close it. */
export function openDialog(title: string, closed: () => void = () => {}): Opened {
  const titleId = `dialog-title-${++made}`;
  const body = el("div", { class: "dialog-body" });
  const cross = el("button", {
    type: "button",
    class: "quiet",
    "aria-label": "Close",
    title: "Close",
  });
  cross.append(icon("x"));
  const dialog = el(
    "dialog",
    { class: "dialog", "aria-labelledby": titleId },
    el("div", { class: "dialog-head" }, el("h2", { id: titleId }, title), cross),
    body,
  );
  cross.addEventListener("click", () => dialog.close());
  // Pressed and let go beside it: a text that is selected to beyond the edge must not close it.
  let pressedBeside = false;
  dialog.addEventListener("pointerdown", ({ target }) => pressedBeside = target === dialog);
  dialog.addEventListener("click", ({ target }) => {
    if (target === dialog && pressedBeside) dialog.close();
  });
  dialog.addEventListener("close", () => {
    dialog.remove();
    closed();
  });
  document.body.append(dialog);
  dialog.showModal();
  return { dialog, body, close: () => dialog.close() };
}

export interface Question {
  readonly title: string;
  /** What happens then, in a sentence or two. */
  readonly words: string;
  /** What the button says that does it. */
  readonly yes: string;
  /** It cannot be taken back. */
  readonly grave?: boolean;
}

/** Asks before something that cannot be taken back easily. Resolves with whether to do it. */
export function confirmed({ title, words, yes, grave = false }: Question): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const { body, close } = openDialog(title, () => resolve(false));
  const answer = (sure: boolean) => () => {
    resolve(sure);
    close();
  };
  const no = button("secondary", "Cancel", answer(false));
  body.append(
    el("p", {}, words),
    el(
      "div",
      { class: "dialog-actions" },
      no,
      button(grave ? "primary grave" : "primary", yes, answer(true)),
    ),
  );
  // Enter must not do what was never read.
  no.focus();
  return promise;
}

/** Marks a button as busy for as long as something takes; a second press meanwhile does nothing. */
export async function busyWhile<T>(pressed: HTMLElement, work: Promise<T>): Promise<T> {
  pressed.setAttribute("aria-busy", "true");
  try {
    return await work;
  } finally {
    pressed.removeAttribute("aria-busy");
  }
}
