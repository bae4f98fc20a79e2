/**
 * What came in the last moments, in two tables without an index: most envelopes are gone before
 * one would have paid, and submissions are put in their order many at a time. What stays moves to
 * `envelopes` and `submits`. A row is in one of the two, never in both.
 */
export const recent = {
  version: 11,
  sql: `
create table recent_envelopes (
  -- Counts on from the numbers of envelopes, and stays the same there.
  no integer primary key,
  queue integer not null references queues (no) on delete cascade,
  position integer not null,
  sender blob not null,
  minute integer not null,
  body blob not null
) strict;

create table recent_submits (
  no integer primary key,
  sender integer not null references queues (no) on delete cascade,
  submit blob not null,
  day integer not null
) strict;

drop view people;
create view people as
select a.id as account, a.username, a.full_name as fullName, a.contact, a.admin, a.disabled, a.made,
(select max(used) from logins where account = a.id) as seen,
(select count(*) from devices where account = a.id) as devices,
(select count(*) from devices d join queues q on q.device = d.id join envelopes e on e.queue = q.no
  where d.account = a.id) +
(select count(*) from devices d join queues q on q.device = d.id
  join recent_envelopes e on e.queue = q.no where d.account = a.id) as waiting
from accounts a;
`,
} as const;
