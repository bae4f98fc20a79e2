/**
 * The list of conversations. Rows have one height, so that only those in view are in the document:
 * ten thousand conversations cost as much as twenty. One row is in the tab order; arrows move it.
 */
import type { Conversation, ConversationId } from "../types.ts";
import { conversationAvatar } from "./avatar.ts";
import { el, fill, icon, need, setAttribute, setText } from "./dom.ts";
import { isRequest, isTakenUp } from "./marks.ts";
import { titleOf } from "./names.ts";
import { badge, type Calendar, lastWords, requestWords, unreadWords } from "./words.ts";
import { waitingWords } from "./words.ts";

export interface ConversationListParts {
  readonly calendar: Calendar;
  readonly now: () => number;
  readonly open: (conversation: ConversationId) => void;
  /** One's own username: what others look for. */
  readonly username: () => string;
}

/** As in chat.css. Pixels. */
const ROW_HEIGHT = 66;
/** Rows kept above and below what is seen. */
const MARGIN = 8;
/** More requests than this are folded away. */
const FEW = 5;

interface Item {
  readonly row: HTMLLIElement;
  readonly entry: HTMLButtonElement;
  conversation: Conversation | null;
}

export class ConversationList {
  readonly #parts: ConversationListParts;
  readonly #scroll = need("list-scroll");
  readonly #list = need("list");
  readonly #find = need<HTMLInputElement>("find");
  readonly #items = new Map<ConversationId, Item>();
  readonly #requests = need("requests");
  #all: readonly Conversation[] = [];
  /** Whether strangers who wait are listed; null until somebody has said. */
  #unfolds: boolean | null = null;
  #shown: readonly Conversation[] = [];
  #selected: ConversationId | null = null;
  /** The row in the tab order. */
  #active: ConversationId | null = null;

