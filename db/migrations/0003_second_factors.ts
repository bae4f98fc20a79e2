/**
 * Second factors, and what makes signing out real: a device that its owner signed out must bring
 * the password again, its key alone renews nothing.
 */
export const secondFactors = {
  version: 3,
  sql: `
-- An authenticator app. The seed is sealed under a key that is not in this database.
create table totp (
  account text primary key references accounts (id) on delete cascade,
  sealed blob not null,
  -- The last 30-second step whose code was taken: no step is taken twice, and none before it.
  last_step integer not null,
  made integer not null
) strict, without rowid;

-- A seed that somebody is being shown right now; it counts for nothing until a code confirms it.
create table totp_offers (
  login text primary key references logins (id) on delete cascade,
  sealed blob not null,
  made integer not null
) strict, without rowid;

-- Recovery codes as HMACs under a key that is not in this database; a used one is gone.
create table recovery_codes (
  account text not null references accounts (id) on delete cascade,
  mac blob not null,
  made integer not null,
  primary key (account, mac)
) strict, without rowid;

-- Tries at a second factor with this login, while it is partial.
alter table logins add column tries integer not null default 0;

-- Signed out by its owner: the device key alone takes no new login.
alter table devices add column password_needed integer not null default 0;
`,
} as const;
