/**
 * Telling whoever runs the server about somebody: `POST /api/reports`, behind a device's login, with
 * `reportRequest`; 204, or an error as in api.ts (404 `unknown-person`, 429 `rate-limited`).
 *
 * The server cannot read messages, so it can check none: what is revealed here is a claim of the
 * person who reports, and is shown as one. There is no franking (protocol.md "Content").
 */
import { bool, id, type Infer, list, record, text, uint } from "./codec.ts";
import { MAX_TEXT_BYTES } from "./limits.ts";

/** The reporter's own words, in UTF-16 units, as forms count them. */
export const MAX_REPORT_WORDS = 2_000;
/** The same in bytes of UTF-8. */
export const MAX_REPORT_WORDS_BYTES = 3 * MAX_REPORT_WORDS;
/** Messages revealed with one report. */
export const MAX_REPORT_MESSAGES = 20;
/** A message's text in bytes of UTF-8: the longest that can be sent. */
export const MAX_REPORT_TEXT_BYTES = MAX_TEXT_BYTES;

/** One message that the reporter chose to reveal. */
export const revealedMessageSchema = record({
  /** Milliseconds since 1970, as the reporter's device had it. */
  time: uint(Number.MAX_SAFE_INTEGER),
  /** True for what the reporter wrote, false for what the reported person is said to have written. */
  own: bool,
  text: text({ max: MAX_REPORT_TEXT_BYTES }),
});
export type RevealedMessage = Infer<typeof revealedMessageSchema>;

/** As they were written, oldest first. */
export const revealedMessagesSchema = list(revealedMessageSchema, { max: MAX_REPORT_MESSAGES });

/** A report. */
export const reportRequest = record({
  account: id<"account">(),
  words: text({ max: MAX_REPORT_WORDS_BYTES }),
  messages: revealedMessagesSchema,
});
export type ReportRequest = Infer<typeof reportRequest>;
