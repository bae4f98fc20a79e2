/** The directory: people who let others on this server find them. Nobody else is in it. */
import type { DatabaseSync } from "node:sqlite";
import type { AccountId } from "../protocol/ids.ts";
import { later, one } from "./transaction.ts";

/** Somebody in the directory. */
export interface ListedPerson {
  readonly username: string;
  readonly fullName: string;
}

export interface DirectoryStore {
  isListed(account: AccountId): Promise<boolean>;
  /** `listed`: what the person is found by, or null to be found no more. */
  setListed(account: AccountId, listed: string | null): Promise<void>;
  /**
   * Those whose `listed` has every one of `parts` in it, by username; without parts everybody. Accounts that are
   * switched off are not found.
   */
  find(parts: readonly string[], most: number): Promise<ListedPerson[]>;
}

/** Words that are looked for; more of them are not. */
const MOST_PARTS = 4;

/** The store on one SQLite connection. */
export function createDirectory(db: DatabaseSync): DirectoryStore {
  const isListed = db.prepare("select listed from accounts where id = ?");
  const setListed = db.prepare("update accounts set listed = ? where id = ?");
  const find = db.prepare(`
    select username, full_name as fullName from accounts indexed by accounts_listed
    where listed is not null and disabled is null and instr(listed, ?) > 0
    and instr(listed, ?) > 0 and instr(listed, ?) > 0 and instr(listed, ?) > 0
    order by username limit ?
  `);
  return {
    isListed: (account) =>
      later(() => (one<{ listed: string | null }>(isListed, account)?.listed ?? null) !== null),
    setListed: (account, listed) => later(() => void setListed.run(listed, account)),
    find: (parts, most) =>
      later(() => {
        // Every entry has a space in it.
        const [a = " ", b = " ", c = " ", d = " "] = parts.slice(0, MOST_PARTS);
        const rows = find.all(a, b, c, d, most) as unknown as ListedPerson[];
        return rows.map(({ username, fullName }) => ({ username, fullName }));
      }),
  };
}
