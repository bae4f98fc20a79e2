/** The chat page: hears the engine's events, keeps what is shown, and passes on what people do. */
import { type AccountId, type MessageId, randomId } from "../../protocol/ids.ts";
import type { Conversation, ConversationId, EngineEvent, Message } from "../types.ts";
import type { Outcome } from "../types.ts";
import { conversationAvatar } from "./avatar.ts";
import { showBanner, showConnection } from "./banner.ts";
import { Composer } from "./composer.ts";
import { ConversationList } from "./conversation_list.ts";
import { fill, need, setText } from "./dom.ts";
import type { Drafts } from "./drafts.ts";
import { Extras } from "./extras.ts";
import { dropInvitation, readInvitation, type TabStorage } from "./invitation.ts";
import { loadQrReader, stretchWorker } from "./later.ts";
import type { Tab } from "./leader.ts";
import { aboutConversation, isTakenUp } from "./marks.ts";
import { plainName, titleOf } from "./names.ts";
import { notice } from "./notices.ts";
import { Place } from "./place.ts";
import { showRestoring } from "./restoring.ts";
import { Timeline } from "./timeline.ts";
import { onSwipeBack } from "./viewport.ts";
import { badge, type Calendar, counted } from "./words.ts";

export interface ChatPageParts {
  readonly tab: Tab;
  readonly calendar: Calendar;
  readonly now: () => number;
  readonly drafts: Drafts;
  /** The server's name, for the line under the list. */
  readonly host: string;
  /** What links to rooms begin with. */
  readonly origin: string;
  /** The tab's own: where an invitation waits. */
  readonly storage: TabStorage;
}

const ONE_COLUMN = "(max-width: 699.9px)";
/** Something on this device failed and nothing better can be said. */
const FAILED = "Something went wrong on this device. Reload the page and try again.";
/** Warnings that the conversation's own lines say already. */
const SAID_IN_TIMELINE = new Set([
  "key-changed",
  "new-device",
  "unreadable",
  "peer-lost-messages",
  "room-fork",
  "room-log",
  "room-removal",
  "not-member",
]);

/** Runs the page over an engine that is open, here or in another tab. */
export async function runChatPage(parts: ChatPageParts): Promise<void> {
  const page = new ChatPage(parts);
  await page.begin();
}

class ChatPage {
  readonly #parts: ChatPageParts;
  readonly #app = need("app");
  readonly #list: ConversationList;
  readonly #timeline: Timeline;
  readonly #composer: Composer;
  readonly #extras: Extras;
  readonly #place: Place;
  /** Newest first. */
  #conversations: Conversation[] = [];
  #open: Conversation | null = null;
  #provisional = 0;
  #listIsDue = false;

