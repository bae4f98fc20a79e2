/**
 * Letters to phones by a webhook that whoever runs the server provides: a POST of JSON, signed, to
 * an address of their choice. docs/accounts.md says what a receiver does with it.
 */
import { toHex, utf8 } from "../protocol/encoding.ts";
import { hmacSha256 } from "./digest.ts";
import type { Mailer, RandomSource } from "./deps.ts";
import type { Letter } from "./letters.ts";
import { isPhoneNumber } from "./names.ts";

/** Carries time and signature: `t=<seconds since 1970>,v1=<64 hexadecimal digits>`. */
export const SIGNATURE_HEADER = "snug-signature";

/** Before the second and the third try; somebody waits in front of the page. */
const BACK_OFF_MS = [500, 2_000] as const;
const TIMEOUT_MS = 5_000;

/** How to reach the webhook. */
export interface SmsOptions {
  /** https, or http to this machine: config_values.ts sees to it. */
  readonly url: string;
  readonly secret: string;
  readonly now: () => number;
  readonly random: RandomSource;
  /** Resolves after so many ms. */
  readonly wait: (ms: number) => Promise<void>;
  /** For one try; 5 seconds unless a test says otherwise. */
  readonly timeoutMs?: number;
}

/** The webhook did not take a message. The message names a status at most: answers may quote numbers. */
export class SmsError extends Error {
  override readonly name = "SmsError";
  constructor(words: string, readonly again: boolean) {
    super(words);
  }
}

/** What the webhook is sent. `id` is the same at every try: a receiver that has seen it sends nothing. */
interface SmsBody {
  readonly id: string;
  readonly to: string;
  readonly text: string;
}

/** Letters as short messages. */
export function createSmsChannel(options: SmsOptions): Mailer {
  return {
    async send(letter) {
      const body = JSON.stringify(bodyOf(letter, toHex(options.random(16))));
      for (const pause of BACK_OFF_MS) {
        try {
          return await post(options, body);
        } catch (error) {
          if (!(error instanceof SmsError) || !error.again) throw error;
        }
        await options.wait(pause);
      }
      await post(options, body);
    },
  };
}

function bodyOf({ to, short }: Letter, id: string): SmsBody {
  // Checked again at the last door, as mail.ts does with addresses.
  if (!isPhoneNumber(to)) throw new RangeError("not a phone number");
  return { id, to, text: short };
}

/** One try, signed with its own time. */
async function post(options: SmsOptions, body: string): Promise<void> {
  const { url, secret, now, timeoutMs = TIMEOUT_MS } = options;
  const time = Math.floor(now() / 1_000);
  const answer = await fetch(url, {
    method: "POST",
    headers: {
      "content-type": "application/json; charset=utf-8",
      [SIGNATURE_HEADER]: `t=${time},v1=${signSms(secret, time, body)}`,
    },
    body,
    // A number and a code are for the configured address and for no other.
    redirect: "manual",
    signal: AbortSignal.timeout(timeoutMs),
  }).catch((error) => {
    throw new SmsError(`the webhook does not answer (${nameOf(error)})`, true);
  });
  await answer.body?.cancel();
  if (answer.ok) return;
  const again = answer.status >= 500 || answer.status === 429;
  throw new SmsError(`the webhook answers ${answer.status}`, again);
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : "unknown";
}

/** HMAC-SHA-256 under the secret, over the seconds since 1970 in digits, a dot and the body; hexadecimal. */
export function signSms(secret: string, seconds: number, body: string): string {
  return toHex(hmacSha256(utf8(secret), utf8(`${seconds}.${body}`)));
}
