/**
 * Telling whoever runs the server about somebody: one call, behind this device's login. The messages
 * are what the reporter's own device holds; nothing proves them to anybody (protocol/reports.ts).
 */
import { CBOR_TYPE } from "../protocol/api.ts";
import { encode } from "../protocol/codec.ts";
import { type ReportRequest, reportRequest } from "../protocol/reports.ts";
import type { HttpSend } from "./transport.ts";

/** `words` are for people; null when the report was taken. */
export type ReportAnswer = { readonly problem: string | null };

/** By the status of the answer; the server's own words are not needed for these. */
const WORDS: Readonly<Record<number, string>> = {
  401: "You’re signed out here. Sign in, then send it again.",
  404: "They have no account here any more.",
  422: "Say in your own words what happened.",
  429: "You have reported a lot today. Try again tomorrow.",
};
const OFFLINE = "The server can’t be reached. Nothing was sent.";
const OTHER = "That didn’t work. Nothing was sent. Try again.";

/** Sends a report; never throws for what a network or a server does. */
export async function sendReport(send: HttpSend, request: ReportRequest): Promise<ReportAnswer> {
  const body = encode(reportRequest, request);
  const headers = { "content-type": CBOR_TYPE, accept: CBOR_TYPE };
  try {
    const { status } = await send({ method: "POST", path: "/api/reports", headers, body });
    return { problem: status === 204 ? null : WORDS[status] ?? OTHER };
  } catch {
    return { problem: OFFLINE };
  }
}
