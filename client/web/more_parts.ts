/** What the parts that are fetched later are given by the page. */
import type { RoomId } from "../../protocol/ids.ts";
import type { ConversationId, Outcome } from "../types.ts";
import { refused } from "../types.ts";
import type { Tab } from "./leader.ts";
import type * as QrRead from "./qr_read.ts";

export interface MoreParts {
  readonly tab: Tab;
  /** What links to rooms begin with. */
  readonly origin: string;
  /** Says something that went wrong and belongs nowhere else. */
  readonly complain: (words: string) => void;
  /** Fetches what reads QR codes. Handed over, because a page may have only one maker of script addresses. */
  readonly qrReader: () => Promise<typeof QrRead>;
  /** Likewise what stretches passphrases. */
  readonly stretchWorker: () => Worker;
  /** Words for what nobody expected. */
  readonly failed: string;
  /** What the open conversation shows has changed all over. */
  readonly refresh: () => void;
  /** A conversation was begun, or is to be looked at. */
  readonly started: (conversation: ConversationId) => void;
}

/** Bugs and a failing disk come as rejections; they are said, not swallowed. */
export function outcomeOf<T>(
  { failed }: Pick<MoreParts, "failed">,
  asked: Promise<Outcome<T>>,
): Promise<Outcome<T>> {
  return asked.catch(() => refused("internal", failed));
}

/** A room's conversation has the room's own id, under another name. */
export function conversationOf(room: RoomId): ConversationId {
  return room as string as ConversationId;
}
