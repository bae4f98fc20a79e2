/**
 * Somebody wants to start this account over. Every device of it asks for that now and then, tells its
 * person once, and says no, or lets the waiting browser through.
 */
import { encode } from "../protocol/codec.ts";
import { nothingSchema } from "../protocol/passkey_api.ts";
import { approveRequest, type ResetWaitsAnswer, resetWaitsAnswer } from "../protocol/reset_api.ts";
import { outcomeOf } from "./flow_refusals.ts";
import type { ApiResult, EngineApi } from "./transport.ts";
import { done, type Outcome } from "./types.ts";

type Asker = Pick<EngineApi, "ask">;

/** When it may happen, in milliseconds since 1970; null: nobody waits. */
export async function waitingReset(api: Asker): Promise<Outcome<number | null>> {
  return dueOf(await api.ask("/api/reset", null, resetWaitsAnswer));
}

/** Says no. The value is null: nobody waits any more. */
export async function stopReset(api: Asker): Promise<Outcome<number | null>> {
  return dueOf(await api.ask("/api/reset/stop", encode(nothingSchema, {}), resetWaitsAnswer));
}

/** Lets the browser through that shows this code. */
export async function approveReset(api: Asker, code: string): Promise<Outcome<number | null>> {
  const body = encode(approveRequest, { code });
  return dueOf(await api.ask("/api/reset/approve", body, resetWaitsAnswer));
}

function dueOf(answer: ApiResult<ResetWaitsAnswer>): Outcome<number | null> {
  return answer.ok ? done(answer.value.due) : outcomeOf(answer);
}

/** Asks, and tells of each wait once. Without an answer there is nothing to tell. */
export function createResetWatch(api: Asker, tell: (due: number) => void): () => Promise<void> {
  let told: number | null = null;
  return async () => {
    const waits = await waitingReset(api);
    if (!waits.ok || waits.value === told) return;
    told = waits.value;
    if (told !== null) tell(told);
  };
}
