/** People: found while typing, page by page; and one person with what can be done. */
import type { Child } from "hono/jsx";
import { AdminFrame, type AdminProps, counted, Note } from "./admin.tsx";
import { Problem } from "./fields.tsx";
import type { Html } from "./html.ts";
import { Icon, type PageProps } from "./layout.tsx";
import { Time } from "./time.tsx";

/** A person in the list. Times are milliseconds since 1970. */
export interface UserLine {
  readonly account: string;
  readonly username: string;
  readonly fullName: string;
  readonly contact: string;
  readonly admin: boolean;
  readonly disabled: number | null;
  readonly made: number;
  readonly seen: number | null;
  readonly devices: number;
  /** Envelopes that wait for their devices. */
  readonly waiting: number;
}

export interface PeopleProps extends PageProps {
  readonly search: string;
  readonly users: readonly UserLine[];
  /** True when this is not the first page. */
  readonly later: boolean;
  /** The page after this username; null at the end. */
  readonly next: string | null;
}

export function UsersPage(props: PeopleProps & AdminProps): Html {
  const { nonce, search } = props;
  return (
    <AdminFrame {...props} title="People">
      <form method="post" action="/admin/users" role="search" class="search-form">
        <div class="field">
          <label for="search">Name or address</label>
          <input
            id="search"
            name="search"
            type="search"
            value={search}
            autocomplete="off"
            autocapitalize="none"
            spellcheck={false}
            maxlength={64}
            hx-post="/admin/users"
            hx-trigger="input changed delay:250ms, search"
            hx-target="#people"
            hx-swap="outerHTML"
            hx-sync="this:replace"
            hx-nonce={nonce}
          />
        </div>
        <button type="submit" class="quiet boxed">Search</button>
      </form>
      <PeopleList {...props} />
    </AdminFrame>
  );
}

/** Replaced by itself while somebody types. */
export function PeopleList({ assets, nonce, search, users, later, next }: PeopleProps): Html {
  return (
    <section id="people" class="part" aria-labelledby="people-title">
      <h2 id="people-title" class="sr">Found</h2>
      <p class="hint" role="status">
        {users.length === 0
          ? "Nobody found."
          : `${counted(users.length, "person", "people")}${next ? " on this page" : ""}.`}
      </p>
      <ul class="rows" role="list">
        {users.map((user) => <Person key={user.account} assets={assets} user={user} />)}
      </ul>
      {later || next ? <Pages nonce={nonce} search={search} later={later} next={next} /> : null}
    </section>
  );
}

function Person({ assets, user }: Pick<PageProps, "assets"> & { user: UserLine }): Html {
  return (
    <li>
      <a class="row-line row-link" href={`/admin/users/${user.account}`}>
        <Icon assets={assets} name="user" />
        <span class="row-words">
          <strong>
            <bdi>{user.fullName}</bdi> <Badges user={user} />
          </strong>
          <span>
            @{user.username} · {user.seen === null ? "not signed in" : (
              <>
                last seen <Time at={user.seen} />
              </>
            )}
          </span>
        </span>
        <Icon assets={assets} name="chevron-right" />
      </a>
    </li>
  );
}

function Badges({ user }: { user: UserLine }): Html {
  return (
    <>
      {user.admin ? <em class="badge">admin</em> : null}
      {user.disabled === null ? null : <em class="badge off">off</em>}
    </>
  );
}

function Pages(
  { nonce, search, later, next }: Omit<PeopleProps, "assets" | "users">,
): Html {
  const page = (after: string, words: string) => (
    <form
      method="post"
      action="/admin/users"
      hx-post="/admin/users"
      hx-target="#people"
      hx-swap="outerHTML"
      hx-nonce={nonce}
    >
      <input type="hidden" name="search" value={search} />
      <input type="hidden" name="after" value={after} />
      <button type="submit" class="quiet boxed">{words}</button>
    </form>
  );
  return (
    <div class="side-by-side">
      {later ? page("", "First page") : null}
      {next === null ? null : page(next, "Next page")}
    </div>
  );
}

export interface UserPageProps extends AdminProps {
  readonly user: UserLine;
  readonly secondFactor: boolean;
  readonly logins: readonly {
    readonly id: string;
    readonly deviceKind: "browser" | "terminal";
    readonly made: number;
    readonly used: number;
  }[];
  /** True when the reader looks at their own account. */
  readonly self: boolean;
  readonly problem?: string;
  /** What is wrong with the name typed to delete the account. */
  readonly deleteProblem?: string;
  readonly deleteTyped?: string;
}

