/** Rooms: the logs that members sign, and what the server has to know to keep and deliver them. */
export const rooms = {
  version: 4,
  sql: `
-- Made once. Devices salt room codes with it, so that one code is two rooms on two servers.
create table server_id (
  one integer primary key check (one = 1),
  id blob not null
) strict;
insert into server_id values (1, randomblob(16));

create table rooms (
  id text primary key,
  -- Of the newest entry. Appending compares and swaps it.
  seq integer not null,
  -- What the log amounts to, as protocol/room_state.ts encodes it.
  state blob not null
) strict;

create table room_entries (
  room text not null references rooms (id) on delete cascade,
  seq integer not null,
  -- Stays when the author's account is gone: the log could not be checked without the entry.
  author text not null,
  entry blob not null,
  primary key (room, seq)
) strict;

create table room_members (
  room text not null references rooms (id) on delete cascade,
  account text not null references accounts (id) on delete cascade,
  -- The entry they left by: former members read the log up to it. Null while they are in.
  left_by integer,
  primary key (room, account)
) strict, without rowid;
create index room_members_by_account on room_members (account, room);

-- Every lookup id there ever was: a dead one never opens another room.
create table room_lookups (
  lookup text primary key,
  room text not null references rooms (id) on delete cascade,
  epoch integer not null
) strict, without rowid;
`,
} as const;
