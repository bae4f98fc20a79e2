/** The history archive: sealed segments that devices append, and archive keys sealed for the vault. */
export const archive = {
  version: 8,
  sql: `
create table segments (
  no integer primary key autoincrement,
  account text not null references accounts (id) on delete cascade,
  -- Not a reference: what a removed device wrote stays readable.
  device text not null,
  seq integer not null,
  tag text not null,
  -- Of the newest message in it, says the device.
  minute integer not null,
  body blob not null,
  signature blob not null,
  sealed blob not null,
  unique (account, device, seq)
) strict;
create index segments_by_tag on segments (account, tag, minute, no);

create table archives (
  account text primary key references accounts (id) on delete cascade,
  bytes integer not null default 0,
  -- 1 when the person wants none.
  off integer not null default 0
) strict, without rowid;

create table deposits (
  account text not null references accounts (id) on delete cascade,
  -- The archive key's id.
  key text not null,
  body blob not null,
  signature blob not null,
  primary key (account, key)
) strict, without rowid;
`,
} as const;