  constructor(parts: ConversationListParts) {
    this.#parts = parts;
    this.#scroll.addEventListener("scroll", () => this.#render(), { passive: true });
    new ResizeObserver(() => this.#render()).observe(this.#scroll);
    this.#list.addEventListener("keydown", (event) => this.#keyDown(event));
    this.#find.addEventListener("input", () => this.#filter());
    this.#requests.addEventListener("click", () => {
      this.#unfolds = this.#requests.getAttribute("aria-expanded") !== "true";
      this.#filter();
    });
    this.#find.addEventListener("keydown", (event) => this.#findKeyDown(event));
  }

  /** Newest first. */
  update(all: readonly Conversation[]): void {
    need("list-skeleton").hidden = true;
    this.#all = all;
    this.#filter();
  }

  select(conversation: ConversationId | null): void {
    this.#selected = conversation;
    if (conversation !== null) this.#active = conversation;
    this.#render();
  }

  /** Puts the focus on the open conversation's row, or the first. */
  focus(): void {
    const active = this.#active ?? this.#shown[0]?.id;
    if (active !== undefined) this.#focusOn(active);
    else this.#find.focus();
  }

  #filter(): void {
    const wanted = this.#find.value.trim().toLocaleLowerCase().replace(/^@/, "");
    const matches = (each: Conversation) =>
      each.title.toLocaleLowerCase().includes(wanted) ||
      each.kind === "person" && each.username.includes(wanted);
    const requests = this.#all.filter((each) => isRequest(each) && !isBlocked(each));
    const unfolded = this.#showRequests(requests.length);
    const listed = [...unfolded ? requests : [], ...this.#all.filter(isTakenUp)];
    // Whom one looks for is found wherever they are.
    const found = this.#all.filter((each) => matches(each) && !isBlocked(each));
    this.#shown = wanted === "" ? listed : found;
    if (!this.#shown.some(({ id }) => id === this.#active)) this.#active = null;
    const empty = need("list-empty");
    empty.hidden = this.#shown.length > 0;
    this.#list.hidden = !empty.hidden;
    empty.textContent = wanted === ""
      ? `People and rooms you write to appear here. Others find you as @${this.#parts.username()}.`
      : "Nobody here by that name. Use + to find someone by username.";
    this.#render();
  }

  /** Says how many strangers wait, above them; a crowd of them does not push one's own people away. */
  #showRequests(count: number): boolean {
    const unfolded = this.#unfolds ?? count <= FEW;
    this.#requests.hidden = count === 0;
    setAttribute(this.#requests, "aria-expanded", String(unfolded));
    setText(need("requests-words"), requestWords(count));
    return unfolded;
  }

  #render(): void {
    const { scrollTop, clientHeight } = this.#scroll;
    const first = Math.max(0, Math.floor(scrollTop / ROW_HEIGHT) - MARGIN);
    const last = Math.ceil((scrollTop + clientHeight) / ROW_HEIGHT) + MARGIN;
    this.#list.style.blockSize = `${this.#shown.length * ROW_HEIGHT}px`;
    const wanted = this.#shown.map((_, index) => index).slice(first, last);
    const focused = this.#focusedIndex();
    // The focused row stays in the document, or the focus would be lost by scrolling.
    if (focused >= 0 && focused < first) wanted.unshift(focused);
    if (focused >= last) wanted.push(focused);
    this.#place(wanted);
  }

  #place(indexes: readonly number[]): void {
    const kept = new Set(indexes.map((index) => this.#shown[index]!.id));
    for (const [id, { row }] of this.#items) {
      if (kept.has(id)) continue;
      row.remove();
      this.#items.delete(id);
    }
    let at: Element | null = this.#list.firstElementChild;
    for (const index of indexes) {
      const { row } = this.#item(this.#shown[index]!, index);
      if (row === at) at = at.nextElementSibling;
      else moveBefore(this.#list, row, at);
    }
  }

  #item(conversation: Conversation, index: number): Item {
    const { id } = conversation;
    const item = this.#items.get(id) ?? this.#newItem(id);
    const { row, entry } = item;
    row.style.translate = `0 ${index * ROW_HEIGHT}px`;
    setAttribute(row, "aria-posinset", index + 1);
    setAttribute(row, "aria-setsize", this.#shown.length);
    const inTabOrder = this.#active === null ? index === 0 : id === this.#active;
    entry.tabIndex = inTabOrder ? 0 : -1;
    setAttribute(entry, "aria-current", id === this.#selected ? "true" : null);
    if (item.conversation !== conversation) this.#fillIn(item, conversation);
    return item;
  }

  #newItem(id: ConversationId): Item {
    const entry = el("button", { type: "button", class: "entry" });
    entry.addEventListener("click", () => this.#parts.open(id));
    entry.addEventListener("focus", () => this.#activate(id));
    const item = { row: el("li", {}, entry), entry, conversation: null };
    this.#items.set(id, item);
    return item;
  }

  #fillIn(item: Item, conversation: Conversation): void {
    item.conversation = conversation;
    const { unread, last } = conversation;
    const { calendar, now } = this.#parts;
    const request = isRequest(conversation);
    setAttribute(item.entry, "data-unread", unread > 0 && !request);
    setAttribute(item.entry, "data-request", request);
    fill(
      item.entry,
      conversationAvatar(conversation),
      entryName(conversation),
      last
        ? el(
          "time",
          { class: "entry-time", datetime: isoTime(last.time) },
          calendar.brief(last.time, now()),
        )
        : el("span"),
      el("span", { class: "entry-last", dir: "auto" }, lastWords(conversation)),
      entryMarks(conversation),
    );
  }

  #activate(id: ConversationId): void {
    const before = this.#active === null ? this.#shown[0]?.id : this.#active;
    this.#active = id;
    if (before !== undefined) this.#items.get(before)?.entry.setAttribute("tabindex", "-1");
    this.#items.get(id)?.entry.setAttribute("tabindex", "0");
  }

  #focusedIndex(): number {
    const focused = document.activeElement;
    if (!this.#list.contains(focused)) return -1;
    return this.#shown.findIndex(({ id }) => this.#items.get(id)?.entry === focused);
  }

  #keyDown(event: KeyboardEvent): void {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const at = this.#focusedIndex();
    const end = this.#shown.length - 1;
    const page = Math.max(1, Math.floor(this.#scroll.clientHeight / ROW_HEIGHT) - 1);
    const steps: Readonly<Record<string, number>> = {
      ArrowDown: at + 1,
      ArrowUp: at - 1,
      PageDown: at + page,
      PageUp: at - page,
      Home: 0,
      End: end,
    };
    const to = Object.hasOwn(steps, event.key) ? steps[event.key] : undefined;
    if (at < 0 || to === undefined) return;
    event.preventDefault();
    if (to < 0) this.#find.focus();
    else this.#focusOn(this.#shown[Math.min(end, to)]!.id);
  }

  #findKeyDown(event: KeyboardEvent): void {
    const first = this.#shown[0];
    if (event.key === "ArrowDown" && first) {
      event.preventDefault();
      this.#focusOn(first.id);
    } else if (event.key === "Enter" && first && this.#find.value !== "") {
      this.#parts.open(first.id);
    } else if (event.key === "Escape" && this.#find.value !== "") {
      event.stopPropagation();
      this.#find.value = "";
      this.#filter();
    }
  }

  #focusOn(id: ConversationId): void {
    const index = this.#shown.findIndex((each) => each.id === id);
    if (index < 0) return;
    const top = index * ROW_HEIGHT;
    const { scrollTop, clientHeight } = this.#scroll;
    if (top < scrollTop) this.#scroll.scrollTop = top;
    const over = top + ROW_HEIGHT - clientHeight;
    if (over > scrollTop) this.#scroll.scrollTop = over;
    this.#render();
    this.#items.get(id)?.entry.focus({ preventScroll: true });
  }
}

