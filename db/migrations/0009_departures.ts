/** Accounts that go, and accounts that begin anew with other keys. */
export const departures = {
  version: 9,
  sql: `
-- Usernames of deleted accounts: for a while nobody can take one and be mistaken for who had it.
create table reserved_names (
  name text primary key,
  until integer not null
) strict, without rowid;

-- Somebody who has the mailbox and nothing else wants to start the account over. Until it is due,
-- any device of the account stops it.
create table resets (
  account text primary key references accounts (id) on delete cascade,
  made integer not null,
  due integer not null,
  -- The browser that a device of the account has let through: SHA-256 of what it carries.
  approved blob
) strict, without rowid;

-- What an account had before it was started over: the old account key can bring it back.
create table former_vaults (
  account text primary key references accounts (id) on delete cascade,
  aik blob not null,
  list_version integer not null,
  list_hash blob not null,
  generation integer not null,
  sealed blob not null,
  recovery blob not null,
  until integer not null
) strict;

create table former_entries (
  account text not null references former_vaults (account) on delete cascade,
  version integer not null,
  body blob not null,
  signature blob not null,
  primary key (account, version)
) strict, without rowid;
`,
} as const;
