/** The server itself: who may come, limits, health, and what an admin sees of people. */
import { AdminFrame, type AdminProps, counted, Note } from "./admin.tsx";
import { Fact } from "./admin_users.tsx";
import { Problem } from "./fields.tsx";
import type { Html } from "./html.ts";
import type { PageProps } from "./layout.tsx";
import { size } from "./server_sees.tsx";
import { Time } from "./time.tsx";

export interface SignUpsProps extends AdminProps {
  readonly registration: "open" | "invite" | "closed";
  /** The start of the server says it: it cannot be changed here. */
  readonly fixed: boolean;
  readonly secondFactorRequired: boolean;
  readonly problem?: string;
}

const MODES = [
  ["open", "Everybody"],
  ["invite", "Who has an invitation"],
  ["closed", "Nobody"],
] as const;

export function SignUpsPage(props: SignUpsProps): Html {
  const { registration, fixed, secondFactorRequired, problem } = props;
  return (
    <AdminFrame {...props} title="Sign-ups and second factors">
      <Problem words={problem} />
      <section class="part" aria-labelledby="who-title">
        <h2 id="who-title">Who may make an account</h2>
        <form method="post" action="/admin/sign-ups">
          <fieldset class="choices" disabled={fixed} aria-describedby="who-hint">
            <legend class="sr">Who may make an account</legend>
            {MODES.map(([mode, words]) => (
              <label key={mode}>
                <input type="radio" name="mode" value={mode} checked={mode === registration} />{" "}
                {words}
              </label>
            ))}
          </fieldset>
          <p id="who-hint" class="hint">
            {fixed
              ? "The server was started with --registration (or SNUG_REGISTRATION), which goes before what is chosen here. Start it without to choose here."
              : "Takes hold at once and stays after a restart."}
          </p>
          {fixed ? null : <button type="submit" class="quiet boxed">Save</button>}
        </form>
      </section>
      <section class="part" aria-labelledby="factor-title">
        <h2 id="factor-title">Second factor</h2>
        <p>
          {secondFactorRequired
            ? "Everybody needs one. Who has none is led to set one up before anything else."
            : "Everybody decides for themselves."}
        </p>
        <form method="post" action="/admin/second-factor">
          <input type="hidden" name="required" value={secondFactorRequired ? "no" : "yes"} />
          <button type="submit" class="quiet boxed">
            {secondFactorRequired ? "Let everybody decide" : "Ask everybody for one"}
          </button>
        </form>
        {secondFactorRequired ? null : (
          <p class="hint">
            People without one are cut off until they have set it up, you too.
          </p>
        )}
      </section>
    </AdminFrame>
  );
}

/** A limit as it is. */
export interface LimitLineProps {
  readonly name: string;
  readonly variable: string;
  readonly unit: string;
  readonly words: string;
  readonly min: number;
  readonly max: number;
  readonly standard: number;
  readonly value: number;
  readonly from: "default" | "start" | "admin";
  readonly live: boolean;
}

/** What was typed into one of them and refused. */
export interface LimitProblem {
  readonly name: string;
  readonly typed: string;
  readonly words: string;
}

export function LimitsPage(
  props: AdminProps & { limits: readonly LimitLineProps[]; problem?: LimitProblem },
): Html {
  const { limits, assets, nonce, problem } = props;
  const live = limits.filter((limit) => limit.live);
  const fixed = limits.filter((limit) => !limit.live);
  return (
    <AdminFrame {...props} title="Limits">
      <section class="part" aria-labelledby="live-title">
        <h2 id="live-title">To be changed here</h2>
        <p class="hint">Takes hold with the next request and stays after a restart.</p>
        <ul class="limits" role="list">
          {live.map((limit) => (
            <LimitRow
              key={limit.name}
              assets={assets}
              nonce={nonce}
              limit={limit}
              {...(problem?.name === limit.name ? { problem } : {})}
            />
          ))}
        </ul>
      </section>
      <section class="part" aria-labelledby="fixed-title">
        <h2 id="fixed-title">To be changed at the start</h2>
        <p class="hint">With the environment variable that stands beside each.</p>
        <ul class="limits" role="list">
          {fixed.map(({ name, words, unit, value, variable }) => (
            <li key={name}>
              <strong>{value.toLocaleString("en-GB")}</strong> {unit} {words}
              <code class="soft-code">{variable}</code>
            </li>
          ))}
        </ul>
      </section>
    </AdminFrame>
  );
}

