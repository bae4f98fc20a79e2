/**
 * Passkeys: a second factor, a sign-in of their own, and where they can, what opens the vault; and
 * devices by name.
 */
export const passkeys = {
  version: 6,
  sql: `
create table passkeys (
  id text primary key,
  account text not null references accounts (id) on delete cascade,
  -- The authenticator's name for it, and its public key (COSE).
  credential blob not null unique,
  public_key blob not null,
  counter integer not null,
  transports text not null,
  name text not null,
  -- The vault key sealed by what the passkey's PRF gives out; null where it has none.
  wrap blob,
  made integer not null,
  used integer
) strict, without rowid;
create index passkeys_of_account on passkeys (account);

-- What a passkey is being asked to sign, or an owner has just proven; good once.
create table passkey_challenges (
  hash blob primary key,
  purpose text not null check (purpose in ('sign-in', 'second-factor', 'owner', 'proven')),
  -- The login it was given to; null before there is one.
  login text references logins (id) on delete cascade,
  made integer not null,
  expires integer not null
) strict, without rowid;
-- What its owner calls a device, and the day it was last here.
alter table devices add column name text not null default '';
alter table devices add column seen integer;

create index passkey_challenges_by_expiry on passkey_challenges (expires);
create index passkey_challenges_of_login on passkey_challenges (login);
`,
} as const;
