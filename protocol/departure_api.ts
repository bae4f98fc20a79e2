/**
 * The end of an account, over the same HTTP interface as api.ts.
 *
 * | method and path            | request             | answer     | login                      |
 * | -------------------------- | ------------------- | ---------- | -------------------------- |
 * | POST /settings/delete      | deleteRequest       | doneAnswer | full, of the last 30 days  |
 * | POST /settings/delete/code | form `code`         | a page     | the same                   |
 *
 * The proof is the one of `vaultProvenAnswer` (passkey_api.ts). An account with a second factor is
 * deleted by its code alone.
 */
import { SECRET_BYTES } from "./api.ts";
import { bytes, type Infer, record } from "./codec.ts";

export const deleteRequest = record({ proof: bytes(SECRET_BYTES) });
export type DeleteRequest = Infer<typeof deleteRequest>;