/** Replaced by itself when it is saved or refused. */
export function LimitRow(
  { nonce, limit, problem, saved }: PageProps & {
    limit: LimitLineProps;
    problem?: LimitProblem;
    saved?: boolean;
  },
): Html {
  const { name, words, unit, min, max, standard, value, from } = limit;
  const id = `limit-${name}`;
  const range = max >= 2 ** 40 ? `${min} or more` : `${min} to ${max}`;
  const kept = from === "admin" ? `Default: ${standard.toLocaleString("en-GB")}.` : "The default.";
  return (
    <li id={`${id}-row`}>
      <form
        method="post"
        action="/admin/limits"
        class="limit-form"
        novalidate
        hx-post="/admin/limits"
        hx-target={`#${id}-row`}
        hx-swap="outerHTML"
        hx-nonce={nonce}
      >
        <input type="hidden" name="name" value={name} />
        <label for={id}>{unit} {words}</label>
        <span class="limit-value">
          <input
            id={id}
            name="value"
            type="text"
            inputmode="numeric"
            value={problem?.typed ?? String(value)}
            maxlength={16}
            autocomplete="off"
            aria-describedby={`${id}-hint`}
            aria-invalid={problem ? "true" : undefined}
          />
          <button type="submit" class="quiet boxed">
            Save<span class="sr">: {unit} {words}</span>
          </button>
        </span>
        <p
          id={`${id}-hint`}
          class="hint"
          data-state={problem ? "bad" : saved ? "ok" : "quiet"}
          aria-live="polite"
        >
          {problem
            ? `${problem.words} ${range}; empty for the default.`
            : saved
            ? `Saved. ${kept}`
            : `${kept} ${range}; empty for the default.`}
        </p>
      </form>
    </li>
  );
}

export interface HealthProps extends AdminProps {
  readonly version: string;
  /** Since when the server runs, in milliseconds since 1970. */
  readonly started: number | null;
  readonly accounts: number;
  readonly admins: number;
  readonly envelopes: number;
  readonly envelopeBytes: number;
  readonly oldest: number | null;
  readonly sockets: number;
  readonly memoryBytes: number;
  readonly databaseBytes: number;
  /** Null where the system does not say. */
  readonly freeBytes: number | null;
  /** When the newest backup known to the server was made; null where none is known. */
  readonly backup: number | null;
}

export function HealthPage(props: HealthProps): Html {
  return (
    <AdminFrame {...props} title="Health">
      <dl class="facts">
        <Fact name="Version">{props.version}</Fact>
        <Fact name="Runs since">
          {props.started === null ? "Not running" : <Time at={props.started} />}
        </Fact>
        <Fact name="Accounts">
          {`${props.accounts}, ${counted(props.admins, "admin", "admins")}`}
        </Fact>
        <Fact name="Open sockets">{props.sockets.toLocaleString("en-GB")}</Fact>
        <Fact name="Waiting">
          {`${counted(props.envelopes, "envelope", "envelopes")}, ${size(props.envelopeBytes)}`}
        </Fact>
        {props.oldest === null ? null : (
          <Fact name="Oldest">
            <Time at={props.oldest} />
          </Fact>
        )}
        <Fact name="Database">{size(props.databaseBytes)}</Fact>
        <Fact name="Disk left">
          {props.freeBytes === null ? "Not known here" : size(props.freeBytes)}
        </Fact>
        <Fact name="Memory">{size(props.memoryBytes)}</Fact>
        <Fact name="Last backup">
          {props.backup === null ? "None known to the server" : <Time at={props.backup} />}
        </Fact>
      </dl>
      <Note assets={props.assets}>
        On the server’s machine, <code>snug doctor</code> looks at everything and says the cure, and
        {" "}
        <code>snug backup FILE</code> makes a backup.
      </Note>
    </AdminFrame>
  );
}

const SEEN = [
  [
    "Who is here",
    "Username, full name, e-mail address or phone number, since when, and whether there is a second factor. Not which one, and no password.",
  ],
  [
    "When somebody was here",
    "When each login was made and last used, to the minute, and how many devices an account has. No address of theirs is stored; while they are connected, whoever runs the machine can watch it.",
  ],
  [
    "What waits",
    "How many envelopes wait for somebody, how large, and from which account and minute. Not what is in them.",
  ],
  [
    "Rooms",
    "That a room exists, which accounts are in it and who changed it when. Not its name, its code or what is said.",
  ],
  ["Who brought whom", "Which account made an invitation, and who came by it."],
  [
    "Reports",
    "What a person writes to you about another, and the messages they choose to show. Nothing proves that those were ever written: the server cannot check, and you cannot either.",
  ],
  ["What you do", "Every act in this area, by whom and when, in the log."],
] as const;

export function AdminSeesPage(props: AdminProps): Html {
  return (
    <AdminFrame {...props} title="What admins see">
      <p class="lead">Exactly this. People find the same under Settings, “What the server sees”.</p>
      <section class="part" aria-labelledby="seen-title">
        <h2 id="seen-title">What there is to see</h2>
        <ul class="kept" role="list">
          {SEEN.map(([title, words]) => (
            <li key={title}>
              <h3>{title}</h3>
              <p>{words}</p>
            </li>
          ))}
        </ul>
      </section>
      <section class="part" aria-labelledby="never-title">
        <h2 id="never-title">Never</h2>
        <p>
          Messages, names of rooms, passwords, codes, recovery keys, private keys of devices, and
          whom somebody verified. None of it is on the server in a form that anybody there can open.
          So no admin can read along, and no admin can bring messages back for somebody.
        </p>
        <p>
          An admin can cut somebody off, delete an account, and take a second factor away. With the
          second factor gone the password is still needed, and without password, recovery key or a
          device nobody opens the vault.
        </p>
      </section>
    </AdminFrame>
  );
}
