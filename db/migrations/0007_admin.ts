/** What whoever runs the server does to it while it runs: switches, reports, and a log of every such act. */
export const admin = {
  version: 7,
  sql: `
-- When an admin switched the account off; null while it is on.
alter table accounts add column disabled integer;

-- Whatever way leads to a login: of an account that is switched off none is kept, so none works.
create trigger no_login_when_disabled before insert on logins
when (select disabled from accounts where id = new.account) is not null begin
  select raise(ignore);
end;

-- What admins set while the server runs; a flag or variable of the start goes before it.
create table server_settings (
  name text primary key,
  value text not null
) strict, without rowid;

-- Every act of an admin, each row with the hash of the one before. Nothing here refers to another
-- table: the log outlives what it is about.
create table admin_acts (
  seq integer primary key,
  -- Account ids, or null: the command line; the server itself.
  actor text,
  subject text,
  -- Deterministic CBOR, with seq, actor and subject in it; the hash is over it.
  entry blob not null,
  hash blob not null
) strict;
create index admin_acts_by_actor on admin_acts (actor);
create index admin_acts_by_subject on admin_acts (subject);

-- What people say about others. Nothing proves that a message in here was ever written.
create table reports (
  id text primary key,
  reporter text references accounts (id) on delete set null,
  reported text not null references accounts (id) on delete cascade,
  words text not null,
  -- CBOR, as protocol/reports.ts; null once the report is settled.
  messages blob,
  made integer not null,
  settled integer,
  note text
) strict, without rowid;
create index reports_by_reporter on reports (reporter);
create index reports_by_reported on reports (reported);
create index reports_by_time on reports (settled, made);

-- What admin pages show of people and of reports.
create view people as
select a.id as account, a.username, a.full_name as fullName, a.contact, a.admin, a.disabled, a.made,
(select max(used) from logins where account = a.id) as seen,
(select count(*) from devices where account = a.id) as devices,
(select count(*) from devices d join queues q on q.device = d.id join envelopes e on e.queue = q.no
  where d.account = a.id) as waiting
from accounts a;

create view report_lines as
select r.id, r.reporter, a.username as reporterName, r.reported, b.username as reportedName,
r.words, r.messages, r.made, r.settled, r.note
from reports r left join accounts a on a.id = r.reporter join accounts b on b.id = r.reported;
`,
} as const;
