/** What was typed and not sent, by conversation. It stays in this tab and goes when the tab is closed. */
import type { ConversationId } from "../types.ts";

export interface Drafts {
  read(conversation: ConversationId): string;
  /** An empty text removes the draft. */
  write(conversation: ConversationId, text: string): void;
}

/** `storage` may refuse (private windows, full): then a draft lives as long as the page. */
export function makeDrafts(storage: Storage): Drafts {
  const held = new Map<ConversationId, string>();
  const keyOf = (conversation: ConversationId) => `snug-draft/${conversation}`;
  return {
    read(conversation) {
      return held.get(conversation) ?? attempt(() => storage.getItem(keyOf(conversation))) ?? "";
    },
    write(conversation, text) {
      held.set(conversation, text);
      attempt(() => {
        if (text === "") storage.removeItem(keyOf(conversation));
        else storage.setItem(keyOf(conversation), text);
      });
    },
  };
}

function attempt<T>(run: () => T): T | null {
  try {
    return run();
  } catch {
    return null;
  }
}
