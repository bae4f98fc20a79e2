/**
 * What admins change while the server runs: who may make an account, whether everybody needs a second
 * factor, and the limits that are read anew each time they are used. What was given at the start, as
 * a flag or a variable, goes before what is stored here: whoever starts the server has the last word.
 */
import type { Act } from "../db/audit.ts";
import type { ServerSettingsStore } from "../db/server_settings.ts";
import { done, type Outcome, refused } from "./outcome.ts";

/** Who may make an account. */
export type Registration = "open" | "invite" | "closed";

/** Limits whose change takes hold with the next request. All others need a start. */
export const LIVE_LIMITS = [
  "signUpsPerIpHour",
  "nameChecksPerIpHour",
  "codeResendSeconds",
  "codesPerAddressHour",
  "codesPerIpHour",
  "passwordTries",
  "passwordTriesPerIp",
  "challengesPerIpHour",
  "lookupsPerHour",
  "searchesPerHour",
  "roomLookupsPerHour",
  "roomLookupsPerIpHour",
  "roomEntriesPerHour",
  "prekeyFetches",
  "prekeyRefillSeconds",
  "prekeysPerHour",
  "reportsPerDay",
  "archiveReadsPerHour",
] as const;

/** The name of one of them. */
export type LiveLimit = typeof LIVE_LIMITS[number];

/** A limit as people are shown it. */
export interface LimitLine {
  readonly name: string;
  /** The environment variable that sets it at the start. */
  readonly variable: string;
  readonly unit: string;
  readonly words: string;
  readonly min: number;
  readonly max: number;
  readonly standard: number;
  readonly value: number;
  /** Where the value comes from. */
  readonly from: "default" | "start" | "admin";
  /** Whether an admin may change it now. */
  readonly live: boolean;
}

/** One row of the server's table of limits. */
export type LimitFacts = Omit<LimitLine, "value" | "from" | "live">;

/** What the start says. */
export interface StartSettings<L extends object> {
  readonly registration: Registration;
  /** Whether somebody said so, or it is the default. */
  readonly registrationGiven: boolean;
  /** Every limit, live or not, with the value of the start. */
  readonly limits: L & Readonly<Record<string, number>>;
  readonly limitsGiven: ReadonlySet<string>;
  readonly table: readonly LimitFacts[];
}

/** The settings as they are now. */
export interface LiveSettings<L extends object> {
  readonly registration: Registration;
  /** The start says who may make an account; nothing else does. */
  readonly registrationFixed: boolean;
  readonly secondFactorRequired: boolean;
  /** One object for as long as the server runs; its values change. */
  readonly limits: L;
  lines(): LimitLine[];
  setRegistration(mode: Registration, act: Act): Promise<Outcome<null>>;
  setSecondFactorRequired(required: boolean, act: Act): Promise<void>;
  /** Null: back to the default. */
  setLimit(name: string, value: number | null, act: Act): Promise<Outcome<null>>;
}

const REGISTRATION = "registration";
const SECOND_FACTOR = "second-factor";
const MODES: readonly Registration[] = ["open", "invite", "closed"];

/** Reads what is stored and puts it on top of what the start says. */
export async function openLiveSettings<L extends object>(
  store: ServerSettingsStore,
  start: StartSettings<L>,
): Promise<LiveSettings<L>> {
  const stored = new Map(await store.all());
  const limits: Record<string, number> = { ...start.limits };
  const facts = new Map(start.table.map((row) => [row.name, row]));
  const isLive = (name: string): name is LiveLimit =>
    (LIVE_LIMITS as readonly string[]).includes(name) && facts.has(name);
  const fits = (name: string, value: number) => {
    const { min, max } = facts.get(name)!;
    return Number.isSafeInteger(value) && value >= min && value <= max;
  };
  const storedLimit = (name: string): number | null => {
    const value = Number(stored.get(`limit.${name}`) ?? NaN);
    const counts = isLive(name) && !start.limitsGiven.has(name) && fits(name, value);
    return counts ? value : null;
  };
  const apply = (name: string) => {
    limits[name] = storedLimit(name) ?? start.limits[name]!;
  };
  for (const { name } of start.table) apply(name);

  async function put(name: string, value: string | null, act: Act): Promise<void> {
    await store.set(name, value, act);
    if (value === null) stored.delete(name);
    else stored.set(name, value);
  }

  function line(row: LimitFacts): LimitLine {
    const from = start.limitsGiven.has(row.name)
      ? "start"
      : storedLimit(row.name) === null
      ? "default"
      : "admin";
    const live = isLive(row.name) && from !== "start";
    return { ...row, value: limits[row.name]!, from, live };
  }

  return {
    get registration() {
      const mode = MODES.find((each) => each === stored.get(REGISTRATION));
      return start.registrationGiven ? start.registration : mode ?? start.registration;
    },
    registrationFixed: start.registrationGiven,
    get secondFactorRequired() {
      return stored.get(SECOND_FACTOR) === "required";
    },
    // The same names as at the start; only values change.
    limits: limits as L & Record<string, number>,
    lines: () => start.table.map(line),
    async setRegistration(mode, act) {
      if (start.registrationGiven) return refused("set-at-start");
      await put(REGISTRATION, mode, act);
      return done(null);
    },
    setSecondFactorRequired: (required, act) =>
      put(SECOND_FACTOR, required ? "required" : null, act),
    async setLimit(name, value, act) {
      if (!isLive(name)) return refused("no-such-limit");
      if (start.limitsGiven.has(name)) return refused("set-at-start");
      if (value !== null && !fits(name, value)) return refused("bad-limit");
      await put(`limit.${name}`, value === null ? null : String(value), act);
      apply(name);
      return done(null);
    },
  };
}
