/** The part of "Your history" that brings a file in, from here or from another server. */
import type { AccountId } from "../../protocol/ids.ts";
import type { HistoryFile } from "../history_file.ts";
import { done, type Outcome } from "../types.ts";
import { el, fill } from "./dom.ts";
import { type Field, makeField, makeForm } from "./fields.ts";
import {
  type CopyParts,
  openFile,
  type Stranger,
  strangersIn,
  takeIn,
  type Taken,
} from "./history_copy.ts";
import { type MoreParts, outcomeOf } from "./more_parts.ts";
import { makeProgress, type Told } from "./progress.ts";
import { counted } from "./words.ts";

type Parts = MoreParts & CopyParts;

/** File and passphrase first; then, for another account's file, who is who. */
export function importSection(parts: Parts): HTMLElement {
  const { element, told } = makeProgress();
  const body = el("div", {});
  fill(body, openForm(parts, told, (file) => next(parts, body, file, told)));
  return el(
    "section",
    { class: "history-part", "aria-labelledby": "history-import" },
    el("h3", { id: "history-import" }, "Bring a copy in"),
    el("p", {}, "A file of Snug, of this account or another one. Nothing comes in twice."),
    body,
    element,
  );
}

function openForm(
  parts: Parts,
  told: Told,
  opened: (file: HistoryFile) => Promise<void>,
): HTMLFormElement {
  const file = makeField({ id: "import-file", label: "File", attributes: { type: "file" } });
  const passphrase = makeField({
    id: "import-passphrase",
    label: "Its passphrase",
    attributes: { type: "password", autocomplete: "off", maxlength: 256 },
  });
  const { form } = makeForm("Open it", [...file.parts, ...passphrase.parts], async () => {
    const [picked] = file.input.files ?? [];
    if (picked === undefined) return file.say("Choose the file first.");
    const outcome = await outcomeOf(parts, openFile(parts, picked, passphrase.input.value, told));
    told("");
    if (outcome.ok) return await opened(outcome.value);
    if (outcome.code === "wrong-password") passphrase.say(outcome.words);
    else file.say(outcome.words);
  });
  return form;
}

async function next(
  parts: Parts,
  body: HTMLElement,
  file: HistoryFile,
  told: Told,
): Promise<void> {
  const strangers = strangersIn(file, parts.tab.me.account);
  const take = async (people: ReadonlyMap<AccountId, AccountId>) => {
    const taken = await outcomeOf(parts, takeIn(parts, file, people, told));
    told(taken.ok ? takenWords(taken.value) : taken.words);
    if (taken.ok) fill(body);
  };
  if (strangers.length === 0) return await take(new Map());
  const form = whoForm(parts, file, strangers, take);
  fill(body, form);
  form.querySelector("input")?.focus();
}

/** The same name on two servers need not be the same person: nobody is guessed. */
function whoForm(
  parts: Parts,
  { head }: HistoryFile,
  strangers: readonly Stranger[],
  take: (people: ReadonlyMap<AccountId, AccountId>) => Promise<void>,
): HTMLFormElement {
  const fields = strangers.map((stranger, at) => {
    const attributes = { autocapitalize: "none", spellcheck: "false", maxlength: 33 };
    const label = `${stranger.name} (@${stranger.username} there) is here`;
    return { stranger, field: makeField({ id: `who-${at}`, label, attributes }) };
  });
  const about = `This is the history of @${head.username} on ${head.origin}. Who is who here? ` +
    "Leave empty whom you don’t know: that conversation comes in to be read.";
  const { form } = makeForm("Bring it in", [
    el("p", {}, about),
    ...fields.flatMap(({ field }) => field.parts),
  ], async () => {
    const people = await whoIsWho(parts, fields);
    if (people.ok) await take(people.value);
  });
  return form;
}

async function whoIsWho(
  parts: Parts,
  fields: readonly { readonly stranger: Stranger; readonly field: Field }[],
): Promise<Outcome<Map<AccountId, AccountId>>> {
  const people = new Map<AccountId, AccountId>();
  for (const { stranger, field } of fields) {
    const username = field.input.value.trim();
    if (username === "") continue;
    const talk = await outcomeOf(parts, parts.tab.startConversation(username));
    if (!talk.ok) {
      field.say(talk.words);
      return talk;
    }
    people.set(stranger.account, talk.value.account);
  }
  return done(people);
}

function takenWords({ messages, inFile, conversations }: Taken): string {
  const known = inFile - messages;
  const before = known > 0 ? ` ${counted(known, "message")} were here already.` : "";
  return `${counted(messages, "message")} came in, of ${
    counted(conversations, "conversation")
  }.${before}`;
}
