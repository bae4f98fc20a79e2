/** People who let others on this server find them by name. */
export const directory = {
  version: 10,
  sql: `
-- What somebody is found by: the words of both names, folded, each after a space. Null for everybody who did not ask
-- to be found.
alter table accounts add column listed text;

create index accounts_listed on accounts (username) where listed is not null;
`,
} as const;
