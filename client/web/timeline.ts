/**
 * The open conversation's messages. The newest page is read first, older ones when they are scrolled
 * to. New messages keep the end in view if it was in view, and are counted on a button if it was not.
 */
import type { Conversation, EngineEvent, Message } from "../types.ts";
import { el, fill, need, setText } from "./dom.ts";
import { renderRow, type RowContext, signature } from "./message_row.ts";
import { titleOf } from "./names.ts";
import { freshMark, keyOf, type Row, toRows, withNewer } from "./rows.ts";
import type { Tab } from "./leader.ts";
import { type Calendar, counted } from "./words.ts";

export interface TimelineParts {
  readonly tab: Pick<Tab, "me" | "messages" | "connection">;
  readonly calendar: Calendar;
  readonly now: () => number;
  readonly retry: (message: Message) => void;
  /** The end is in view: what is there has been seen. */
  readonly seen: () => void;
}

const PAGE = 50;
/** What takes longer is told. Milliseconds. */
const SOON = 400;
/** A first page holds the unread messages too, up to this. */
const LARGEST_PAGE = 200;
/** Nearer to the end than this counts as at the end. Pixels. */
const NEAR = 80;
/** Nearer to the top than this, the next older page is read. Pixels. */
const FAR_ENOUGH = 600;
/** At the end of a long read, the oldest rows go again: rows kept, and rows that trigger it. */
const KEPT = 200;
const MANY = 500;

interface Shown {
  node: HTMLElement;
  signature: string;
}

export class Timeline {
  readonly #parts: TimelineParts;
  readonly #pane = need("messages");
  readonly #jump = need("jump");
  readonly #nodes = new Map<string, Shown>();
  #conversation: Conversation | null = null;
  #messages: Message[] = [];
  #complete = false;
  #loading = false;
  /** The first page is on its way; bones are shown. */
  #opens = false;
  #fresh: { readonly key: string; readonly count: number } | null = null;
  #atEnd = true;
  #news = 0;
  /** Counts openings, so that an answer for an earlier one is dropped. */
  #opening = 0;

