/** Times of one length that can be given up together: whoever stops does not know how many are set. */
export class Soon {
  readonly #ms: number;
  readonly #set = new Set<ReturnType<typeof setTimeout>>();

  /** @param ms milliseconds until what is set runs */
  constructor(ms: number) {
    this.#ms = ms;
  }

  set(work: () => void): void {
    const timer = setTimeout(() => {
      this.#set.delete(timer);
      work();
    }, this.#ms);
    this.#set.add(timer);
  }

  /** Nothing of what is set runs any more. */
  clear(): void {
    for (const timer of this.#set) clearTimeout(timer);
    this.#set.clear();
  }
}
