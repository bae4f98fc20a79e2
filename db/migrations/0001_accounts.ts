/**
 * Accounts and everything that proves who somebody is.
 *
 * Ids are the 22 characters of protocol/ids.ts, times are milliseconds since 1970. Logins,
 * challenges, codes and invites are here as hashes only; the keys of the counters too, so that no
 * IP address is stored.
 */
export const accounts = {
  version: 1,
  sql: `
create table accounts (
  id text primary key,
  username text not null unique,
  full_name text not null,
  contact_kind text not null check (contact_kind in ('email', 'phone')),
  contact text not null,
  -- The contact as it is compared: one person cannot sign up as A@ and a@.
  contact_key text not null unique,
  -- OPAQUE registration record: useless without the server setup, which is not in this database.
  password_record text not null,
  aik blob not null,
  list_version integer not null,
  list_hash blob not null,
  admin integer not null,
  made integer not null
) strict, without rowid;

create table list_entries (
  account text not null references accounts (id) on delete cascade,
  version integer not null,
  body blob not null,
  signature blob not null,
  primary key (account, version)
) strict, without rowid;

create table devices (
  id text primary key,
  account text not null references accounts (id) on delete cascade,
  kind text not null check (kind in ('browser', 'terminal')),
  sign blob not null,
  agree blob not null,
  made integer not null
) strict, without rowid;
create index devices_of_account on devices (account);

-- The signed bundle and the last-resort key of a device. The two highest ids ever taken stay here,
-- so that an upload sent twice never brings back a one-time key that was handed out.
create table bundles (
  device text primary key references devices (id) on delete cascade,
  body blob not null,
  signature blob not null,
  day integer not null,
  last_kem integer not null,
  last_kem_key blob not null,
  last_kem_signature blob not null,
  top_one_time integer not null,
  top_kem integer not null
) strict, without rowid;

create table one_time_prekeys (
  device text not null references devices (id) on delete cascade,
  id integer not null,
  key blob not null,
  primary key (device, id)
) strict, without rowid;

create table kem_prekeys (
  device text not null references devices (id) on delete cascade,
  id integer not null,
  key blob not null,
  signature blob not null,
  primary key (device, id)
) strict;

create table vaults (
  account text primary key references accounts (id) on delete cascade,
  generation integer not null,
  sealed blob not null
) strict;

create table wraps (
  account text not null references vaults (account) on delete cascade,
  kind text not null check (kind in ('password', 'recovery', 'passkey')),
  sealed blob not null,
  primary key (account, kind)
) strict;

create table logins (
  id text primary key,
  hash blob not null unique,
  account text not null references accounts (id) on delete cascade,
  device text references devices (id) on delete cascade,
  kind text not null check (kind in ('partial', 'full', 'device')),
  -- What the device must sign, while the login is partial.
  challenge blob,
  made integer not null,
  used integer not null,
  expires integer not null
) strict, without rowid;
create index logins_of_account on logins (account);
create index logins_of_device on logins (device);

-- A browser in the middle of a sign-up: what it said, and the code that was sent for it.
create table challenges (
  hash blob primary key,
  purpose text not null check (purpose in ('sign-up')),
  account text not null,
  username text not null,
  full_name text not null,
  contact_kind text not null check (contact_kind in ('email', 'phone')),
  contact text not null,
  contact_key text not null,
  invite blob,
  -- No code confirms a challenge that is void: the contact has an account already.
  void integer not null,
  code blob,
  code_made integer not null,
  code_expires integer not null,
  tries integer not null,
  confirmed integer,
  made integer not null,
  expires integer not null
) strict, without rowid;
create index challenges_by_expiry on challenges (expires);

create table device_challenges (
  hash blob primary key,
  device text not null,
  made integer not null,
  expires integer not null
) strict, without rowid;
create index device_challenges_by_expiry on device_challenges (expires);

create table invites (
  hash blob primary key,
  kind text not null check (kind in ('first')),
  made integer not null
) strict, without rowid;

-- What was counted when: windows that slide exactly.
create table counted (
  key blob not null,
  at integer not null,
  amount integer not null
) strict;
create index counted_by_key on counted (key, at);
create index counted_by_time on counted (at);

-- When a bucket will be full again, if nothing more is taken.
create table buckets (
  key blob primary key,
  full_at integer not null
) strict, without rowid;
`,
} as const;
