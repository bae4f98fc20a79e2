/** What the parts of the details panel share. */
import type { Outcome, Room } from "../types.ts";
import type { Question } from "./dialog.ts";
import { button } from "./dom.ts";
import type { MoreParts } from "./more_parts.ts";

export interface DetailsParts extends MoreParts {
  readonly body: HTMLElement;
  /** Puts the focus on the panel: what had it was replaced. */
  readonly focus: () => void;
}

/** What the parts of a room's panel may do to it. */
export interface RoomPanel extends DetailsParts {
  render(): void;
  /** Does something about the room once it is confirmed (null: at once); the room it answers with is shown. */
  act(
    pressed: HTMLElement,
    question: Question | null,
    work: () => Promise<Outcome<Room>>,
  ): Promise<void>;
}

/** A button that is found again after the panel was drawn anew. */
export function keyed(
  key: string,
  className: string,
  words: string,
  run: (pressed: HTMLElement) => void,
): HTMLButtonElement {
  const made = button(className, words, () => run(made));
  made.dataset["key"] = key;
  return made;
}