function entryName(conversation: Conversation): HTMLElement {
  const isRoom = conversation.kind === "room";
  return el(
    "span",
    { class: "entry-name" },
    isRoom && sr("Room "),
    el("bdi", {}, titleOf(conversation)),
    " ",
    !isRoom && el("span", { class: "handle" }, `@${conversation.username}`),
  );
}

/** What wants attention, as icons and numbers for the eye and as words for the ear. */
function entryMarks(conversation: Conversation): HTMLElement {
  const { kind, unread, muted } = conversation;
  const mentions = kind === "room" ? conversation.mentions : 0;
  const waiting = kind === "room" ? conversation.waiting : 0;
  const changed = kind === "person" && conversation.verification === "changed";
  if (isRequest(conversation)) return requestMark();
  const badgeClass = muted ? "unread muted" : "unread";
  return el(
    "span",
    { class: "entry-marks" },
    changed && el("span", { class: "changed" }, icon("shield-alert"), sr("Key changed")),
    waiting > 0 &&
      el("span", { class: "waiting" }, icon("door-open"), sr(waitingWords(waiting))),
    muted && el("span", {}, icon("bell-off"), sr("Muted")),
    mentions > 0 && el("span", { class: "unread mentions", "aria-hidden": "true" }, "@"),
    unread > 0 && el("span", { class: badgeClass, "aria-hidden": "true" }, badge(unread)),
    unread > 0 && sr(unreadWords(unread, mentions)),
  );
}

/** Not counted like what somebody wrote whom one talks with. */
function requestMark(): HTMLElement {
  return el("span", { class: "entry-marks" }, el("span", { class: "request-mark" }, "Request"));
}

function isBlocked(conversation: Conversation): boolean {
  return conversation.kind === "person" && conversation.blocked;
}

/** Moving an element takes the focus away from what is in it; it is given back. */
function moveBefore(parent: Element, row: Element, at: Element | null): void {
  const focused = document.activeElement;
  parent.insertBefore(row, at);
  if (focused instanceof HTMLElement && row.contains(focused)) {
    focused.focus({ preventScroll: true });
  }
}

function sr(words: string): HTMLElement {
  return el("span", { class: "sr" }, words);
}

/** For `datetime`; a clock that is far off gives nothing rather than an exception. */
export function isoTime(time: number): string | null {
  return Math.abs(time) <= 8.64e15 ? new Date(time).toISOString() : null;
}
