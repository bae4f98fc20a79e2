/** Reports: what a person says about another, to be settled with a note. */
import { AdminFrame, type AdminProps, counted } from "./admin.tsx";
import { Problem } from "./fields.tsx";
import type { Html } from "./html.ts";
import { Icon, type PageProps } from "./layout.tsx";
import { Time } from "./time.tsx";

/** A report. Times are milliseconds since 1970. */
export interface ReportView {
  readonly id: string;
  readonly reporter: string | null;
  readonly reporterName: string | null;
  readonly reported: string;
  readonly reportedName: string;
  readonly words: string;
  readonly messages: readonly {
    readonly time: number;
    readonly own: boolean;
    readonly text: string;
  }[];
  readonly made: number;
  readonly settled: number | null;
  readonly note: string | null;
}

export function ReportsPage(
  props: AdminProps & { open: readonly ReportView[]; settled: readonly ReportView[] },
): Html {
  const { assets, open, settled } = props;
  return (
    <AdminFrame {...props} title="Reports">
      <section class="part" aria-labelledby="open-title">
        <h2 id="open-title">To be settled</h2>
        <ReportList assets={assets} reports={open} none="Nothing waits for you." />
      </section>
      <section class="part" aria-labelledby="settled-title">
        <h2 id="settled-title">Settled</h2>
        <ReportList assets={assets} reports={settled} none="None in the last 90 days." />
      </section>
    </AdminFrame>
  );
}

function ReportList(
  { assets, reports, none }: Pick<PageProps, "assets"> & {
    reports: readonly ReportView[];
    none: string;
  },
): Html {
  if (reports.length === 0) return <p class="hint">{none}</p>;
  return (
    <ul class="rows" role="list">
      {reports.map((report) => (
        <li key={report.id}>
          <a class="row-line row-link" href={`/admin/reports/${report.id}`}>
            <span class="row-words">
              <strong>{`About @${report.reportedName}`}</strong>
              <span>
                by {nameOf(report)}, <Time at={report.made} />
                {report.messages.length === 0
                  ? null
                  : `, ${counted(report.messages.length, "message", "messages")}`}
              </span>
            </span>
            <Icon assets={assets} name="chevron-right" />
          </a>
        </li>
      ))}
    </ul>
  );
}

function nameOf({ reporterName }: ReportView): string {
  return reporterName === null ? "somebody who is gone" : `@${reporterName}`;
}

export function ReportPage(
  props: AdminProps & { report: ReportView; problem?: string; typed?: string },
): Html {
  const { report, problem, typed } = props;
  return (
    <AdminFrame
      {...props}
      title={`About @${report.reportedName}`}
      back={{ href: "/admin/reports", words: "Reports" }}
    >
      <p class="lead">
        By {report.reporter === null
          ? nameOf(report)
          : <a href={`/admin/users/${report.reporter}`}>{nameOf(report)}</a>},{" "}
        <Time at={report.made} />
      </p>
      <section class="part" aria-labelledby="words-title">
        <h2 id="words-title">In their words</h2>
        <p class="told" dir="auto">{report.words}</p>
      </section>
      <Messages report={report} />
      {report.settled === null
        ? <SettleForm report={report} problem={problem} typed={typed} />
        : <Settled report={report} at={report.settled} />}
      <p>
        <a href={`/admin/users/${report.reported}`}>What you can do about @{report.reportedName}</a>
      </p>
    </AdminFrame>
  );
}

function Messages({ report }: { report: ReportView }): Html | null {
  if (report.messages.length === 0) return null;
  return (
    <section class="part" aria-labelledby="messages-title">
      <h2 id="messages-title">Messages they show you</h2>
      <p class="unproven">
        <strong>Unproven.</strong>{" "}
        The server cannot read messages, so nothing shows that these were written, or by whom.
        Anybody could have typed them here.
      </p>
      <ul class="told-messages" role="list">
        {report.messages.map(({ time, own, text }, at) => (
          <li key={at}>
            <span class="soft">
              {own ? nameOf(report) : `allegedly @${report.reportedName}`} · <Time at={time} />
            </span>
            <p class="told" dir="auto">{text}</p>
          </li>
        ))}
      </ul>
    </section>
  );
}

function SettleForm(
  { report, problem, typed }: {
    report: ReportView;
    problem: string | undefined;
    typed: string | undefined;
  },
): Html {
  return (
    <section class="part" aria-labelledby="settle-title">
      <h2 id="settle-title">Settle</h2>
      <form method="post" action={`/admin/reports/${report.id}/settle`} novalidate>
        <Problem words={problem} />
        <div class="field">
          <label for="note">What you did about it</label>
          <textarea id="note" name="note" rows={3} maxlength={1000} aria-describedby="note-hint">
            {typed ?? ""}
          </textarea>
          <p id="note-hint" class="hint">
            Goes into the log. The messages above are forgotten when you settle.
          </p>
        </div>
        <button type="submit" class="quiet boxed">Settle</button>
      </form>
    </section>
  );
}

function Settled({ report, at }: { report: ReportView; at: number }): Html {
  return (
    <section class="part" aria-labelledby="settled-title">
      <h2 id="settled-title">Settled</h2>
      <p>
        <Time at={at} />
      </p>
      {report.note === null || report.note === ""
        ? null
        : <p class="told" dir="auto">{report.note}</p>}
    </section>
  );
}
