/** The dialog that tells whoever runs the server about somebody, with the messages that one chooses to show. */
import {
  MAX_REPORT_MESSAGES,
  MAX_REPORT_WORDS,
  type RevealedMessage,
} from "../../protocol/reports.ts";
import { sendReport } from "../reports.ts";
import { fetchSend } from "../transport.ts";
import type { Message, PersonConversation } from "../types.ts";
import { openDialog, type Opened } from "./dialog.ts";
import { button, el, fill } from "./dom.ts";
import { makeForm, makeTextField } from "./fields.ts";
import type { MoreParts } from "./more_parts.ts";
import { titleOf } from "./names.ts";

/** So many of the newest messages are offered; what is older is told in words. */
const OFFERED = 50;

const MOMENT = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

/** A message to be chosen, and whether it is. */
interface Choice {
  readonly message: Message;
  readonly box: HTMLInputElement;
}

/** Opens the dialog over the page. */
export async function openReport(
  { tab, complain, failed }: MoreParts,
  conversation: PersonConversation,
): Promise<void> {
  const opened = openDialog(`Report ${titleOf(conversation)}`);
  try {
    const messages = await tab.messages(conversation.id, { limit: OFFERED });
    ask(opened, conversation, messages.filter(({ kind }) => kind === "text"));
  } catch {
    // A failing disk: said, and nothing is sent.
    opened.close();
    complain(failed);
  }
}

function ask(
  opened: Opened,
  { account, username }: PersonConversation,
  messages: readonly Message[],
): void {
  const words = makeTextField({
    ...{ id: "report-words", label: "What happened?" },
    hint: "In your own words, for whoever runs this server.",
    attributes: { rows: 4, maxlength: MAX_REPORT_WORDS },
  });
  const choices = messages.map((message) => choiceOf(message, username));
  const problem = el("p", { class: "field-words", "data-state": "bad", role: "alert" });
  const { form } = makeForm("Send report", [
    ...words.parts,
    ...(choices.length === 0 ? [] : [messageList(choices)]),
    el("p", { class: "about" }, UNPROVEN),
    problem,
  ], async () => {
    if (words.input.value.trim() === "") return words.say("Say what happened.");
    const chosen = revealed(choices);
    if (chosen.length > MAX_REPORT_MESSAGES) {
      return fill(problem, `Choose at most ${MAX_REPORT_MESSAGES} messages.`);
    }
    const request = { account, words: words.input.value.toWellFormed().trim(), messages: chosen };
    const answer = await sendReport(fetchSend(location.origin), request);
    if (answer.problem === null) done(opened);
    else fill(problem, answer.problem);
  });
  fill(opened.body, form);
  // What one reports has most likely just been said.
  choices.at(-1)?.row.scrollIntoView({ block: "nearest" });
  words.input.focus();
}

const UNPROVEN =
  "The server can’t read messages. Only what you write and choose here is sent, in clear, to whoever " +
  "runs it. Nothing proves to them that these messages were written. The other person isn’t told.";

function revealed(choices: readonly Choice[]): RevealedMessage[] {
  return choices.filter(({ box }) => box.checked).map(({ message }) => ({
    ...{ time: Math.max(0, Math.floor(message.time)), own: message.mine },
    text: message.text,
  }));
}

function choiceOf(message: Message, username: string): Choice & { readonly row: HTMLElement } {
  const box = el("input", { type: "checkbox", id: `report-${message.id}` });
  const who = message.mine ? "you" : `@${username}`;
  const label = el(
    "label",
    { for: box.id },
    el("span", { class: "about" }, `${who}, ${MOMENT.format(message.time)}`),
    el("span", { dir: "auto", class: "report-text" }, message.text),
  );
  return { message, box, row: el("li", {}, box, label) };
}

function messageList(choices: readonly (Choice & { readonly row: HTMLElement })[]): HTMLElement {
  return el(
    "fieldset",
    { class: "report-messages" },
    el("legend", {}, "Messages to show, if any"),
    el("ul", { tabindex: 0, "aria-label": "Newest messages" }, ...choices.map(({ row }) => row)),
  );
}

function done(opened: Opened): void {
  const close = button("primary", "Close", opened.close);
  fill(
    opened.body,
    el("p", { role: "status" }, "Sent. Whoever runs this server will look at it."),
    el("div", { class: "dialog-actions" }, close),
  );
  close.focus();
}
