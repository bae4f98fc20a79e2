/** Something that has not happened yet: a test decides when it does. */
export class Latch<T> {
  readonly opened: Promise<T>;
  #open!: (value: T) => void;
  #fail!: (error: Error) => void;

  constructor() {
    this.opened = new Promise((resolve, reject) => [this.#open, this.#fail] = [resolve, reject]);
  }

  open(value: T): void {
    this.#open(value);
  }

  fail(error: Error): void {
    this.#fail(error);
  }
}
