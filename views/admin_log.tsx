/** The log of what admins did, and whether it is whole. */
import { AdminFrame, type AdminProps, counted } from "./admin.tsx";
import type { Html } from "./html.ts";
import { Icon } from "./layout.tsx";
import { Time } from "./time.tsx";

/** One act. */
export interface ActLine {
  readonly seq: number;
  readonly at: number;
  readonly actorName: string;
  readonly act: string;
  readonly subjectName: string;
  readonly detail: string;
  /** Hexadecimal. */
  readonly hash: string;
}

export interface LogProps extends AdminProps {
  readonly acts: readonly ActLine[];
  /** The number of the first act that is not what it was; null for a whole log. */
  readonly broken: number | null;
  readonly head: { readonly seq: number; readonly hash: string } | null;
}

/** What happened, in words; an act that is not here shows by its name. */
const WORDS: Readonly<Record<string, string>> = {
  "disable": "switched off",
  "enable": "switched on",
  "sign-out": "signed out everywhere",
  "reset-second-factor": "took the second factor of",
  "make-admin": "made an admin of",
  "unmake-admin": "took the admin’s rights of",
  "delete": "deleted",
  "registration": "set who may make an account:",
  "second-factor": "set the second factor for everybody:",
  "limit": "set a limit:",
  "settle-report": "settled a report about",
  "make-invite": "made an invitation:",
  "revoke-invite": "revoked an invitation:",
};

export function LogPage(props: LogProps): Html {
  const { acts, assets } = props;
  const older = acts.at(-1)?.seq ?? 1;
  return (
    <AdminFrame {...props} title="Log">
      <Verdict {...props} />
      <ol class="rows acts" role="list">
        {acts.map((act) => <ActRow key={act.seq} act={act} />)}
      </ol>
      {acts.length === 0 ? <p class="hint">Nothing was done yet.</p> : null}
      {older > 1
        ? (
          <p>
            <a href={`/admin/log?before=${older}`}>
              <Icon assets={assets} name="arrow-down" /> Older
            </a>
          </p>
        )
        : null}
    </AdminFrame>
  );
}

function Verdict({ broken, head }: Pick<LogProps, "broken" | "head">): Html {
  if (broken !== null) {
    return (
      <p class="problem" role="alert">
        {`This log is not whole: act ${broken} is missing or not what it was. Somebody changed the database. Compare it with a backup.`}
      </p>
    );
  }
  return (
    <div class="notice">
      <p>
        {`Whole: ${counted(head?.seq ?? 0, "act", "acts")}, each tied to the one before.`}
      </p>
      {head === null || head.seq === 0 ? null : (
        <p>
          Note this elsewhere to find out later whether the end was cut off:{" "}
          <code class="soft-code">{`${head.seq}:${head.hash}`}</code>
        </p>
      )}
    </div>
  );
}

function ActRow({ act }: { act: ActLine }): Html {
  const { seq, at, actorName, subjectName, detail, hash } = act;
  return (
    <li class="row-line">
      <span class="row-words">
        <span class="act-words">
          <strong>{actorName === "snug admin" ? actorName : `@${actorName}`}</strong>{" "}
          {WORDS[act.act] ?? act.act} {subjectName === "" ? null : <bdi>@{subjectName}</bdi>}{" "}
          {detail === "" ? null : subjectName === "" ? <bdi>{detail}</bdi> : <bdi>“{detail}”</bdi>}
        </span>
        <span>
          {seq} · <Time at={at} /> · <code>{hash.slice(0, 12)}</code>
        </span>
      </span>
    </li>
  );
}
