/** The words of `snug admin`: arguments -> one order. What makes no sense throws ConfigError. */
import { ConfigError, shown } from "./config_values.ts";
import type { Order } from "./routes/admin_orders.ts";

/** A command line, read. */
export interface AdminLine {
  readonly dataDir: string;
  readonly json: boolean;
  readonly order: Order;
}

interface Words {
  readonly rest: readonly string[];
  /** The value of a flag of this word; undefined where it was not given. */
  flag(name: string): string | undefined;
}

/** One word of the command, how it is written, what it does and how it is read. */
interface Word {
  readonly takes: string;
  readonly words: string;
  /** Its own flags; those that take no value end in nothing. */
  readonly flags?: Readonly<Record<string, "value" | "switch">>;
  /** How many words may follow. */
  readonly most: number;
  readonly read: (words: Words) => Order;
}

type ActName = Extract<Order, { do: "act" }>["act"];

const act = (name: ActName, words: string): Word => ({
  ...{ takes: "USERNAME", words, most: 1 },
  read: ({ rest }) => ({ do: "act", act: name, username: needed(rest[0], "a USERNAME") }),
});

/** The table: what `--help` prints and what is understood. */
export const ADMIN_WORDS: Readonly<Record<string, Word>> = {
  "users": {
    ...{
      takes: "[PART] [--after USERNAME]",
      words: "people, or those with PART in a name",
      most: 1,
    },
    flags: { after: "value" },
    read: ({ rest, flag }) => ({ do: "users", search: rest[0] ?? "", after: flag("after") ?? "" }),
  },
  "user": {
    ...{ takes: "USERNAME", words: "one person", most: 1 },
    read: ({ rest }) => ({ do: "user", username: needed(rest[0], "a USERNAME") }),
  },
  "disable": act("disable", "switch an account off: signed out at once, nobody signs in"),
  "enable": act("enable", "switch it on again"),
  "sign-out": act("sign-out", "sign out everywhere; devices need the password to come back"),
  "reset-second-factor": act("reset-second-factor", "take it away; the owner gets a letter"),
  "make-admin": act("make-admin", "may use the admin area"),
  "unmake-admin": act("unmake-admin", "may use it no more"),
  "delete": {
    ...{ takes: "USERNAME --yes", words: "delete the account for good", most: 1 },
    flags: { yes: "switch" },
    read: ({ rest, flag }) => {
      const username = needed(rest[0], "a USERNAME");
      if (flag("yes") === undefined) {
        throw new ConfigError(
          `Deleting is for good. If you mean it: snug admin delete ${shown(username)} --yes`,
        );
      }
      return { do: "act", act: "delete", username };
    },
  },
  "registration": {
    ...{ takes: "[open|invite|closed]", words: "who may make an account", most: 1 },
    read: ({ rest: [mode] }) => {
      if (mode === undefined) return { do: "registration" };
      const found = oneOf(mode, ["open", "invite", "closed"]);
      return { do: "registration", mode: found };
    },
  },
  "second-factor": {
    ...{ takes: "[required|optional]", words: "whether everybody needs one", most: 1 },
    read: ({ rest: [word] }) => {
      if (word === undefined) return { do: "second-factor" };
      const required = oneOf(word, ["required", "optional"]) === "required";
      return { do: "second-factor", required };
    },
  },
  "limits": {
    ...{ takes: "[NAME VALUE|default]", words: "limits; one of them set", most: 2 },
    read: ({ rest: [name, value] }) => {
      if (name === undefined) return { do: "limits" };
      const wanted = needed(value, "a VALUE, or default,");
      return { do: "set-limit", name, value: wanted === "default" ? null : amount(wanted) };
    },
  },
  "invites": {
    ...{ takes: "", words: "invitations", most: 0 },
    read: () => ({ do: "invites" }),
  },
  "invite": {
    ...{ takes: "[--uses N] [--days 1|7|30] [--by ADMIN]", words: "make an invitation", most: 0 },
    flags: { uses: "value", days: "value", by: "value" },
    read: ({ flag }) => {
      const by = flag("by");
      const wish = { uses: amount(flag("uses") ?? "1"), days: amount(flag("days") ?? "7") };
      return { do: "invite", ...wish, ...(by === undefined ? {} : { by }) };
    },
  },
  "revoke-invite": {
    ...{ takes: "ID", words: "take an invitation back", most: 1 },
    read: ({ rest }) => ({ do: "revoke-invite", invite: needed(rest[0], "an ID") }),
  },
  "reports": {
    ...{ takes: "", words: "what people report about others", most: 0 },
    read: () => ({ do: "reports" }),
  },
  "settle": {
    ...{ takes: "ID NOTE", words: "settle a report, with what you did about it", most: 2 },
    read: ({ rest: [report, note = ""] }) => ({
      do: "settle",
      report: needed(report, "an ID"),
      note,
    }),
  },
  "audit": {
    ...{ takes: "[--before N] [--verify] [--head N:HASH]", words: "what admins did", most: 0 },
    flags: { before: "value", verify: "switch", head: "value" },
    read: ({ flag }) => {
      const [before, head] = [flag("before"), flag("head")];
      if (head !== undefined && !/^\d{1,10}:[0-9a-f]{64}$/.test(head)) {
        throw new ConfigError(
          "--head: expected what --verify printed, a number, a colon and 64 digits.",
        );
      }
      if (head !== undefined) return { do: "verify", head };
      if (flag("verify") !== undefined) return { do: "verify" };
      return { do: "audit", ...(before === undefined ? {} : { before: amount(before) }) };
    },
  },
  "health": {
    ...{ takes: "", words: "what waits, how large, how full", most: 0 },
    read: () => ({ do: "health" }),
  },
};

