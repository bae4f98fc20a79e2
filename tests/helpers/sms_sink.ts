/** A webhook for short messages in the test's own process: it checks signatures as a receiver would. */
import { createHmac, timingSafeEqual } from "node:crypto";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** One request as it came. */
export interface SmsRequest {
  readonly method: string;
  readonly id: string;
  readonly to: string;
  readonly text: string;
  /** By the receiver's own reckoning, within five minutes of `now`. */
  readonly signed: boolean;
}

export interface SmsSink {
  readonly url: string;
  readonly requests: SmsRequest[];
  close(): Promise<void>;
}

/** Answers with the next of `statuses`, the last one for ever; 0 never answers. */
export async function openSmsSink(
  { secret, now, statuses = [204], location }: {
    readonly secret: string;
    readonly now: () => number;
    readonly statuses?: readonly number[];
    readonly location?: string;
  },
): Promise<SmsSink> {
  const requests: SmsRequest[] = [];
  const held: ServerResponse[] = [];
  const server = createServer(async (request, answer) => {
    let body = "";
    for await (const part of request) body += String(part);
    const { id, to, text } = JSON.parse(body) as Pick<SmsRequest, "id" | "to" | "text">;
    const signed = isSigned(String(request.headers["snug-signature"]), body, secret, now());
    requests.push({ method: request.method ?? "", id, to, text, signed });
    const status = statuses[Math.min(requests.length, statuses.length) - 1]!;
    if (status === 0) return void held.push(answer);
    answer.writeHead(status, location === undefined ? {} : { location }).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/sms`,
    requests,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
        // Deno 2.4 waits for ever for answers that nobody waits for.
        if (held.length > 0) resolve();
      }),
  };
}

function isSigned(header: string, body: string, secret: string, now: number): boolean {
  const [, time = "", mac = ""] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(header) ?? [];
  if (Math.abs(now / 1_000 - Number(time)) > 300) return false;
  const right = createHmac("sha256", secret).update(`${time}.${body}`).digest();
  return timingSafeEqual(right, new Uint8Array(right.length === 32 ? fromHex(mac) : []));
}

function fromHex(text: string): number[] {
  return (text.match(/../g) ?? Array<string>(32).fill("00")).map((pair) => parseInt(pair, 16));
}
