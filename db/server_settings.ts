/** What admins set while the server runs: names and values as text, in the caller's words. */
import type { DatabaseSync } from "node:sqlite";
import { type Act, auditRows } from "./audit.ts";
import { all, later, transaction } from "./transaction.ts";

/** Settings by name. */
export interface ServerSettingsStore {
  all(): Promise<ReadonlyMap<string, string>>;
  /** Writes down what the start says, for who works on the database without a server. No act of anybody. */
  remember(name: string, value: string): Promise<void>;
  /** Sets one, or forgets it, and logs the act: both or neither. */
  set(name: string, value: string | null, act: Act): Promise<void>;
}

/** The store on one SQLite connection. */
export function createServerSettings(db: DatabaseSync): ServerSettingsStore {
  const audit = auditRows(db);
  const list = db.prepare("select name, value from server_settings");
  const put = db.prepare("insert or replace into server_settings (name, value) values (?, ?)");
  const drop = db.prepare("delete from server_settings where name = ?");
  return {
    all: () =>
      later(() =>
        new Map(
          all<{ name: string; value: string }>(list).map(({ name, value }) => [name, value]),
        )
      ),
    remember: (name, value) => later(() => void put.run(name, value)),
    set: (name, value, act) =>
      later(() =>
        transaction(db, () => {
          if (value === null) drop.run(name);
          else put.run(name, value);
          audit.append(act);
        })
      ),
  };
}
