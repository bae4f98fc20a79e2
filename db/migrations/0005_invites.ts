/**
 * Invites with uses, an end and a maker; who came by whose; and the language that letters are in.
 * Challenges live for 90 minutes at most: those under way begin anew, in a table for every purpose.
 */
export const invites = {
  version: 5,
  sql: `
-- The language of letters to the owner, as the browser asked for it at sign-up.
alter table accounts add column language text not null default 'en';

drop table challenges;
create table challenges (
  hash blob primary key,
  -- What its code is good for.
  purpose text not null,
  account text not null,
  -- These two are empty where nobody is signing up.
  username text not null,
  full_name text not null,
  contact_kind text not null check (contact_kind in ('email', 'phone')),
  contact text not null,
  contact_key text not null,
  language text not null,
  invite blob,
  -- No code confirms a challenge that is void.
  void integer not null,
  code blob,
  code_made integer not null,
  code_expires integer not null,
  tries integer not null,
  confirmed integer,
  -- When the second factor was shown besides, where one is asked for.
  proven integer,
  made integer not null,
  expires integer not null
) strict, without rowid;
create index challenges_by_expiry on challenges (expires);
create index challenges_by_contact on challenges (contact_key);

drop table invites;
create table invites (
  -- SHA-256 of what the link carries.
  hash blob primary key,
  -- Names the invite in lists; lets nobody in.
  id text not null unique,
  -- 'first' is the link of the first account, which nobody made.
  kind text not null check (kind in ('first', 'link')),
  maker text references accounts (id) on delete cascade,
  made integer not null,
  expires integer,
  uses integer not null,
  used integer not null default 0,
  revoked integer,
  check ((kind = 'first') = (maker is null))
) strict, without rowid;
create index invites_by_maker on invites (maker);

-- Who came by an invite, and whose it was.
create table invited (
  account text primary key references accounts (id) on delete cascade,
  host text references accounts (id) on delete set null,
  invite text not null,
  made integer not null
) strict, without rowid;
create index invited_by_host on invited (host);
`,
} as const;
