/**
 * A forgotten password, over the same HTTP interface as api.ts. The pages of `/forgot` are steps for
 * people; what needs keys is CBOR.
 *
 * | method and path           | request             | answer             | challenge                  |
 * | ------------------------- | ------------------- | ------------------ | -------------------------- |
 * | POST /forgot              | form `contact`      | signUpAnswer       | none; opens one            |
 * | POST /forgot/resend       | empty form          | signUpAnswer       | open                       |
 * | POST /forgot/code         | form `code`         | resetStepAnswer    | open                       |
 * | POST /forgot/second-factor | form `code`        | resetStepAnswer    | confirmed                  |
 * | POST /forgot/vault        | nothing             | resetVaultAnswer   | confirmed, factor shown    |
 * | POST /forgot/password     | registrationRequest | registrationAnswer | the same                   |
 * | POST /forgot/change       | resetChangeRequest  | finishAnswer, next: device | the same; it ends  |
 * | POST /forgot/start-over/ask | empty form        | a page             | the same; begins the wait  |
 * | POST /forgot/start-over   | accountRequest      | accountAnswer      | the same, and the wait over; it ends |
 *
 * A device of the account sees the wait, and says yes or no. A login by the device's key is enough.
 *
 * | method and path         | request        | answer                                             |
 * | ----------------------- | -------------- | -------------------------------------------------- |
 * | GET /api/reset          |                | resetWaitsAnswer; status 204 or 200 without CBOR   |
 * | POST /api/reset/stop    | nothing        | resetWaitsAnswer                                   |
 * | POST /api/reset/approve | approveRequest | resetWaitsAnswer                                   |
 *
 * A challenge whose address has no account looks and counts like any other, and no code is right.
 */
import { passwordChangeRequest, passwordProvenAnswer, vaultSchema } from "./api.ts";
import { bytes, choice, id, type Infer, nullable, record, tagged, text, uint } from "./codec.ts";

/** What comes next: a code of the second factor, or the keys. */
export const resetStepAnswer = tagged("next", {
  "second-factor": record({}),
  keys: record({}),
});
export type ResetStepAnswer = Infer<typeof resetStepAnswer>;

/** What the recovery key opens: `vault` has one wrap, by that key. */
const recoverable = {
  account: id<"account">(),
  aik: bytes(32),
  entries: passwordProvenAnswer.fields.entries,
  vault: vaultSchema,
};
/** `former` is what was there before the account was started over, while it can be brought back. */
export const resetVaultAnswer = record({
  ...recoverable,
  username: text({ max: 32 }),
  former: nullable(record(recoverable)),
});
export type ResetVaultAnswer = Infer<typeof resetVaultAnswer>;

/**
 * As at a change of the password: a `set` that names the next vault generation and changes nothing
 * else, and the vault of that generation with one wrap, by the new password. Of `former`, the `set`
 * follows the former list: its devices are listed again, and need the new password.
 */
export const resetChangeRequest = record({
  of: choice("current", "former"),
  record: passwordChangeRequest.fields.record,
  list: passwordChangeRequest.fields.list,
  vault: vaultSchema,
});
export type ResetChangeRequest = Infer<typeof resetChangeRequest>;

/** When somebody who waits may start the account over, in milliseconds since 1970; null: nobody waits. */
export const resetWaitsAnswer = record({ due: nullable(uint(Number.MAX_SAFE_INTEGER)) });
export type ResetWaitsAnswer = Infer<typeof resetWaitsAnswer>;

/** The six digits that the waiting browser shows, as they were typed. */
export const approveRequest = record({ code: text({ max: 40 }) });
export type ApproveRequest = Infer<typeof approveRequest>;
