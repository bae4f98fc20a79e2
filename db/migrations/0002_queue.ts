/**
 * What waits for devices. Envelopes are appended and found again by (queue, position): measured,
 * that beats a table clustered by recipient by a factor of two to ten, because the bodies of one
 * transaction lie next to each other.
 */
export const queue = {
  version: 2,
  sql: `
-- What a device has waiting hangs on this row, and this row on the device: a removed device leaves nothing.
create table queues (
  no integer primary key,
  device text not null unique references devices (id) on delete cascade,
  -- Highest position of an envelope that is gone: positions are never used twice.
  top integer not null default 0,
  -- Envelopes the device never got, since it exists.
  gaps integer not null default 0,
  incarnation blob,
  -- Has the device done anything since it named this incarnation?
  confirmed integer not null default 0
) strict;

-- A ciphertext for many queues; goes with its last use.
create table bodies (
  no integer primary key,
  uses integer not null,
  body blob not null
) strict;

create table envelopes (
  no integer primary key,
  queue integer not null references queues (no) on delete cascade,
  position integer not null,
  -- Account id and device id, 16 bytes each.
  sender blob not null,
  -- Minutes since 1970; nothing finer is kept.
  minute integer not null,
  body blob,
  shared integer references bodies (no),
  check ((body is null) <> (shared is null))
) strict;
create unique index envelopes_by_queue on envelopes (queue, position);
create index envelopes_by_body on envelopes (shared) where shared is not null;
create trigger envelopes_use_body after insert on envelopes when new.shared is not null begin
  update bodies set uses = uses + 1 where no = new.shared;
end;
create trigger envelopes_release_body after delete on envelopes when old.shared is not null begin
  update bodies set uses = uses - 1 where no = old.shared;
  delete from bodies where no = old.shared and uses <= 0;
end;

-- Submissions taken, so that one sent again is not queued again.
create table submits (
  sender integer not null references queues (no) on delete cascade,
  submit blob not null,
  -- Days since 1970.
  day integer not null,
  primary key (sender, submit)
) strict, without rowid;

-- Counts what makes a remembered device list or queue wrong. Read once a transaction.
create table directory_epoch (
  one integer primary key check (one = 1),
  lists integer not null,
  removals integer not null
) strict;
insert into directory_epoch values (1, 0, 0);
create trigger epoch_list after update of list_version on accounts begin
  update directory_epoch set lists = lists + 1;
end;
create trigger epoch_device after insert on devices begin
  update directory_epoch set lists = lists + 1;
end;
create trigger epoch_removal after delete on devices begin
  update directory_epoch set lists = lists + 1, removals = removals + 1;
end;
create trigger epoch_account after delete on accounts begin
  update directory_epoch set lists = lists + 1;
end;
`,
} as const;
