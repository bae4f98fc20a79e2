/** Invites by the hash of what their link carries, and who came by whose. */
import type { DatabaseSync } from "node:sqlite";
import type { Bytes } from "../protocol/encoding.ts";
import type { AccountId } from "../protocol/ids.ts";
import { all, later, one, transaction } from "./transaction.ts";

/** An invite as it is made. Times are milliseconds since 1970. */
export interface NewInvite {
  readonly id: string;
  readonly hash: Bytes;
  readonly maker: AccountId;
  readonly made: number;
  readonly expires: number;
  /** How many accounts it is good for. */
  readonly uses: number;
}

/** Somebody who came by an invite. */
export interface Guest {
  readonly username: string;
  readonly made: number;
}

/** An invite as its maker and the admins see it. */
export interface ListedInvite {
  readonly id: string;
  readonly makerName: string;
  readonly made: number;
  readonly expires: number;
  readonly uses: number;
  readonly used: number;
  readonly revoked: number | null;
  /** Oldest first; without those whose account is gone. */
  readonly guests: readonly Guest[];
}

/** Invites. Where `maker` is null, everybody's are meant. */
export interface InvitesStore {
  /** False, and nothing is made, when `most` of the maker's are open already. */
  make(invite: NewInvite, most: number): Promise<boolean>;
  /** The newest first, at most `limit`. */
  list(maker: AccountId | null, limit: number): Promise<ListedInvite[]>;
  /** False when there is none such that could still be used. */
  revoke(id: string, maker: AccountId | null, now: number): Promise<boolean>;
  /** Forgets what can let nobody in since `before`. Who came by it stays known. */
  purge(before: number): Promise<void>;
}

/** The same, synchronous, for use inside a transaction. */
export interface InviteRows {
  replaceFirst(hash: Bytes, id: string, now: number): void;
  isGood(hash: Bytes, now: number): boolean;
  /** Counts one use and writes down who came. False when there is none left. */
  use(hash: Bytes, account: AccountId, now: number): boolean;
}

/** The rows on one SQLite connection. */
export function inviteRows(db: DatabaseSync): InviteRows {
  const clearFirst = db.prepare("delete from invites where kind = 'first'");
  const putFirst = db.prepare(
    "insert into invites (hash, id, kind, made, uses) values (?, ?, 'first', ?, 1)",
  );
  // Whoever an admin has shut out does not come back by an invite of their own.
  const good = db.prepare(`
    select 1 from invites where hash = ? and revoked is null and used < uses and made <= ? and
    (expires is null or expires > ?) and
    not exists (select 1 from accounts where id = maker and disabled is not null)
  `);
  const use = db.prepare(`
    update invites set used = used + 1 where hash = ? and revoked is null and used < uses and
    made <= ? and (expires is null or expires > ?) and
    not exists (select 1 from accounts where id = maker and disabled is not null)
    returning id, maker
  `);
  const came = db.prepare(
    "insert into invited (account, host, invite, made) values (?, ?, ?, ?)",
  );
  return {
    replaceFirst(hash, id, now) {
      clearFirst.run();
      putFirst.run(hash, id, now);
    },
    isGood: (hash, now) => good.get(hash, now, now) !== undefined,
    use(hash, account, now) {
      const used = one<{ id: string; maker: AccountId | null }>(use, hash, now, now);
      if (used === null) return false;
      if (used.maker === null) clearFirst.run();
      else came.run(account, used.maker, used.id, now);
      return true;
    },
  };
}

type Row = Omit<ListedInvite, "guests">;

/** The store on one SQLite connection. */
export function createInvites(db: DatabaseSync): InvitesStore {
  const insert = db.prepare(`
    insert into invites (hash, id, kind, maker, made, expires, uses)
    values (?, ?, 'link', ?, ?, ?, ?)
  `);
  const open = db.prepare(`
    select count(*) as n from invites where maker = ? and revoked is null and used < uses and
    made <= ? and expires > ?
  `);
  const listOwn = db.prepare(`
    select i.id, a.username as makerName, i.made, i.expires, i.uses, i.used,
    coalesce(i.revoked, a.disabled) as revoked
    from invites i join accounts a on a.id = i.maker
    where i.maker = ? order by i.made desc, i.id limit ?
  `);
  const listAll = db.prepare(`
    select i.id, a.username as makerName, i.made, i.expires, i.uses, i.used,
    coalesce(i.revoked, a.disabled) as revoked
    from invites i join accounts a on a.id = i.maker order by i.made desc, i.id limit ?
  `);
  const guests = db.prepare(`
    select a.username, g.made from invited g join accounts a on a.id = g.account
    where g.invite = ? order by g.made, a.username
  `);
  const revokeOwn = db.prepare(`
    update invites set revoked = ? where id = ? and maker = ? and revoked is null and
    used < uses and made <= ? and expires > ?
  `);
  const revokeAny = db.prepare(`
    update invites set revoked = ? where id = ? and kind = 'link' and revoked is null and
    used < uses and made <= ? and expires > ?
  `);
  const purge = db.prepare(`
    delete from invites where kind = 'link' and
    (expires <= ? or revoked <= ? or (used >= uses and made <= ?))
  `);
  const count = (maker: AccountId, now: number) => one<{ n: number }>(open, maker, now, now)!.n;
  return {
    make: ({ hash, id, maker, made, expires, uses }, most) =>
      later(() =>
        transaction(db, () => {
          if (count(maker, made) >= most) return false;
          insert.run(hash, id, maker, made, expires, uses);
          return true;
        })
      ),
    list: (maker, limit) =>
      later(() => {
        const rows = maker === null ? all<Row>(listAll, limit) : all<Row>(listOwn, maker, limit);
        return rows.map((row) => ({ ...row, guests: all<Guest>(guests, row.id) }));
      }),
    revoke: (id, maker, now) =>
      later(() => {
        const done = maker === null
          ? revokeAny.run(now, id, now, now)
          : revokeOwn.run(now, id, maker, now, now);
        return Number(done.changes) === 1;
      }),
    purge: (before) => later(() => void purge.run(before, before, before)),
  };
}