/** Reads a command line; `dataDir` is the folder where none is named. */
export function readOrder(args: readonly string[], dataDir: string): AdminLine {
  const general = { data: "value", json: "switch" } as const;
  const name = args.find((arg, at) => !isFlag(arg) && args[at - 1] !== "--data") ?? "";
  const word = Object.hasOwn(ADMIN_WORDS, name) ? ADMIN_WORDS[name] : undefined;
  if (word === undefined) {
    throw new ConfigError(
      name === ""
        ? "snug admin needs a word: users, disable, limits… Try snug admin --help."
        : `${shown(name)} is no word of snug admin. Try snug admin --help.`,
    );
  }
  const { flags, rest } = split(args, { ...general, ...word.flags });
  const following = rest.slice(1);
  if (following.length > word.most) {
    throw new ConfigError(`snug admin ${name} takes ${word.takes || "nothing more"}.`);
  }
  const order = word.read({ rest: following, flag: (flag) => flags.get(flag) });
  return { dataDir: flags.get("data") ?? dataDir, json: flags.has("json"), order };
}

function split(
  args: readonly string[],
  known: Readonly<Record<string, "value" | "switch">>,
): { readonly flags: ReadonlyMap<string, string>; readonly rest: readonly string[] } {
  const flags = new Map<string, string>();
  const rest: string[] = [];
  const left = args.filter((arg) => arg !== "--");
  while (left.length > 0) {
    const arg = left.shift()!;
    const [, name = "", inline] = /^--([a-z]+)(?:=(.*))?$/s.exec(arg) ?? [];
    if (!isFlag(arg)) rest.push(arg);
    else if (!Object.hasOwn(known, name)) {
      throw new ConfigError(`${shown(arg)} is not a flag of this. Try snug admin --help.`);
    } else if (known[name] === "switch") flags.set(name, "");
    else flags.set(name, needed(inline ?? left.shift(), `a value after --${name}`));
  }
  return { flags, rest };
}

/** An id may begin with a dash, or with two. */
function isFlag(arg: string): boolean {
  return arg.startsWith("-") && !/^[A-Za-z0-9_-]{21}[AQgw]$/.test(arg);
}

function needed(word: string | undefined, what: string): string {
  if (word === undefined || word === "") throw new ConfigError(`snug admin needs ${what} here.`);
  return word;
}

function oneOf<const T extends string>(word: string, allowed: readonly T[]): T {
  const found = allowed.find((each) => each === word);
  if (found === undefined) {
    throw new ConfigError(`${shown(word)}: expected one of ${allowed.join(", ")}.`);
  }
  return found;
}

function amount(text: string | undefined): number {
  if (text === undefined || !/^\d{1,15}$/.test(text)) {
    throw new ConfigError(`${shown(text ?? "")}: expected a whole number.`);
  }
  return Number(text);
}
