/**
 * What came in the last moments, one row for all that a transaction did: most envelopes are gone
 * before a row and an index of their own would have paid. The rows are packed (turn_log.ts,
 * taken_log.ts); what they say is known in memory, and read from here when memory was lost. What
 * stays moves to `envelopes` and `submits`, and then the row goes: nothing is in both.
 */
export const turns = {
  version: 12,
  sql: `
create table turns (
  no integer primary key,
  body blob not null
) strict;

create table taken (
  no integer primary key,
  body blob not null
) strict;

-- Ids that follow this one, 16 bytes each, of a sender whose ids rise; null where it stands alone.
alter table submits add column more blob;
create index submits_with_more on submits (sender, submit) where more is not null;

-- A position that is in both, which no program has made, is the same in both. They get new numbers:
-- one that is taken must not cost an envelope.
insert or ignore into envelopes (queue, position, sender, minute, body)
select queue, position, sender, minute, body from recent_envelopes order by no;

insert or ignore into submits (sender, submit, day)
select sender, submit, day from recent_submits order by sender, submit;

-- From now on it is never lower than a position in envelopes.
update queues set top = max(top,
  coalesce((select max(position) from envelopes where queue = queues.no), 0));

drop view people;
drop table recent_envelopes;
drop table recent_submits;

create view people as
select a.id as account, a.username, a.full_name as fullName, a.contact, a.admin, a.disabled, a.made,
(select max(used) from logins where account = a.id) as seen,
(select count(*) from devices where account = a.id) as devices,
(select count(*) from devices d join queues q on q.device = d.id join envelopes e on e.queue = q.no
  where d.account = a.id) as waiting
from accounts a;
`,
} as const;
