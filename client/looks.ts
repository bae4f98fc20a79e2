/** Looks at what the server keeps: one at a time for each thing, and none that is older than the question. */

/**
 * Who asks while a look is under way gets the next one, shared by all who do: the one under way may be from before
 * the change that the asker has heard of, and nobody may say so again.
 */
export class Looks<Name extends string, T> {
  readonly #look: (name: Name) => Promise<T>;
  readonly #underway = new Map<Name, Promise<T>>();
  readonly #next = new Map<Name, Promise<T>>();

  constructor(look: (name: Name) => Promise<T>) {
    this.#look = look;
  }

  /** What a look says that begins now or later. */
  ask(name: Name): Promise<T> {
    const underway = this.#underway.get(name);
    if (underway) return this.#next.get(name) ?? this.#after(underway, name);
    const look = this.#look(name).finally(() => this.#underway.delete(name));
    this.#underway.set(name, look);
    return look;
  }

  /** However the one before ends: that is for those who asked for it. */
  #after(before: Promise<T>, name: Name): Promise<T> {
    const begin = () => {
      this.#next.delete(name);
      return this.ask(name);
    };
    const next = before.then(begin, begin);
    this.#next.set(name, next);
    return next;
  }
}
