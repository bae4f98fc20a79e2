/** The dialog "Your history": the sealed copy on the server, copies to keep, and one to bring in. */
import type { HistoryStatus } from "../history_engine.ts";
import { MIN_PASSPHRASE } from "../history_file.ts";
import type { Conversation, Outcome } from "../types.ts";
import { busyWhile, confirmed, openDialog } from "./dialog.ts";
import { button, el, fill, setText } from "./dom.ts";
import { makeField, makeForm } from "./fields.ts";
import { type CopyParts, fileName, readablePage, save, sealAll } from "./history_copy.ts";
import { importSection } from "./history_import.ts";
import { type MoreParts, outcomeOf } from "./more_parts.ts";
import { titleOf } from "./names.ts";
import { makeProgress, type Told } from "./progress.ts";

const MIB = 1_048_576;

export type HistoryDialogParts = MoreParts & CopyParts;

/** Opens the dialog over the page. */
export function openHistoryDialog(parts: HistoryDialogParts): void {
  const { body } = openDialog("Your history");
  body.classList.add("history-dialog");
  const copies = el("div", {});
  body.append(serverSection(parts), copies);
  parts.tab.conversations().then(
    (talks) => fill(copies, fileSection(parts), pageSection(parts, talks), importSection(parts)),
    () => parts.complain(parts.failed),
  );
}

/** A part of the dialog, under a heading of its own. */
export function section(title: string, ...children: readonly (Node | string)[]): HTMLElement {
  const id = `history-${title.toLowerCase().replace(/[^a-z]+/g, "-")}`;
  return el(
    "section",
    { class: "history-part", "aria-labelledby": id },
    el("h3", { id }, title),
    ...children,
  );
}

function serverSection(parts: HistoryDialogParts): HTMLElement {
  const state = el("p", {}, "Asking the server…");
  const { element, told } = makeProgress();
  const actions = el("div", { class: "dialog-actions" });
  const { history } = parts.tab;
  const show = async (said?: string) => {
    const status = await history.status().catch(() => null);
    if (status === null) {
      told("");
      return setText(state, parts.failed);
    }
    setText(state, stateWords(status));
    fill(actions, ...buttons(parts, status, told, after));
    if (said !== undefined) told(said);
  };
  const after = (outcome: Outcome<unknown>, said: string) =>
    void show(outcome.ok ? said : outcome.words);
  void show();
  return section(
    "Sealed copy on the server",
    el("p", {}, WHAT_IT_IS),
    state,
    actions,
    element,
  );
}

type After = (outcome: Outcome<unknown>, said: string) => void;

function buttons(
  parts: HistoryDialogParts,
  { on, bytes }: HistoryStatus,
  told: Told,
  after: After,
): HTMLElement[] {
  const { history } = parts.tab;
  const turn = button("secondary", on ? "Switch it off" : "Switch it on", () => {
    const done = on ? "Switched off. What is there stays until you erase it." : "Switched on.";
    void busyWhile(turn, outcomeOf(parts, history.setOn(!on))).then((turned) =>
      after(turned, done)
    );
  });
  const check = button("secondary", "Check it", () => {
    told("Checking every piece. What is long ago is fetched first.", null);
    void busyWhile(check, outcomeOf(parts, history.check())).then((checked) =>
      after(checked, checked.ok ? checkedWords(checked.value) : "")
    );
  });
  const erase = button("secondary", "Erase it", async () => {
    if (!await confirmed(ERASE)) return erase.focus();
    told("Erasing it from the server.", null);
    after(await busyWhile(erase, outcomeOf(parts, history.erase())), "Erased.");
  });
  return bytes === 0 ? [turn] : [turn, check, erase];
}

function stateWords({ on, bytes, most, waiting, restored }: HistoryStatus): string {
  const size = bytes === null || most === null
    ? "The server does not answer now."
    : `${(bytes / MIB).toFixed(1)} of ${Math.round(most / MIB)} MiB are used.`;
  const wait = on && waiting > 0 ? ` ${waiting.toLocaleString()} messages are about to go in.` : "";
  const back = restored ? "" : " Earlier messages are still on their way to this browser.";
  return `It is ${on ? "on" : "off"}. ${size}${wait}${back}`;
}

function checkedWords({ missing, unknown }: { missing: number; unknown: number }): string {
  if (missing === 0 && unknown === 0) return "It is complete.";
  const lost = missing === 0 ? "" : ` ${missing} pieces are missing or were changed.`;
  const strange = unknown === 0 ? "" : ` ${unknown} devices wrote that this one never knew.`;
  return `Your history is incomplete.${lost}${strange} Your devices give it again what they can.`;
}

function fileSection(parts: HistoryDialogParts): HTMLElement {
  const { element, told } = makeProgress();
  const field = makeField({
    id: "export-passphrase",
    label: "Passphrase for the file",
    hint: `At least ${MIN_PASSPHRASE} characters: five words will do. Nobody can open it without.`,
    attributes: { type: "password", autocomplete: "new-password", maxlength: 256 },
  });
  const { form } = makeForm("Save one file of everything", [...field.parts, element], async () => {
    if ([...field.input.value].length < MIN_PASSPHRASE) {
      return field.say(
        `A passphrase has at least ${MIN_PASSPHRASE} characters: five words will do.`,
      );
    }
    const sealed = await outcomeOf(parts, sealAll(parts, field.input.value, told));
    if (!sealed.ok) return told(sealed.words);
    const name = fileName(parts.tab.me.username, parts.now(), "history");
    save(name, "application/octet-stream", sealed.value);
    field.input.value = "";
    told(`Saved as ${name}.`);
  });
  const words = "Every conversation to its beginning, sealed. It opens here and on other servers.";
  return section("Copy to keep", el("p", {}, words), form);
}

function pageSection(parts: HistoryDialogParts, talks: readonly Conversation[]): HTMLElement {
  const { element, told } = makeProgress();
  const options = talks.map((talk) => el("option", { value: talk.id }, titleOf(talk)));
  const choice = el("select", { id: "export-conversation" }, ...options);
  const { form } = makeForm("Save as a page", [
    el("label", { for: choice.id }, "Conversation"),
    choice,
    element,
  ], async () => {
    const talk = talks.find(({ id }) => id === choice.value);
    if (!talk) return told("There is no conversation yet.");
    const page = await outcomeOf(parts, readablePage(parts, talk, told));
    if (!page.ok) return told(page.words);
    const name = fileName(titleOf(talk), parts.now(), "html");
    save(name, "text/html", page.value);
    told(`Saved as ${name}.`);
  });
  const words = "One page that any browser opens. It is not encrypted: keep it where others can’t.";
  return section("Page to read", el("p", {}, words), form);
}

const WHAT_IT_IS =
  "Your next browser has your conversations from it. This server can’t read it. But what is in it can be " +
  "opened for as long as your account’s keys live: if messages must be gone once they are read, switch it off.";

const ERASE = {
  title: "Erase the sealed copy?",
  words:
    "It goes from the server for good. Your devices keep what they have; a new one begins empty.",
  yes: "Erase it",
  grave: true,
};
