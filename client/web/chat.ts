/** The chat page's entry: this device's engine, in this tab or in another one, and the page over it. */
import { platformHasKem } from "../../crypto/kem_path.ts";
import { openEngine } from "../engine.ts";
import { cachedStore } from "../store_cache.ts";
import { openIdbStore } from "../store_idb.ts";
import { createEngineApi, fetchSend } from "../transport.ts";
import { type EngineEvent, NoDevice } from "../types.ts";
import { missing } from "./capability.ts";
import { runChatPage } from "./chat_page.ts";
import { connectWhenBack } from "./coming_back.ts";
import { need } from "./dom.ts";
import { makeDrafts } from "./drafts.ts";
import { now } from "./entry/clock.ts";
import { readInvitation } from "./invitation.ts";
import { fetchEngineMore, fetchKem } from "./later.ts";
import { joinTabs, type Note, type PageEngine, type Tab, type TabParts } from "./leader.ts";
import { type Gate, notice, showGate } from "./notices.ts";
import { pageSocket } from "./socket.ts";
import { careForStorage } from "./storage_care.ts";
import { trustedScript } from "./trusted_types.ts";
import { followViewport } from "./viewport.ts";
import { makeCalendar } from "./words.ts";

const { origin, host } = location;

/** Opens the device in this browser's store. The lock is held: nobody else writes. */
async function openDevice(): Promise<PageEngine> {
  const store = cachedStore(await openIdbStore("snug"));
  try {
    const engine = await openEngine({
      store,
      api: createEngineApi({ origin, send: fetchSend(origin), terminal: false }),
      socket: pageSocket(origin),
      mode: "sealed",
      now,
    });
    connectWhenBack(engine, globalThis, document);
    warnOfReset();
    document.addEventListener("visibilitychange", warnOfReset);
    return engine;
  } catch (error) {
    await store.close();
    throw error;
  }
}

/** Somebody may want to start the account over, and any device can stop it: this one says so. */
function warnOfReset(): void {
  // Without an answer what was said before stays.
  fetch("/api/reset").then(({ status }) => need("reset-banner").hidden = status !== 200, () => {});
}

function tabParts(): TabParts {
  const channel = new BroadcastChannel("snug-tabs");
  return {
    channel: {
      post: (note) => channel.postMessage(note),
      listen: (take) => channel.addEventListener("message", ({ data }) => take(data as Note)),
    },
    lock: (work) => navigator.locks.request("snug-writer", work),
    open: openDevice,
    name: crypto.randomUUID(),
    after: (ms, run) => {
      const timer = setTimeout(run, ms);
      return () => clearTimeout(timer);
    },
  };
}

const OLD_COPY: Gate = {
  title: "This is an old copy",
  words:
    "This browser’s data was restored from a copy. Using it again could repeat keys, so sign in " +
    "to make this browser a new device.",
  links: [["Sign in", "/sign-in"]],
};
const WIPED: Gate = {
  title: "Part of this browser’s data is gone",
  words:
    "The browser, or somebody, has removed some of it, so these keys must not be used again. " +
    "Sign in to make this browser a new device: your history comes back with it.",
  links: [["Sign in", "/sign-in"]],
};
const SIGNED_OUT: Gate = {
  title: "You’re signed out",
  words: "Sign in to make this browser one of your devices. Your keys are made here and stay here.",
  links: [["Sign in", "/sign-in"], ["Create an account", "/sign-up"]],
};
const INVITED: Gate = {
  title: "You’re invited to a room",
  words: "Sign in or create an account first. The invitation waits in this tab, and you see the " +
    "room before you join.",
  links: [["Create an account", "/sign-up"], ["Sign in", "/sign-in"]],
};

/** No device here, or none that can be used: the one thing to do is to sign in. */
function explain(cause: unknown): void {
  if (!(cause instanceof NoDevice)) {
    return showGate({
      title: "Snug could not open",
      words: "This browser’s storage did not answer. If it is full, make room, then try again.",
      action: ["Try again", () => location.reload()],
    });
  }
  if (cause.reason === "restored") showGate(OLD_COPY);
  else if (cause.reason === "wiped") showGate(WIPED);
  else showGate(readInvitation(sessionStorage) === null ? SIGNED_OUT : INVITED);
  // Somebody may sign in meanwhile in another tab.
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") location.reload();
  });
}

/** A page that the browser puts aside must not hold the lock, and has missed everything when it is back. */
function letGo(tab: Tab): void {
  addEventListener("pagehide", () => tab.leave());
  addEventListener("pageshow", (event) => {
    if (event instanceof PageTransitionEvent && event.persisted) location.reload();
  });
}

/** Looks at once, and whenever somebody comes back to the page. */
function watchStorage(tab: Tab): void {
  const on = (listener: (event: EngineEvent) => void) => void tab.on(listener);
  const look = careForStorage({ storage: navigator.storage, on, say: notice });
  const lookNow = () => void look();
  lookNow();
  document.addEventListener("visibilitychange", lookNow);
}

async function keepShell(): Promise<void> {
  // Not over a certificate that the browser does not trust; then there is no offline start, and all else works.
  await navigator.serviceWorker?.register(trustedScript("/service_worker.js")).catch(() => {});
}

async function main(): Promise<void> {
  followViewport();
  if ((await missing(globalThis)).length > 0) return;
  void keepShell();
  if (!await platformHasKem()) fetchKem();
  fetchEngineMore();
  try {
    const tab = await joinTabs(tabParts());
    tab.onFailure(explain);
    letGo(tab);
    const drafts = makeDrafts(sessionStorage);
    const calendar = makeCalendar();
    watchStorage(tab);
    await runChatPage({ tab, calendar, now, drafts, host, origin, storage: sessionStorage });
  } catch (cause) {
    explain(cause);
  }
}

await main();
