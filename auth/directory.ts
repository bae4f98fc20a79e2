/** The directory of this server: people are found by name if they asked for it, and in no other way. */
import type { ListedPerson } from "../db/directory.ts";
import { MAX_FOUND } from "../protocol/directory_api.ts";
import type { AuthDeps } from "./deps.ts";
import type { Limiter } from "./limits.ts";
import type { DeviceLogin, OwnerLogin } from "./logins.ts";
import { done, type Outcome } from "./outcome.ts";

export interface DirectoryDesk {
  isListed(login: Pick<DeviceLogin, "account">): Promise<boolean>;
  setListed(login: OwnerLogin, listed: boolean): Promise<void>;
  /** People whose names have words that begin so, by username; at most 20. */
  find(login: Pick<DeviceLogin, "account">, words: string): Promise<Outcome<ListedPerson[]>>;
}

/** Characters of a search that are looked at. */
const MOST = 128;

/** The directory over the store. */
export function createDirectoryDesk(deps: AuthDeps, limiter: Limiter): DirectoryDesk {
  const { accounts, directory } = deps.store;
  return {
    isListed: ({ account }) => directory.isListed(account),
    async setListed({ account }, listed) {
      const row = await accounts.byId(account);
      if (row === null) throw new Error("a login without an account");
      await directory.setListed(account, listed ? foundBy(row.username, row.fullName) : null);
    },
    async find({ account }, words) {
      const allowed = await limiter.search(account);
      if (!allowed.ok) return allowed;
      const parts = wordsOf(words.slice(0, MOST).replace(/^\s*@/, ""));
      return done(await directory.find(parts.map((word) => ` ${word}`), MAX_FOUND));
    },
  };
}

/** What somebody is found by: every word of both names, after a space each. */
export function foundBy(username: string, fullName: string): string {
  const parts = username.split("_").filter((part) => part !== "" && part !== username);
  return [username, ...parts, ...wordsOf(fullName)].map((word) => ` ${word}`).join("");
}

/** Without case and accents, so that "jose" finds José. */
function wordsOf(text: string): string[] {
  const plain = text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
  return plain.split(/[\s.\-]+/u).filter((word) => word !== "");
}