export function UserPage(props: UserPageProps): Html {
  const { assets, user, problem } = props;
  return (
    <AdminFrame
      {...props}
      title={`@${user.username}`}
      back={{ href: "/admin/users", words: "People" }}
    >
      <Problem words={problem} />
      <Facts {...props} />
      <section class="part" aria-labelledby="acts-title">
        <h2 id="acts-title">What you can do</h2>
        <ul class="rows" role="list">
          <SwitchAct user={user} />
          <Act user={user} act="sign-out" title="Sign out everywhere" words="Sign out">
            Every device needs the password to come back. Messages on the devices stay there.
          </Act>
          {props.secondFactor
            ? (
              <Act
                user={user}
                act="reset-second-factor"
                title="Take the second factor away"
                words="Reset"
              >
                The password alone signs in then. Only after you are sure who asks for it; the owner
                gets a letter.
              </Act>
            )
            : null}
          <AdminAct user={user} />
        </ul>
      </section>
      <DeleteForm user={user} problem={props.deleteProblem} typed={props.deleteTyped} />
      <Note assets={assets}>
        You see no message, no password and no key of anybody:{" "}
        <a href="/admin/what-admins-see">what admins see</a>.
      </Note>
    </AdminFrame>
  );
}

function Facts({ user, secondFactor, logins, self }: UserPageProps): Html {
  return (
    <dl class="facts">
      <Fact name="Name">
        <bdi>{user.fullName}</bdi> <Badges user={user} />
        {self ? <em class="badge">you</em> : null}
      </Fact>
      <Fact name="Address">
        <bdi>{user.contact}</bdi>
      </Fact>
      <Fact name="Here since">
        <Time at={user.made} />
      </Fact>
      {user.disabled === null ? null : (
        <Fact name="Off since">
          <Time at={user.disabled} />
        </Fact>
      )}
      <Fact name="Last seen">
        {user.seen === null ? "Not signed in anywhere" : <Time at={user.seen} />}
      </Fact>
      <Fact name="Devices">
        {`${user.devices} on the list, ${counted(logins.length, "login", "logins")}`}
      </Fact>
      <Fact name="Waiting">{counted(user.waiting, "envelope", "envelopes")}</Fact>
      <Fact name="Second factor">{secondFactor ? "On" : "Off"}</Fact>
    </dl>
  );
}

/** One line of what is known. */
export function Fact({ name, children }: { name: string; children: Child }): Html {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function SwitchAct({ user }: { user: UserLine }): Html {
  return user.disabled === null
    ? (
      <Act user={user} act="disable" title="Switch the account off" words="Switch off">
        Signs out at once, and nobody signs in until you switch it on again. Nothing is deleted.
      </Act>
    )
    : (
      <Act user={user} act="enable" title="Switch the account on" words="Switch on">
        Its devices go on by themselves.
      </Act>
    );
}

function AdminAct({ user }: { user: UserLine }): Html {
  return user.admin
    ? (
      <Act user={user} act="unmake-admin" title="No admin any more" words="Remove">
        They keep their account and see this area no more.
      </Act>
    )
    : (
      <Act user={user} act="make-admin" title="Make an admin" words="Make admin">
        They can do here what you can, to you too.
      </Act>
    );
}

function Act(
  { user, act, title, words, children }: {
    user: UserLine;
    act: string;
    title: string;
    words: string;
    children: Child;
  },
): Html {
  return (
    <li class="row-line">
      <span class="row-words">
        <strong>{title}</strong>
        <span>{children}</span>
      </span>
      <form method="post" action={`/admin/users/${user.account}/${act}`}>
        <button type="submit" class="quiet boxed">
          {words}
          <span class="sr">: {title}</span>
        </button>
      </form>
    </li>
  );
}

function DeleteForm(
  { user, problem, typed }: {
    user: UserLine;
    problem: string | undefined;
    typed: string | undefined;
  },
): Html {
  return (
    <section class="part" aria-labelledby="delete-title">
      <h2 id="delete-title">Delete the account</h2>
      <form method="post" action={`/admin/users/${user.account}/delete`} novalidate>
        <div class="field narrow">
          <label for="username">Type the username: {user.username}</label>
          <input
            id="username"
            name="username"
            type="text"
            value={typed}
            autocomplete="off"
            autocapitalize="none"
            spellcheck={false}
            maxlength={33}
            aria-describedby="username-hint"
            aria-invalid={problem ? "true" : undefined}
            required
          />
          <p id="username-hint" class="hint" data-state={problem ? "bad" : "quiet"}>
            {problem ?? "Keys, devices and everything that waits go for good."}
          </p>
        </div>
        <button type="submit" class="quiet boxed danger">Delete for good</button>
      </form>
    </section>
  );
}
