/** Rows that a transaction appends, written several to a statement: a third cheaper than one by one. */
import type { DatabaseSync, SQLInputValue, StatementSync } from "node:sqlite";

/** Rows to a statement. */
const TOGETHER = 16;

/** See the head of this file. Every transaction that adds rows ends with {@link Appended.write}. */
export class Appended {
  readonly #one: StatementSync;
  readonly #many: StatementSync;
  readonly #columns: number;
  #values: SQLInputValue[] = [];

  /** @param into the statement up to its columns, of which there are so many */
  constructor(db: DatabaseSync, into: string, columns: number) {
    const row = ["(", Array(columns).fill("?").join(), ")"].join("");
    this.#one = db.prepare([into, row].join(" values "));
    this.#many = db.prepare([into, Array(TOGETHER).fill(row).join()].join(" values "));
    this.#columns = columns;
  }

  add(...row: SQLInputValue[]): void {
    this.#values.push(...row);
    if (this.#values.length < TOGETHER * this.#columns) return;
    this.#many.run(...this.#values);
    this.#values = [];
  }

  /** Writes what is left. */
  write(): void {
    for (let at = 0; at < this.#values.length; at += this.#columns) {
      this.#one.run(...this.#values.slice(at, at + this.#columns));
    }
    this.#values = [];
  }

  /** The transaction failed. */
  forget(): void {
    this.#values = [];
  }
}
