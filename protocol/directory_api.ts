/** Finding people by name: only those who want to be found, and nobody else. */
import { type Infer, list, record, text } from "./codec.ts";

/** Of what is looked for, in bytes of UTF-8. */
export const MAX_FIND_BYTES = 128;
/** People in one answer. */
export const MAX_FOUND = 20;

/** `POST /api/directory`. Nothing is a word too: everybody in the directory, the first of them. */
export const directoryRequest = record({ words: text({ max: MAX_FIND_BYTES }) });

export const directoryAnswer = record({
  people: list(
    record({ username: text({ max: 32 }), fullName: text({ max: 320 }) }),
    { max: MAX_FOUND },
  ),
});
export type DirectoryAnswer = Infer<typeof directoryAnswer>;
