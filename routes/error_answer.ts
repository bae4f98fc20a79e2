/** One error as an answer, in the form that the asker reads: CBOR, a page, or plain JSON. */
import type { Context } from "hono";
import { type ErrorAnswer, errorAnswer } from "../protocol/api.ts";
import { encode } from "../protocol/codec.ts";
import type { AppEnv, RouteDeps } from "./env.ts";
import { HTTP_ERRORS, type HttpErrorCode } from "./errors.ts";

/** Answers with the row of the errors table; `retryAfter` is in seconds. */
export async function answerWith(
  c: Context<AppEnv>,
  deps: Pick<RouteDeps, "problemPage">,
  code: HttpErrorCode,
  retryAfter?: number,
): Promise<Response> {
  const { status, words } = HTTP_ERRORS[code];
  const wait = retryAfter === undefined ? null : Math.ceil(retryAfter);
  if (wait !== null) c.header("retry-after", String(wait));
  const body: ErrorAnswer = { code, message: words, retryAfter: wait };
  const accept = c.req.header("accept") ?? "";
  if (accept.includes("application/cbor")) {
    return c.body(encode(errorAnswer, body), status, { "content-type": "application/cbor" });
  }
  if (accept.includes("text/html") && deps.problemPage !== undefined) {
    const part = c.req.header("hx-request") === "true";
    return c.html(await deps.problemPage({ words, nonce: c.var.nonce, part }), status);
  }
  return c.json(body, status);
}
