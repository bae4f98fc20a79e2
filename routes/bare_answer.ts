/** Answers that no route makes: at the door, and where there is no request to speak of. */
import { STATUS_CODES } from "node:http";
import { commonHeaders, PLAIN_POLICY } from "./policy.ts";

/** Headers of such an answer, but for its length and that the connection ends. */
export type BareHeaders = Readonly<Record<string, string>>;

/** What every one of them carries: as much as a route's answer does. */
export function bareHeaders(trustedCertificate: boolean): BareHeaders {
  return {
    ...commonHeaders(trustedCertificate),
    "content-security-policy": PLAIN_POLICY,
    "cache-control": "no-store",
  };
}

/** A whole answer without content, the last one of its connection. */
export function bareAnswer(status: number, headers: BareHeaders): string {
  const all = { ...headers, "content-length": "0", "connection": "close" };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}`);
  return [`HTTP/1.1 ${status} ${STATUS_CODES[status]}`, ...lines, "", ""].join("\r\n");
}