  constructor(parts: TimelineParts) {
    this.#parts = parts;
    this.#pane.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    this.#jump.addEventListener("click", () => this.toEnd());
    new ResizeObserver(() => this.#hold()).observe(this.#pane);
    // A late font or a taller bubble must not push the end out of view.
    new MutationObserver(() => this.#hold()).observe(this.#pane, { childList: true });
  }

  get atEnd(): boolean {
    return this.#atEnd;
  }

  /** Shows a conversation, from its newest message or its first unread one. */
  async open(conversation: Conversation): Promise<void> {
    const opening = ++this.#opening;
    this.#conversation = conversation;
    this.#clear();
    this.#setOpens(true);
    fill(this.#pane, ...bones());
    const limit = Math.min(LARGEST_PAGE, Math.max(PAGE, conversation.unread + 10));
    const messages = await this.#parts.tab.messages(conversation.id, { limit });
    if (opening !== this.#opening) return;
    // Events may have come meanwhile.
    const sooner = this.#messages;
    this.#messages = messages;
    this.#complete = this.#isAll(messages.length < limit);
    for (const message of sooner) this.#put(message);
    this.#fresh = freshMark(messages, conversation.unread);
    this.#pane.replaceChildren();
    this.#opens = false;
    this.#render();
    this.#begin();
    this.#setOpens(false);
  }

  /** Reads what is shown again, because events may have been missed. */
  async refresh(): Promise<void> {
    const conversation = this.#conversation;
    if (conversation === null) return;
    const opening = this.#opening;
    const limit = Math.min(LARGEST_PAGE, Math.max(PAGE, this.#messages.length));
    const messages = await this.#parts.tab.messages(conversation.id, { limit });
    if (opening !== this.#opening) return;
    this.#messages = withNewer(messages, this.#messages);
    this.#complete = this.#isAll(messages.length < limit);
    this.#render();
  }

  close(): void {
    need("older").hidden = true;
    this.#opening++;
    this.#conversation = null;
    this.#clear();
    this.#setOpens(false);
    this.#pane.replaceChildren();
  }

  /** A new message, or one already shown that changed. */
  add(message: Message): void {
    if (message.conversation !== this.#conversation?.id) return;
    const isNews = this.#put(message);
    if (isNews && message.mine) this.#atEnd = true;
    else if (isNews && !this.#atEnd && message.kind === "text" && !message.blocked) this.#news++;
    this.#render(isNews ? keyOf(message) : undefined);
    if (isNews && this.#atEnd) this.#parts.seen();
  }

  /** Takes away a message that was shown before it was on disk and never got there. */
  drop(message: Message): void {
    this.#messages = this.#messages.filter((each) => keyOf(each) !== keyOf(message));
    this.#render();
  }

  setState(event: EngineEvent & { kind: "state" }): void {
    const at = this.#messages.findLastIndex(({ mine, id }) => mine && id === event.id);
    if (event.conversation !== this.#conversation?.id || at < 0) return;
    const { reason: _, ...message } = this.#messages[at]!;
    const { state, reason } = event;
    this.#messages[at] = { ...message, state, ...reason === undefined ? {} : { reason } };
    this.#render();
  }

  /** Scrolls to the newest message; a long way down is not animated. */
  toEnd(): void {
    this.#atEnd = true;
    this.#trim();
    this.#render();
    this.#scrolled();
  }

  /** While busy, screen readers do not read a whole page of messages aloud. */
  #setOpens(opens: boolean): void {
    this.#opens = opens;
    this.#pane.setAttribute("aria-busy", String(opens));
  }

  #clear(): void {
    this.#messages = [];
    this.#nodes.clear();
    this.#complete = false;
    this.#loading = false;
    this.#fresh = null;
    this.#atEnd = true;
    this.#news = 0;
    this.#showJump();
  }

  /** True when it is a message that was not there. */
  #put(message: Message): boolean {
    const key = keyOf(message);
    const at = this.#messages.findLastIndex((each) => keyOf(each) === key);
    if (at >= 0) {
      // A provisional copy never replaces the one from disk.
      if (!isProvisional(message)) this.#messages.splice(at, 1);
      else return false;
    }
    let place = this.#messages.length;
    while (place > 0 && this.#messages[place - 1]!.order > message.order) place--;
    this.#messages.splice(place, 0, message);
    return at < 0;
  }

  #render(arrived?: string): void {
    const { tab, calendar, now, retry } = this.#parts;
    const conversation = this.#conversation;
    if (conversation === null || this.#opens) return;
    const context: RowContext = {
      calendar,
      name: titleOf(conversation),
      isRoom: conversation.kind === "room",
      username: tab.me.username,
      retry,
    };
    const options = { calendar, now: now(), complete: this.#complete, fresh: this.#fresh };
    this.#place(toRows(this.#messages, options), context, arrived);
    this.#hold();
    this.#showJump();
  }

  #place(rows: readonly Row[], context: RowContext, arrived: string | undefined): void {
    const kept = new Set<string>();
    let at: Element | null = this.#pane.firstElementChild;
    for (const row of rows) {
      kept.add(row.key);
      const node = this.#node(row, context, row.key === arrived);
      if (node === at) at = at.nextElementSibling;
      else this.#pane.insertBefore(node, at);
    }
    for (const [key, { node }] of this.#nodes) {
      if (kept.has(key)) continue;
      node.remove();
      this.#nodes.delete(key);
    }
  }

  #node(row: Row, context: RowContext, arrived: boolean): HTMLElement {
    const before = this.#nodes.get(row.key);
    const now = signature(row);
    if (before?.signature === now) return before.node;
    const node = renderRow(row, context, before?.node);
    if (arrived) node.classList.add("new");
    if (before && before.node !== node) before.node.replaceWith(node);
    this.#nodes.set(row.key, { node, signature: now });
    return node;
  }

  /** The end, or the mark before the unread ones when they are more than fit. */
  #begin(): void {
    const mark = this.#nodes.get("fresh")?.node;
    const pane = this.#pane;
    const top = mark ? mark.offsetTop - pane.offsetTop - 48 : Infinity;
    this.#atEnd = top > pane.scrollHeight - pane.clientHeight;
    pane.scrollTop = this.#atEnd ? pane.scrollHeight : top;
    this.#scrolled();
    if (this.#atEnd) this.#parts.seen();
  }

  #hold(): void {
    if (this.#atEnd) this.#pane.scrollTop = this.#pane.scrollHeight;
  }

  #scrolled(): void {
    if (this.#conversation === null || this.#opens) return;
    const { scrollTop, clientHeight, scrollHeight } = this.#pane;
    const wasAtEnd = this.#atEnd;
    this.#atEnd = scrollHeight - scrollTop - clientHeight < NEAR;
    if (this.#atEnd && !wasAtEnd) {
      this.#news = 0;
      this.#parts.seen();
    }
    this.#showJump();
    if (scrollTop < FAR_ENOUGH) void this.#loadOlder();
  }

  async #loadOlder(): Promise<void> {
    const oldest = this.#messages[0];
    if (this.#loading || this.#complete || oldest === undefined) return;
    const opening = this.#opening;
    this.#loading = true;
    const { id } = this.#conversation!;
    const callOff = this.#sayOlder("Older messages are coming…");
    const older = await this.#parts.tab.messages(id, { before: oldest.order, limit: PAGE })
      .catch(() => null);
    callOff();
    if (opening !== this.#opening) return;
    this.#loading = false;
    if (older === null) {
      return void this.#sayOlder("Older messages could not be read. Scroll again.");
    }
    this.#complete = this.#isAll(older.length < PAGE);
    if (older.length === 0 && !this.#complete) return;
    this.#messages = [...older, ...this.#messages];
    this.#renderAbove();
    this.#scrolled();
  }

  /** Fewer than were asked for is all there is; but not while the archive cannot be reached, which may have more. */
  #isAll(fewer: boolean): boolean {
    return fewer && this.#parts.tab.connection === "online";
  }

  /** What takes no time is not said. Returns the way to take it back. */
  #sayOlder(words: string): () => void {
    const line = need("older");
    const timer = setTimeout(() => {
      setText(line, words);
      line.hidden = false;
    }, SOON);
    return () => {
      clearTimeout(timer);
      line.hidden = true;
    };
  }

  /** What is in view stays where it is while rows appear above it. Nothing of it is announced. */
  #renderAbove(): void {
    const pane = this.#pane;
    const fromEnd = pane.scrollHeight - pane.scrollTop;
    pane.setAttribute("aria-live", "off");
    this.#render();
    if (!this.#atEnd) pane.scrollTop = pane.scrollHeight - fromEnd;
    pane.removeAttribute("aria-live");
  }

  /** Long reading leaves thousands of rows behind; at the end again, only the newest are needed. */
  #trim(): void {
    if (this.#messages.length < MANY) return;
    this.#messages = this.#messages.slice(-KEPT);
    this.#complete = false;
  }

  #showJump(): void {
    const words = this.#news > 0 ? counted(this.#news, "new message") : "Newest";
    this.#jump.hidden = this.#atEnd;
    this.#jump.classList.toggle("news", this.#news > 0);
    setText(need("jump-words"), words);
  }
}

/** Shown before it is on disk: sorts behind everything that is. */
export function isProvisional(message: Message): boolean {
  return message.order.startsWith("~");
}

function bones(): HTMLElement[] {
  return Array.from(
    { length: 5 },
    () => el("div", { class: "bone-bubble", "aria-hidden": "true" }),
  );
}
