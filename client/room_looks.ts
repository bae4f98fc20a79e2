/** Looks at the logs of rooms: one at a time for each, and none that is older than the question. */
import type { RoomId } from "../protocol/ids.ts";

/**
 * Who asks while a look is under way gets the next one, shared by all who do: the one under way may be from before
 * the entry that the asker has heard of, and nobody may say so again.
 */
export class RoomLooks<T> {
  readonly #look: (room: RoomId) => Promise<T>;
  readonly #underway = new Map<RoomId, Promise<T>>();
  readonly #next = new Map<RoomId, Promise<T>>();

  constructor(look: (room: RoomId) => Promise<T>) {
    this.#look = look;
  }

  /** What a look says that begins now or later. */
  ask(room: RoomId): Promise<T> {
    const underway = this.#underway.get(room);
    if (underway) return this.#next.get(room) ?? this.#after(underway, room);
    const look = this.#look(room).finally(() => this.#underway.delete(room));
    this.#underway.set(room, look);
    return look;
  }

  /** However the one before ends: that is for those who asked for it. */
  #after(before: Promise<T>, room: RoomId): Promise<T> {
    const begin = () => {
      this.#next.delete(room);
      return this.ask(room);
    };
    const next = before.then(begin, begin);
    this.#next.set(room, next);
    return next;
  }
}
