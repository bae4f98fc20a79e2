/** The history archive as the page and the terminal see it. */
import type { AccountId } from "../protocol/ids.ts";
import type { Checked } from "./archive_check.ts";
import type { SegmentContent } from "./archive_records.ts";
import type { Flushed } from "./archive_writer.ts";
import type { ConversationId, Outcome } from "./types.ts";

/** What a person is told of the archive. */
export interface HistoryStatus {
  readonly on: boolean;
  /** Bytes on the server, and how many it keeps; null when it did not answer. */
  readonly bytes: number | null;
  readonly most: number | null;
  /** Messages of this device that are not in the archive yet. */
  readonly waiting: number;
  /** The newest of every conversation is here. */
  readonly restored: boolean;
}

/** History, as the page and the terminal see it. */
export interface HistoryEngine {
  status(): Promise<HistoryStatus>;
  /** Off: nothing more goes in, from any device. What is there stays until it is erased. */
  setOn(on: boolean): Promise<Outcome<null>>;
  /** Removes all of it from the server. What is on devices stays there. */
  erase(): Promise<Outcome<null>>;
  /** Sends what waits now. */
  flush(): Promise<Flushed>;
  /** Fetches a conversation to its beginning. */
  whole(conversation: ConversationId): Promise<Outcome<null>>;
  /**
   * Everything that this device can have, the archive fetched to its beginning, conversation by conversation.
   * @throws {ArchiveCut} half a history must not pass for a whole one
   */
  contents(): AsyncIterable<SegmentContent>;
  /** The same of one conversation; refused when it cannot be had whole. */
  collect(conversation: ConversationId): Promise<Outcome<SegmentContent[]>>;
  /**
   * Takes in somebody's history, one's own from here or elsewhere.
   * @param from whose it was: that account's messages are one's own here
   * @param people accounts of the file, and who they are on this server
   */
  take(
    from: AccountId,
    contents: readonly SegmentContent[],
    people: ReadonlyMap<AccountId, AccountId>,
  ): Promise<number>;
  /** Walks all chains; tells a warning when something is missing. */
  check(): Promise<Outcome<Checked>>;
}
