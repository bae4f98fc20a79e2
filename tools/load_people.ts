/** Accounts for a load test, put straight into a database that no server has open: no keys, a login each. */
import { createHash } from "node:crypto";
import { openDatabase } from "../db/sqlite.ts";
import { transaction } from "../db/transaction.ts";
import { toBase64Url } from "../protocol/encoding.ts";
import { type AccountId, type DeviceId, randomId } from "../protocol/ids.ts";

/** One account with one device that is signed in. */
export interface LoadPerson {
  readonly account: AccountId;
  readonly device: DeviceId;
  /** What its socket carries as a bearer. */
  readonly login: string;
}

const MONTH_MS = 30 * 86_400_000;

/** Makes so many in the database at `path`, which is made if it is not there. */
export function makePeople(path: string, count: number, now: number): LoadPerson[] {
  const db = openDatabase(path);
  const account = db.prepare(
    `insert into accounts (id, username, full_name, contact_kind, contact, contact_key,
      password_record, aik, list_version, list_hash, admin, made)
      values (?, ?, '', 'email', ?, ?, '', zeroblob(32), 1, zeroblob(32), 0, ?)`,
  );
  const device = db.prepare(
    `insert into devices (id, account, kind, sign, agree, made)
      values (?, ?, 'terminal', zeroblob(32), zeroblob(32), 0)`,
  );
  const login = db.prepare(
    `insert into logins (id, hash, account, device, kind, made, used, expires)
      values (?, ?, ?, ?, 'device', ?, ?, ?)`,
  );
  const one = (): LoadPerson => {
    const secret = crypto.getRandomValues(new Uint8Array(32));
    const person = {
      ...{ account: randomId<"account">(), device: randomId<"device">() },
      login: toBase64Url(secret),
    };
    const hash = createHash("sha256").update(secret).digest();
    const name = person.account;
    account.run(name, name, name, name, now);
    device.run(person.device, name);
    login.run(randomId(), hash, name, person.device, now, now, now + MONTH_MS);
    return person;
  };
  const people = transaction(db, () => Array.from({ length: count }, one));
  db.close();
  return people;
}
