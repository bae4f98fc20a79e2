/** Where messages are written. Enter sends, Shift+Enter begins a line; drafts are kept per conversation. */
import { MAX_TEXT_BYTES } from "../../protocol/limits.ts";
import { utf8 } from "../../protocol/encoding.ts";
import type { Conversation } from "../types.ts";
import { need, setAttribute, setText } from "./dom.ts";
import type { Drafts } from "./drafts.ts";
import { closedWords } from "./words.ts";

export interface ComposerParts {
  readonly drafts: Drafts;
  /** Takes the text over; what cannot be sent comes back through `giveBack`. */
  readonly send: (conversation: Conversation, text: string) => void;
  /** Something was typed that may become a mention. */
  readonly mayMention: () => void;
}

/** From this share of the limit on, what is left is said. */
const NEARLY_FULL = 0.9;

export class Composer {
  readonly #parts: ComposerParts;
  readonly #form = need<HTMLFormElement>("composer");
  readonly #field = need<HTMLTextAreaElement>("message");
  readonly #note = need("composer-note");
  readonly #button = need<HTMLButtonElement>("send");
  #conversation: Conversation | null = null;
  /** Words about the last attempt; gone at the next key. */
  #trouble: string | null = null;

  constructor(parts: ComposerParts) {
    this.#parts = parts;
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
    this.#field.addEventListener("keydown", (event) => {
      const plain = event.key === "Enter" && !event.shiftKey && !event.altKey;
      // Enter that picks a word of an input method is not for us.
      if (!plain || event.isComposing || event.keyCode === 229) return;
      event.preventDefault();
      this.#submit();
    });
    this.#field.addEventListener("input", () => this.#typed());
  }

  /** Shows the conversation's draft; keeps what is typed when it is the one already open. */
  open(conversation: Conversation): void {
    const isOther = conversation.id !== this.#conversation?.id;
    this.#conversation = conversation;
    if (isOther) {
      this.#trouble = null;
      this.#field.value = this.#parts.drafts.read(conversation.id);
    }
    this.#fit();
    this.#show();
  }

  focus(): void {
    this.#field.focus();
  }

  /** A message that was refused: its text comes back, before anything typed since. */
  giveBack(conversation: Conversation, text: string, words: string): void {
    const { drafts } = this.#parts;
    drafts.takeBack(conversation.id, text);
    const whole = drafts.read(conversation.id);
    if (conversation.id !== this.#conversation?.id) return;
    this.#field.value = whole;
    this.#trouble = words;
    this.#fit();
    this.#show();
  }

  #submit(): void {
    const text = this.#field.value.trim();
    const conversation = this.#conversation;
    this.#field.focus();
    if (conversation === null || text === "" || this.#field.disabled) return;
    const over = utf8(text).length - MAX_TEXT_BYTES;
    if (over > 0) {
      this.#trouble = tooLong(over);
      return this.#show();
    }
    this.#field.value = "";
    this.#parts.drafts.hand(conversation.id, text);
    this.#trouble = null;
    this.#fit();
    this.#show();
    this.#parts.send(conversation, text);
  }

  #typed(): void {
    if (this.#conversation === null) return;
    this.#parts.drafts.write(this.#conversation.id, this.#field.value);
    const isRoom = this.#conversation.kind === "room";
    if (isRoom && this.#field.value.includes("@")) this.#parts.mayMention();
    this.#trouble = null;
    this.#fit();
    this.#show();
  }

  /** As tall as its text, up to the limit in chat.css. */
  #fit(): void {
    this.#field.style.blockSize = "auto";
    const borders = this.#field.offsetHeight - this.#field.clientHeight;
    this.#field.style.blockSize = `${this.#field.scrollHeight + borders}px`;
  }

  #show(): void {
    const conversation = this.#conversation;
    if (conversation === null) return;
    const closed = conversation.kind === "room" ? closedWords(conversation) : null;
    const isPerson = conversation.kind === "person";
    const paused = isPerson && (conversation.verification === "changed" || conversation.blocked);
    const blocked = paused || closed !== null;
    this.#field.disabled = blocked;
    this.#button.disabled = blocked;
    this.#field.placeholder = paused ? "Sending is paused" : blocked ? "" : "Message";
    setAttribute(this.#form, "data-closed", closed !== null);
    setAttribute(this.#form, "data-empty", this.#field.value.trim() === "");
    const used = utf8(this.#field.value.trim()).length;
    const words = closed ?? this.#trouble ?? lengthWords(used);
    setText(this.#note, words ?? "");
    this.#note.hidden = words === null;
    const isBad = closed === null && (this.#trouble !== null || used > MAX_TEXT_BYTES);
    setAttribute(this.#note, "data-state", isBad ? "bad" : null);
  }
}

/** The limit is in bytes of UTF-8; a letter is one to four of them. */
function lengthWords(used: number): string | null {
  if (used > MAX_TEXT_BYTES) return tooLong(used - MAX_TEXT_BYTES);
  if (used < MAX_TEXT_BYTES * NEARLY_FULL) return null;
  return `Room for about ${(MAX_TEXT_BYTES - used).toLocaleString()} more letters.`;
}

function tooLong(over: number): string {
  return `That is about ${over.toLocaleString()} letters too long for one message. ` +
    "Split it in two.";
}
