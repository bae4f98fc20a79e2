/** Every error an HTTP answer can carry: code, status and the words people read. */

/** One row: `code` is for programs and stable, `words` is for people. */
export interface HttpErrorRow {
  readonly status:
    | 400
    | 401
    | 403
    | 404
    | 405
    | 409
    | 411
    | 413
    | 415
    | 421
    | 429
    | 500
    | 503
    | 507;
  readonly words: string;
}

/** The table. */
export const HTTP_ERRORS = {
  "bad-request": { status: 400, words: "That request makes no sense to this server." },
  "sign-in-needed": { status: 401, words: "Sign in first." },
  "forbidden": { status: 403, words: "That is not yours to do." },
  "foreign-origin": { status: 403, words: "That request came from another site." },
  "not-found": { status: 404, words: "There is nothing here." },
  "wrong-method": { status: 405, words: "That address cannot do that." },
  "conflict": { status: 409, words: "Something changed in between. Look again and retry." },
  "length-needed": { status: 411, words: "Say how long the request is." },
  "too-large": { status: 413, words: "That is more than this server takes at once." },
  "wrong-type": { status: 415, words: "That kind of content is not taken here." },
  "too-many": { status: 429, words: "Too many tries. Wait a little, then go on." },
  "internal": { status: 500, words: "Something broke on our side. Try again." },
  "not-ready": { status: 503, words: "The server is starting or busy. Try again in a moment." },
  "storage-full": {
    status: 507,
    words: "The server's disk takes nothing more. Tell whoever runs it.",
  },
} as const satisfies Record<string, HttpErrorRow>;

/** The code of a row. */
export type HttpErrorCode = keyof typeof HTTP_ERRORS;

/** Thrown by routes and middleware; app.ts turns it into an answer. */
export class HttpError extends Error {
  override readonly name = "HttpError";
  /** @param retryAfter seconds, sent as Retry-After */
  constructor(readonly code: HttpErrorCode, readonly retryAfter?: number) {
    super(code);
  }
}
