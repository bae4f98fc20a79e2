/** The chat page's entry in tests: the real page over {@link FakeEngine}, in the place of chat.js. */
import { runChatPage } from "../../client/web/chat_page.ts";
import { makeDrafts } from "../../client/web/drafts.ts";
import { joinTabs } from "../../client/web/leader.ts";
import { trustedScript } from "../../client/web/trusted_types.ts";
import { followViewport } from "../../client/web/viewport.ts";
import { makeCalendar } from "../../client/web/words.ts";
import { FakeEngine } from "./fake_engine.ts";
import type { Scenario } from "./fake_scenario.ts";

/** What a test reaches through `page.evaluate`. */
export interface Harness {
  scenario?: Scenario;
  /** Moves the clock by which days and times are told. */
  skew?: number;
  engine?: FakeEngine;
}

const harness = globalThis as unknown as Harness & { harnessReady?: boolean };

async function main(): Promise<void> {
  const now = () => Date.now() + (harness.skew ?? 0);
  const engine = new FakeEngine(harness.scenario ?? {}, now);
  harness.engine = engine;
  followViewport();
  void navigator.serviceWorker?.register(trustedScript("/service_worker.js")).catch(() => {});
  const tab = await joinTabs({
    channel: { post: () => {}, listen: () => {} },
    lock: (work) => work(),
    open: () => Promise.resolve(engine),
    name: "harness",
    after: () => () => {},
  });
  const drafts = makeDrafts(sessionStorage);
  const calendar = makeCalendar("en-GB", "Europe/Berlin");
  const host = "chat.example.org";
  const [origin, storage] = [`https://${host}`, sessionStorage];
  await runChatPage({ tab, calendar, now, drafts, host, origin, storage });
}

await main();
