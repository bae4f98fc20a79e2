/**
 * What was typed and is not on this device's disk yet, by conversation: drafts, and texts on their way to the engine. It
 * stays in this tab and goes when the tab is closed; a reload in between finds all of it again.
 */
import type { ConversationId } from "../types.ts";

export interface Drafts {
  read(conversation: ConversationId): string;
  /** An empty text removes the draft. */
  write(conversation: ConversationId, text: string): void;
  /** The draft was `text` and goes to the engine; it is kept until it is there. */
  hand(conversation: ConversationId, text: string): void;
  /** The engine has it. */
  settle(conversation: ConversationId, text: string): void;
  /** The engine refused it: it is a draft again, before anything typed since. */
  takeBack(conversation: ConversationId, text: string): void;
}

interface Held {
  draft: string;
  readonly handed: string[];
}

/** `storage` may refuse (private windows, full): then a draft lives as long as the page. */
export function makeDrafts(storage: Storage): Drafts {
  const all = new Map<ConversationId, Held>();
  const keyOf = (conversation: ConversationId) => `snug-draft/${conversation}`;
  const held = (conversation: ConversationId): Held => {
    const kept = all.get(conversation);
    if (kept) return kept;
    const draft = attempt(() => storage.getItem(keyOf(conversation))) ?? "";
    const fresh: Held = { draft, handed: [] };
    all.set(conversation, fresh);
    return fresh;
  };
  const keep = (conversation: ConversationId, { draft, handed }: Held) =>
    attempt(() => {
      const text = joined([...handed, draft]);
      if (text === "") storage.removeItem(keyOf(conversation));
      else storage.setItem(keyOf(conversation), text);
    });
  const change = (conversation: ConversationId, work: (of: Held) => void) => {
    const of = held(conversation);
    work(of);
    keep(conversation, of);
  };
  const release = (of: Held, text: string) => {
    const at = of.handed.indexOf(text);
    if (at >= 0) of.handed.splice(at, 1);
  };
  return {
    read: (conversation) => held(conversation).draft,
    write: (conversation, text) => change(conversation, (of) => of.draft = text),
    hand: (conversation, text) =>
      change(conversation, (of) => {
        of.handed.push(text);
        of.draft = "";
      }),
    settle: (conversation, text) => change(conversation, (of) => release(of, text)),
    takeBack: (conversation, text) =>
      change(conversation, (of) => {
        release(of, text);
        if (of.draft !== text) of.draft = joined([text, of.draft]);
      }),
  };
}

function joined(texts: readonly string[]): string {
  return texts.filter((text) => text !== "").join("\n");
}

function attempt<T>(run: () => T): T | null {
  try {
    return run();
  } catch {
    return null;
  }
}
