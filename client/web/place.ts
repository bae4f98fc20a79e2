/**
 * Which conversation is open, kept in the history's state and not in the address: back goes back to
 * the list on a phone, a reload comes back to it, and no id is left in the browser's records.
 */
import type { ConversationId } from "../types.ts";

interface PlaceState {
  readonly open: ConversationId | null;
  /** This entry was added by opening: going back leads to the list. */
  readonly pushed: boolean;
}

export class Place {
  readonly #changed: (open: ConversationId | null) => void;

  /** `changed` hears of the browser's own back and forward. */
  constructor(changed: (open: ConversationId | null) => void) {
    this.#changed = changed;
    addEventListener("popstate", () => this.#changed(this.open));
  }

  get open(): ConversationId | null {
    return this.#state.open;
  }

  /** One column: opening is a step forward. More columns: it is the same place with other contents. */
  enter(open: ConversationId, oneColumn: boolean): void {
    const { pushed } = this.#state;
    const forward = oneColumn && this.open === null;
    const state: PlaceState = { open, pushed: pushed || forward };
    if (forward) history.pushState(state, "");
    else history.replaceState(state, "");
  }

  leave(): void {
    if (this.#state.pushed) return history.back();
    history.replaceState({ open: null, pushed: false } satisfies PlaceState, "");
    this.#changed(null);
  }

  get #state(): PlaceState {
    const state: Partial<PlaceState> | null = history.state;
    const open = typeof state?.open === "string" ? state.open : null;
    return { open, pushed: state?.pushed === true };
  }
}
