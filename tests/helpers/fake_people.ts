/** Requests, blocked people and the directory of {@link FakeEngine}. */
import type { AccountId } from "../../protocol/ids.ts";
import {
  type Conversation,
  done,
  type Found,
  type Outcome,
  type PeopleEngine,
  type PersonConversation,
} from "../../client/types.ts";

export interface FakePeopleParts {
  readonly call: (method: string, ...args: readonly string[]) => Promise<void>;
  readonly conversations: () => readonly Conversation[];
  readonly update: (account: AccountId, change: Partial<PersonConversation>) => void;
  readonly listed: () => readonly Found[];
}

export function fakePeople(parts: FakePeopleParts): PeopleEngine {
  const { call, update } = parts;
  const people = () => parts.conversations().filter((one) => one.kind === "person");
  const setBlocked = async (account: AccountId, blocked: boolean): Promise<Outcome<null>> => {
    await call(blocked ? "block" : "unblock", account);
    update(account, { blocked, unread: 0 });
    return done(null);
  };
  return {
    accept: async (account) => {
      await call("accept", account);
      update(account, { accepted: true });
      return done(people().find((one) => one.account === account)!);
    },
    block: (account) => setBlocked(account, true),
    unblock: (account) => setBlocked(account, false),
    blocked: async () => {
      await call("blocked");
      return people().filter(({ blocked }) => blocked)
        .map(({ account, username, title }) => ({ account, username, fullName: title }));
    },
    find: async (words) => {
      await call("find", words);
      const wanted = words.toLowerCase();
      return done(
        parts.listed().filter(({ username, fullName }) => {
          return username.startsWith(wanted) || fullName.toLowerCase().startsWith(wanted);
        }),
      );
    },
  };
}
