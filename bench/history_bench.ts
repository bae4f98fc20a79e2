/**
 * A new browser of somebody with 10,000 archived messages in 50 conversations: how soon it has the list and the last
 * screen of each, and how much it fetches for that. The archive is as life makes it: four messages a segment.
 */
import { Change } from "../client/change.ts";
import { addMessage } from "../client/timeline.ts";
import type { ConversationId } from "../client/types.ts";
import { randomId } from "../protocol/ids.ts";
import type { HttpSend } from "../client/transport.ts";
import { must } from "../tests/helpers/people_world.ts";
import { RealDevice, RealServer } from "../tests/helpers/real_server.ts";
import { figure } from "./measure.ts";

const CONVERSATIONS = 50;
const MESSAGES = 200;
const TOGETHER = 4;
const SCREEN = 50;
const PASSWORD = "lantern under the stairs";
const LIMITS = {
  SNUG_LIMIT_SIGN_UPS_PER_IP_HOUR: "1000",
  SNUG_LIMIT_CODES_PER_IP_HOUR: "1000",
  SNUG_LIMIT_PASSWORD_TRIES_PER_IP: "1000",
  SNUG_LIMIT_NAME_CHECKS_PER_IP_HOUR: "10000",
};

/** Every figure of this file, one JSON line each. Most of its minute goes into making 51 accounts. */
export async function historyBench(): Promise<void> {
  const server = await RealServer.start("off", LIMITS);
  const ana = new RealDevice(server);
  try {
    await ana.signUp("ana", PASSWORD);
    const friends: ConversationId[] = [];
    for (let i = 0; i < CONVERSATIONS; i++) {
      await new RealDevice(server).signUp(`friend${i}`, PASSWORD);
    }
    const engine = await ana.open();
    for (let i = 0; i < CONVERSATIONS; i++) {
      friends.push(must(await engine.startConversation(`friend${i}`)).id);
    }
    await archive(ana, friends);
    await newBrowser(server);
  } finally {
    await ana.close();
    await server.end();
  }
}

/** What was said over the last months, archived as it came. */
async function archive(ana: RealDevice, friends: readonly ConversationId[]): Promise<void> {
  const start = Date.now() - MESSAGES * 3_600_000;
  const { account, device } = ana.engine!.me;
  for (let at = 0; at < MESSAGES; at += TOGETHER) {
    const change = new Change(ana.store);
    for (const conversation of friends) {
      for (let i = at; i < at + TOGETHER; i++) {
        const mine = i % 2 === 0;
        const who = mine ? { from: account, state: "read" as const } : { from: conversation };
        const row = { id: randomId<"message">(), conversation, device, mine, verified: false };
        const text = `message ${i}: as long as people write when they write to each other`;
        await addMessage(change, { ...row, ...who, text, time: start + i * 3_600_000 });
      }
    }
    await ana.store.commit(change.writes);
    await ana.engine!.history.flush();
  }
  const { bytes } = await ana.engine!.history.status();
  figure("history: the whole archive", "bytes", bytes ?? 0);
}

async function newBrowser(server: RealServer): Promise<void> {
  const device = new RealDevice(server);
  const beginning = performance.now();
  must(await device.signIn("ana", PASSWORD));
  figure("history: sign-in with the password", "ms", Math.round(performance.now() - beginning));
  const fetched = { bytes: 0, requests: 0 };
  const start = performance.now();
  const engine = await device.open({ send: (send) => counting(send, fetched) });
  await device.until(async () => (await engine.conversations()).length === CONVERSATIONS);
  const talks = await engine.conversations();
  figure("history: until the list is there", "ms", Math.round(performance.now() - start));
  const first = await engine.messages(talks[0]!.id, { limit: SCREEN });
  figure("history: until a first last screen", "ms", Math.round(performance.now() - start));
  const pages = [first];
  for (const { id } of talks.slice(1)) pages.push(await engine.messages(id, { limit: SCREEN }));
  figure("history: until every last screen", "ms", Math.round(performance.now() - start));
  if (pages.some((rows) => rows.length !== SCREEN)) throw new Error("a screen is not full");
  figure("history: fetched for all of it", "bytes", fetched.bytes);
  figure("history: requests for all of it", "requests", fetched.requests);
  const back = performance.now();
  let rows = first;
  let all = rows.length;
  while (rows.length === SCREEN) {
    rows = await engine.messages(talks[0]!.id, { limit: SCREEN, before: rows[0]!.order });
    all += rows.length;
  }
  figure("history: to the beginning of one", "ms", Math.round(performance.now() - back));
  if (all !== MESSAGES) throw new Error(`${all} messages of ${MESSAGES}`);
  await device.close();
}

function counting(send: HttpSend, fetched: { bytes: number; requests: number }): HttpSend {
  return async (request) => {
    const answer = await send(request);
    fetched.bytes += answer.body.length;
    fetched.requests++;
    return answer;
  };
}

if (import.meta.main) await historyBench();