  constructor(parts: ChatPageParts) {
    this.#parts = parts;
    const { tab, calendar, now, drafts, origin } = parts;
    this.#place = new Place((open) => this.#follow(open));
    this.#list = new ConversationList({
      ...{ calendar, now },
      open: (id) => this.#enter(id),
      username: () => tab.me.username,
    });
    this.#timeline = new Timeline({
      ...{ tab, calendar, now },
      retry: (message) => void this.#retry(message),
      seen: () => this.#markRead(),
    });
    this.#composer = new Composer({
      drafts,
      send: (...args) => void this.#send(...args),
      mayMention: () => this.#extras.mention(),
    });
    this.#extras = new Extras({
      ...{ tab, origin, complain: notice, qrReader: loadQrReader, stretchWorker },
      failed: FAILED,
      refresh: () => this.#redraw(),
      started: (id) => void this.#started(id),
    });
    this.#listen();
  }

  /** Reads and shows what there is. */
  async begin(): Promise<void> {
    const { tab, host } = this.#parts;
    showConnection(tab.connection, host);
    this.#conversations = await tab.conversations();
    this.#showList();
    this.#follow(this.#place.open);
    void showRestoring(tab);
    void this.#askAboutDevices();
    this.#welcomeGuest();
    this.#welcomeAsked();
    this.#openHistory();
  }

  #alarm({ what, device, words }: EngineEvent & { kind: "warning" }): void {
    if (device === undefined) return notice(words);
    this.#extras.alarm({ device, words, gone: what === "own-device-gone" });
  }

  /** Devices that nobody here has spoken about yet. */
  async #askAboutDevices(): Promise<void> {
    try {
      for (const alarm of await this.#parts.tab.alarms()) this.#extras.alarm(alarm);
    } catch {
      notice(FAILED);
    }
  }

  /** Somebody was chosen on the page of people: whether to write to them is another press. */
  #welcomeAsked(): void {
    const username = /^#@([a-z0-9_]{3,32})$/.exec(location.hash)?.[1];
    if (username === undefined) return;
    history.replaceState(history.state, "", location.pathname);
    this.#extras.start("person", username);
  }

  /** Somebody came with a link to a room: they see it before they decide. */
  #welcomeGuest(): void {
    const { storage } = this.#parts;
    const code = readInvitation(storage);
    if (code !== null) this.#extras.invite(code, () => dropInvitation(storage));
  }

  /** The settings lead here. */
  #openHistory(): void {
    if (location.hash !== "#history") return;
    history.replaceState(history.state, "", location.pathname);
    this.#extras.history();
  }

  #listen(): void {
    const { tab } = this.#parts;
    tab.on((event) => this.#take(event));
    tab.onReset(() => void this.#refresh());
    tab.onStalled((stalled) => {
      if (stalled) notice(STALLED);
    });
    need("back").addEventListener("click", () => this.#place.leave());
    need("welcome-button").addEventListener("click", () => this.#extras.start());
    onSwipeBack(need("conversation"), () => {
      if (matchMedia(ONE_COLUMN).matches && !this.#extras.detailsAreOpen) this.#place.leave();
    });
    document.addEventListener("visibilitychange", () => this.#markRead());
    document.addEventListener("keydown", (event) => this.#escape(event));
  }

  #take(event: EngineEvent): void {
    switch (event.kind) {
      case "message":
        return this.#timeline.add(event.message);
      case "state":
        return this.#timeline.setState(event);
      case "conversation":
        return this.#changed(event.conversation);
      case "room":
        return this.#extras.roomChanged(event.room);
      case "connection":
        return showConnection(event.state, this.#parts.host);
      case "gap":
        if (event.conversation === undefined) notice(lostWords(event.count));
        return;
      case "warning":
        if (event.what === "own-new-device" || event.what === "own-device-gone") {
          return this.#alarm(event);
        }
        if (!SAID_IN_TIMELINE.has(event.what)) notice(event.words);
    }
  }

  /** After another tab took over: nothing is known to be current. */
  async #refresh(): Promise<void> {
    const { tab, host } = this.#parts;
    showConnection(tab.connection, host);
    this.#conversations = await tab.conversations();
    this.#showList();
    const open = this.#conversations.find(({ id }) => id === this.#open?.id);
    if (open) this.#showOpen(open);
    void this.#askAboutDevices();
    await this.#timeline.refresh();
  }

  #changed(conversation: Conversation): void {
    const { id, order } = conversation;
    const at = this.#conversations.findIndex((each) => each.id === id);
    const [before] = at >= 0 ? this.#conversations.splice(at, 1) : [];
    if (blockedOf(before) !== blockedOf(conversation)) this.#redraw();
    const place = this.#conversations.findIndex((each) => each.order <= order);
    this.#conversations.splice(place < 0 ? this.#conversations.length : place, 0, conversation);
    if (id === this.#open?.id) this.#showOpen(conversation);
    this.#showListSoon();
    if (id === this.#open?.id && conversation.unread > 0 && this.#timeline.atEnd) this.#markRead();
  }

  /** What is shown of somebody may be hidden now, or shown again. */
  #redraw(): void {
    this.#timeline.refresh().catch(() => notice(FAILED));
  }

  /** A burst of events shows once. */
  #showListSoon(): void {
    if (this.#listIsDue) return;
    this.#listIsDue = true;
    queueMicrotask(() => {
      this.#listIsDue = false;
      this.#showList();
    });
  }

  #showList(): void {
    this.#list.update(this.#conversations);
    this.#showWelcome();
    const heard = this.#conversations.filter((each) => !each.muted && isTakenUp(each));
    const unread = heard.reduce((sum, each) => sum + each.unread, 0);
    const title = unread > 0 ? `(${badge(unread)}) Snug` : "Snug";
    if (document.title !== title) document.title = title;
  }

  #showWelcome(): void {
    const none = !this.#conversations.some(isTakenUp);
    const { fullName, username } = this.#parts.tab.me;
    const name = plainName(fullName, username);
    setText(need("welcome-title"), none ? `Hello, ${name}.` : "Whom shall we write to?");
    setText(
      need("welcome-words"),
      none
        ? "It’s quiet in here. Write to somebody by username, or make a room and share its code."
        : "Pick a conversation, or begin a new one.",
    );
    need("welcome-button").hidden = !none;
    need("welcome").hidden = this.#open !== null;
  }

  /** Opens what was just begun; another tab's event about it may not have come yet. */
  async #started(id: ConversationId): Promise<void> {
    if (!this.#conversations.some((each) => each.id === id)) {
      this.#conversations = await this.#parts.tab.conversations();
      this.#showList();
    }
    this.#enter(id);
  }

  #enter(id: ConversationId): void {
    this.#app.dataset["moved"] = "";
    this.#place.enter(id, matchMedia(ONE_COLUMN).matches);
    this.#follow(id);
    // On a phone this would bring up the keyboard over what is to be read.
    if (matchMedia("(pointer: fine)").matches) this.#composer.focus();
  }

  /** Shows what the history says is open. */
  #follow(id: ConversationId | null): void {
    const conversation = this.#conversations.find((each) => each.id === id) ?? null;
    this.#app.dataset["view"] = conversation === null ? "list" : "talk";
    const isOther = conversation?.id !== this.#open?.id;
    this.#list.select(conversation?.id ?? null);
    if (conversation === null) return this.#leave();
    if (!isOther) return;
    this.#showOpen(conversation);
    this.#timeline.open(conversation).catch(() => notice(FAILED));
  }

  #leave(): void {
    const wasOpen = this.#open !== null;
    this.#open = null;
    this.#extras.follow(null);
    this.#timeline.close();
    need("conversation").hidden = true;
    this.#showWelcome();
    if (wasOpen) this.#list.focus();
  }

  #showOpen(conversation: Conversation): void {
    this.#open = conversation;
    need("welcome").hidden = true;
    need("conversation").hidden = false;
    setText(need("talk-title"), titleOf(conversation));
    fill(need("talk-avatar"), conversationAvatar(conversation, "small"));
    fill(need("talk-about"), ...aboutConversation(conversation));
    showBanner(conversation, {
      look: () => this.#extras.openDetails(),
      accept: (request) => void this.#accept(request),
      leave: ({ room }) => void this.#say(this.#parts.tab.rooms.leaveRoom(room)),
      setBlocked: ({ account }, blocked) => void this.#setBlocked(account, blocked),
      report: (reported) => this.#extras.report(reported),
    });
    this.#composer.open(conversation);
    this.#extras.follow(conversation);
  }

  /** The bubble is there at once; the engine's own copy, under the same id, takes its place. */
  async #send(conversation: Conversation, text: string): Promise<void> {
    const { tab, now, drafts } = this.#parts;
    const { account, device } = tab.me;
    const bubble: Message = {
      id: randomId<"message">(),
      conversation: conversation.id,
      kind: "text",
      ...{ from: account, device, mine: true, text, verified: true },
      time: now(),
      state: "sending",
      order: `~${String(this.#provisional++).padStart(9, "0")}`,
    };
    this.#timeline.add(bubble);
    const outcome = await this.#outcome(tab.send(conversation.id, text, bubble.id));
    if (!outcome.ok || outcome.value.id !== bubble.id) this.#timeline.drop(bubble);
    if (!outcome.ok) return this.#composer.giveBack(conversation, text, outcome.words);
    drafts.settle(conversation.id, text);
    this.#timeline.add(outcome.value);
  }

  async #retry({ conversation, id }: { conversation: ConversationId; id: MessageId }) {
    const outcome = await this.#outcome(this.#parts.tab.retry(conversation, id));
    if (outcome.ok) this.#timeline.add(outcome.value);
    else notice(outcome.words);
  }

  async #accept(request: Conversation): Promise<void> {
    const { people, rooms } = this.#parts.tab;
    const isRoom = request.kind === "room";
    await this.#say(isRoom ? rooms.acceptRoom(request.room) : people.accept(request.account));
    this.#composer.focus();
  }

  async #setBlocked(account: AccountId, blocked: boolean): Promise<void> {
    const { people } = this.#parts.tab;
    await this.#say(blocked ? people.block(account) : people.unblock(account));
  }

  /** What came of it comes back as an event; only a refusal has to be said. */
  async #say(asked: Promise<Outcome<unknown>>): Promise<void> {
    const outcome = await this.#outcome(asked);
    if (!outcome.ok) notice(outcome.words);
  }

  /** What is at the end of the open conversation counts as read while somebody can see it. */
  #markRead(): void {
    const open = this.#conversations.find(({ id }) => id === this.#open?.id);
    if (!open || open.unread === 0) return;
    if (document.visibilityState !== "visible" || !this.#timeline.atEnd) return;
    this.#parts.tab.markRead(open.id).catch(() => notice(FAILED));
  }

  /** Bugs and a failing disk come as rejections; they are said, not swallowed. */
  #outcome<T extends { readonly ok: boolean }>(asked: Promise<T>) {
    return asked.catch(() => ({ ok: false as const, words: FAILED, code: "internal" as const }));
  }

  #escape(event: KeyboardEvent): void {
    if (event.key !== "Escape" || event.defaultPrevented || event.isComposing) return;
    if (document.querySelector("dialog[open]") !== null) return;
    if (this.#extras.detailsAreOpen) this.#extras.closeDetails();
    else if (this.#open !== null && matchMedia(ONE_COLUMN).matches) this.#place.leave();
    else if (this.#open !== null) this.#list.focus();
  }
}

function blockedOf(conversation: Conversation | undefined): boolean {
  return conversation?.kind === "person" && conversation.blocked;
}

const STALLED = "Snug is open in another tab that does not answer. Close that tab.";

function lostWords(count: number): string {
  return `${
    counted(count, "message")
  } could not be kept for you: this browser was away too long, ` +
    "or too much arrived. Ask your contacts to send again what matters.";
}
