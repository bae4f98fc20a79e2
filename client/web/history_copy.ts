/** Taking a history out of the page and into it: in one sealed file, or as a page to read. */
import type { AccountId } from "../../protocol/ids.ts";
import { ArchiveCut, type SegmentContent } from "../archive_records.ts";
import { type HistoryFile, openHistory, sealHistory, type Stretch } from "../history_file.ts";
import { conversationPage } from "../history_page.ts";
import type { Bytes } from "../../protocol/encoding.ts";
import { type Conversation, done, type Message, type Outcome } from "../types.ts";
import { titleOf } from "./names.ts";
import type { Told } from "./progress.ts";
import type { StretchAnswer, StretchCall } from "./stretch_call.ts";
import type { Tab } from "./leader.ts";

/** Rows read at a time. */
const PAGE = 500;
/** Pieces of a file that are taken in at a time. */
const BATCH = 8;

/** Argon2id in a worker. Rejects when the worker cannot be loaded. */
const stretchIn = (makeWorker: () => Worker): Stretch => (passphrase, salt) =>
  new Promise((resolve, reject) => {
    const worker = makeWorker();
    worker.addEventListener("message", ({ data }: MessageEvent<StretchAnswer>) => {
      worker.terminate();
      if ("key" in data) resolve(data.key);
      else reject(new Error(data.failure));
    });
    worker.addEventListener("error", (event) => {
      worker.terminate();
      reject(new Error(event.message));
    });
    worker.postMessage({ passphrase, salt } satisfies StretchCall);
  });

export interface CopyParts {
  readonly tab: Tab;
  readonly origin: string;
  readonly now: () => number;
  readonly stretchWorker: () => Worker;
}

/** Everything in one file, sealed with the passphrase. */
export async function sealAll(
  { tab, origin, now, stretchWorker }: CopyParts,
  passphrase: string,
  told: Told,
): Promise<Outcome<Bytes>> {
  const { account, username } = tab.me;
  const talks = await tab.conversations();
  async function* contents(): AsyncGenerator<SegmentContent> {
    for (const [at, { id }] of talks.entries()) {
      told(`Gathering conversation ${at + 1} of ${talks.length}.`, at / (talks.length + 1));
      const collected = await tab.history.collect(id);
      if (!collected.ok) throw new ArchiveCut();
      yield* collected.value;
    }
    told("Writing the file.", talks.length / (talks.length + 1));
  }
  told("Stretching the passphrase. This takes a moment, and longer for those who guess.", null);
  const head = { account, username, origin, time: now() };
  return await sealHistory(head, contents(), passphrase, stretchIn(stretchWorker));
}

/** One conversation as one readable page. */
export async function readablePage(
  { tab, now }: Pick<CopyParts, "tab" | "now">,
  talk: Conversation,
  told: Told,
): Promise<Outcome<string>> {
  told("Fetching what is not here yet.", null);
  const whole = await tab.history.whole(talk.id);
  if (!whole.ok) return whole;
  const pages: Message[][] = [];
  let before: string | undefined;
  let count = 0;
  for (;;) {
    const rows = await tab.messages(talk.id, { limit: PAGE, ...before ? { before } : {} });
    if (rows.length === 0) break;
    pages.push(rows);
    before = rows[0]!.order;
    told(`${(count += rows.length).toLocaleString()} messages so far.`, null);
  }
  const title = titleOf(talk);
  const { fullName, username } = tab.me;
  const nameOf = ({ mine, sender }: Message) => mine ? fullName || username : sender ?? title;
  const messages = pages.toReversed().flat();
  return done(conversationPage({ title, nameOf, messages, time: now() }));
}

/** Opens a file. What is wrong with it, or with the passphrase, comes as words. */
export async function openFile(
  { stretchWorker }: Pick<CopyParts, "stretchWorker">,
  file: Blob,
  passphrase: string,
  told: Told,
): Promise<Outcome<HistoryFile>> {
  told("Opening the file.", null);
  return await openHistory(
    new Uint8Array(await file.arrayBuffer()),
    passphrase,
    stretchIn(stretchWorker),
  );
}

/** Somebody of a file from another account: who are they here? */
export interface Stranger {
  readonly account: AccountId;
  readonly name: string;
  readonly username: string;
}

/** Those whom only the person who imports can tell; none for a file of this very account. */
export function strangersIn({ head, contents }: HistoryFile, me: AccountId): Stranger[] {
  if (head.account === me) return [];
  const found = new Map<AccountId, Stranger>();
  for (const { conversation, person } of contents) {
    if (!person || conversation === head.account) continue;
    const { username, fullName } = person;
    found.set(conversation, { account: conversation, username, name: fullName || username });
  }
  return [...found.values()];
}

/** What came in. */
export interface Taken {
  readonly messages: number;
  readonly inFile: number;
  readonly conversations: number;
}

/** Takes a file's contents in; twice is no harm. */
export async function takeIn(
  { tab }: Pick<CopyParts, "tab">,
  { head, contents }: HistoryFile,
  people: ReadonlyMap<AccountId, AccountId>,
  told: Told,
): Promise<Outcome<Taken>> {
  let messages = 0;
  for (let at = 0; at < contents.length; at += BATCH) {
    told(`Taking in piece ${at + 1} of ${contents.length}.`, at / contents.length);
    messages += await tab.history.take(head.account, contents.slice(at, at + BATCH), people);
  }
  const inFile = contents.reduce((sum, { messages }) => sum + messages.length, 0);
  const conversations = new Set(contents.map(({ conversation }) => conversation)).size;
  return done({ messages, inFile, conversations });
}

/** Hands bytes to the browser as a download. */
export function save(name: string, type: string, content: Bytes | string): void {
  const url = URL.createObjectURL(new Blob([content], { type }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  // The browser has taken hold of it by then.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

/** A file name that every system takes. */
export function fileName(words: string, time: number, ending: string): string {
  const plain = words.normalize("NFKD").replace(/[^A-Za-z0-9]+/g, "-").replace(/^-+|-+$/g, "");
  const day = new Date(time).toISOString().slice(0, 10);
  return `snug-${plain.slice(0, 40).toLowerCase() || "history"}-${day}.${ending}`;
}
