/** One row of the timeline as nodes. Everything in it that people wrote is text (security.md W1). */
import type { LineKind, Message } from "../types.ts";
import { isoTime } from "./conversation_list.ts";
import { button, el, fill, icon } from "./dom.ts";
import { isEmojiOnly, pieces } from "./links.ts";
import { plainName, tintOf } from "./names.ts";
import type { Row } from "./rows.ts";
import { type Calendar, counted } from "./words.ts";

export interface RowContext {
  readonly calendar: Calendar;
  /** What the conversation is called: in one with a person, their name. Made plain. */
  readonly name: string;
  /** In a room others have names of their own, and "@username" in a text is a mention. */
  readonly isRoom: boolean;
  /** One's own username. */
  readonly username: string;
  readonly retry: (message: Message) => void;
}

/** What a room's log says is everyday; everything else in a line is to be noticed. */
const LINE_ICONS: Readonly<Record<LineKind, string | null>> = {
  "new-device": "laptop",
  "device-removed": "laptop",
  "key-changed": "shield-alert",
  "key-accepted": "key-round",
  "missing": "triangle-alert",
  "name-changed": "user",
  "room": null,
  "room-warning": "triangle-alert",
};

/** What a row looks like depends on this alone: equal signatures, equal nodes. */
export function signature(row: Row): string {
  if (row.kind === "day") return row.words;
  if (row.kind === "fresh") return String(row.count);
  if (row.kind === "beginning") return "";
  if (row.kind === "line") return row.message.text;
  if (row.kind === "hidden") return JSON.stringify(row.messages.map(({ text }) => text));
  const { text, time, state, reason, sender, mention } = row.message;
  return JSON.stringify([row.first, text, time, state, reason, sender, mention]);
}

/** Makes a row, or brings the node it had before up to date. */
export function renderRow(row: Row, context: RowContext, before?: HTMLElement): HTMLElement {
  switch (row.kind) {
    case "beginning":
      return el(
        "p",
        { class: "beginning" },
        icon("lock"),
        context.isRoom ? "What the members of " : "What you and ",
        el("bdi", {}, context.name),
        " write here is encrypted on your devices. The server carries it and can’t read it.",
        context.isRoom && " Whoever joins later can’t read what was said before.",
      );
    case "day":
      return el(
        "p",
        { class: "day" },
        el("time", { datetime: isoTime(row.time)?.slice(0, 10) ?? null }, row.words),
      );
    case "fresh":
      return el("p", { class: "fresh" }, counted(row.count, "new message"));
    case "line":
      return systemLine(row.message);
    case "hidden":
      return hidden(row.messages);
    case "message":
      // What was folded away may be shown again: then the node is of another kind.
      return article(
        row.message,
        row.first,
        context,
        before?.matches("article") ? before : undefined,
      );
  }
}

function systemLine({ line, text }: Message): HTMLElement {
  const name = line ? LINE_ICONS[line] : "info";
  return el(
    "p",
    { class: "line", "data-line": line ?? null },
    name && icon(name),
    el("span", { dir: "auto" }, text),
  );
}

/** One line; what is behind it is shown by whoever presses it. */
function hidden(messages: readonly Message[]): HTMLElement {
  const name = plainName(messages[0]!.sender ?? "", "Somebody");
  const many = counted(messages.length, "message");
  return el(
    "details",
    { class: "line hidden-words" },
    el(
      "summary",
      {},
      icon("ban"),
      el("span", {}, many, " of ", el("bdi", {}, name), ", whom you’ve blocked"),
    ),
    ...messages.map(({ text }) => el("p", { dir: "auto" }, text)),
  );
}

function article(
  message: Message,
  first: boolean,
  context: RowContext,
  before = el("article"),
): HTMLElement {
  const { mine, state, text, reason } = message;
  const sender = senderOf(message, context);
  const failed = state === "not sent";
  const isNew = before.classList.contains("new");
  before.className = [
    "row",
    mine ? "mine" : "theirs",
    first && "first",
    failed && "failed",
    isEmojiOnly(text) && "emoji",
    isNew && "new",
    message.mention && "mentions-me",
  ].filter(Boolean).join(" ");
  fill(
    before,
    context.isRoom && !mine && first && who(message, sender),
    el(
      "div",
      { class: "bubble", dir: "auto" },
      // Whose it is, for ears; <bdi> keeps it out of the bubble's own direction.
      el("bdi", { class: "sr" }, mine ? "You: " : `${sender}: `),
      body(message, context),
      " ",
      meta(message, context.calendar),
    ),
    " ",
    (failed || reason !== undefined) && notSent(message, context),
  );
  return before;
}

function senderOf({ sender }: Message, { isRoom, name }: RowContext): string {
  return isRoom ? plainName(sender ?? "", "Somebody") : name;
}

/** For the eye: ears hear it from each bubble. The colour is the account's, the same everywhere. */
function who({ from }: Message, sender: string): HTMLElement {
  const className = `who who-${tintOf(from)}`;
  return el("p", { class: className, "aria-hidden": "true" }, el("bdi", {}, sender));
}

function body({ text, time, mine, state }: Message, context: RowContext): HTMLElement {
  const { calendar, isRoom, username } = context;
  const room = mine ? `${calendar.clock(time)} · ${state ?? ""}` : calendar.clock(time);
  const inside = pieces(text, isRoom).map((piece) => {
    if (piece.kind === "text") return piece.text;
    if (piece.kind === "link") return link(piece.text, piece.href);
    const ofMe = piece.text.slice(1).toLowerCase() === username;
    return el("bdi", { class: ofMe ? "mention me" : "mention" }, piece.text);
  });
  return el("p", { class: "text", "data-room": room }, ...inside);
}

function link(text: string, href: string): HTMLElement {
  return el("a", { href, title: href, target: "_blank", rel: "noopener noreferrer" }, text);
}

/** Stands at the end of the text's own direction; inside, time comes before state. */
function meta({ time, mine, state }: Message, calendar: Calendar): HTMLElement {
  const moment = el("time", { datetime: isoTime(time) }, calendar.clock(time));
  const said = mine && state !== undefined;
  return el(
    "span",
    { class: "meta" },
    el(
      "span",
      { dir: "ltr" },
      moment,
      said && " · ",
      said && el("span", { class: "state", "data-state": state }, state),
    ),
  );
}

function notSent(message: Message, { retry }: RowContext): HTMLElement {
  const { state, reason } = message;
  const failed = state === "not sent";
  return el(
    "p",
    { class: "reason" },
    el("span", { dir: "auto" }, reason ?? "This message is only here so far."),
    " ",
    failed && button("", "Try again", () => retry(message)),
  );
}
