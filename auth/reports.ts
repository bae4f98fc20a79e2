/** Reports: a person's words about another, and what an admin made of them. */
import type { ReportRow } from "../db/reports.ts";
import { decode, encode } from "../protocol/codec.ts";
import { idFrom, parseId } from "../protocol/ids.ts";
import {
  type ReportRequest,
  type RevealedMessage,
  revealedMessagesSchema,
} from "../protocol/reports.ts";
import { actOf, type Actor } from "./admin.ts";
import type { AuthDeps } from "./deps.ts";
import type { Limiter } from "./limits.ts";
import type { DeviceLogin } from "./logins.ts";
import { done, type Outcome, refused } from "./outcome.ts";

/** Settled reports stay this long: somebody may come again. */
const SETTLED_MS = 90 * 86_400_000;
/** Reports on one page. */
const A_PAGE = 100;
/** Longest note of an admin in UTF-16 units. */
const MAX_NOTE = 1_000;

/** A report as the admin pages show it. */
export interface Report extends Omit<ReportRow, "messages"> {
  /** What the reporter says was written; nothing proves it. None once the report is settled. */
  readonly messages: readonly RevealedMessage[];
}

/** Reports. */
export interface Reports {
  /** Takes a report of the login's account about another one. */
  report(login: DeviceLogin, request: ReportRequest): Promise<Outcome<null>>;
  open(): Promise<Report[]>;
  settled(): Promise<Report[]>;
  find(id: string): Promise<Outcome<Report>>;
  /** The messages go, the note stays. */
  settle(actor: Actor, id: string, note: string): Promise<Outcome<null>>;
  /** Forgets old settled ones. */
  purge(): Promise<void>;
}

/** Reports over the store. */
export function createReportDesk(deps: AuthDeps, limiter: Limiter): Reports {
  const { reports, accounts } = deps.store;

  async function report(
    { account: reporter }: DeviceLogin,
    { account: reported, words, messages }: ReportRequest,
  ): Promise<Outcome<null>> {
    if (words.trim() === "") return refused("bad-report");
    if (reporter === reported) return refused("bad-report");
    const allowed = await limiter.report(reporter);
    if (!allowed.ok) return allowed;
    const made = deps.now();
    const kept = await reports.insert({
      ...{ id: idFrom(deps.random(16)), reporter, reported, words: words.trim(), made },
      messages: encode(revealedMessagesSchema, messages),
    });
    if (!kept) return refused("unknown-person");
    deps.log.info("report.made");
    return done(null);
  }

  async function settle(actor: Actor, id: string, note: string): Promise<Outcome<null>> {
    const words = note.toWellFormed().trim();
    if (words.length > MAX_NOTE) return refused("bad-note");
    const row = parseId(id) === null ? null : await reports.find(id);
    if (row === null) return refused("no-such-report");
    const subject = await accounts.byId(row.reported);
    if (subject === null) return refused("no-such-report");
    const act = actOf(actor, deps.now(), "settle-report", { subject, detail: words });
    const settled = await reports.settle(id, words, act);
    return settled ? done(null) : refused("no-such-report");
  }

  return {
    report,
    settle,
    open: async () => (await reports.list("open", A_PAGE)).map(readable),
    settled: async () => (await reports.list("settled", A_PAGE)).map(readable),
    async find(id) {
      const row = parseId(id) === null ? null : await reports.find(id);
      return row === null ? refused("no-such-report") : done(readable(row));
    },
    purge: () => reports.purge(deps.now() - SETTLED_MS),
  };
}

function readable({ messages, ...row }: ReportRow): Report {
  return { ...row, messages: messages === null ? [] : decode(revealedMessagesSchema, messages) };
}
