/** The settings: who you are, what guards the account, and where you are signed in. */
import type { Child } from "hono/jsx";
import { Field, Problem } from "./fields.tsx";
import type { Html } from "./html.ts";
import { Icon, Layout, type PageProps } from "./layout.tsx";
import { Time } from "./time.tsx";

export interface SettingsProps extends PageProps {
  readonly username: string;
  readonly contact: string;
  readonly profile: ProfileState;
  readonly logins: readonly LoginLine[];
  readonly factor: FactorState;
  /** Whether this account may invite people. */
  readonly mayInvite: boolean;
  /** Runs the server. */
  readonly admin: boolean;
  /** Somebody wants to start the account over. */
  readonly resetWaits: boolean;
  /** What was just done elsewhere. */
  readonly notice?: string;
}

/** The full name as it stands or as it was typed. */
export interface ProfileState {
  readonly fullName: string;
  readonly problem?: string;
  readonly saved?: boolean;
}

/** One place where the account is signed in. Times are milliseconds since 1970. */
export interface LoginLine {
  readonly id: string;
  readonly kind: "browser" | "terminal";
  readonly first: number;
  readonly last: number;
  readonly current: boolean;
}

/** Null while the password alone signs in; `app` is since when there is an authenticator app. */
export type FactorState = {
  readonly app: number | null;
  readonly passkeys: number;
  readonly codes: number;
} | null;

export function SettingsPage(props: SettingsProps): Html {
  const { assets, nonce, username, contact, profile, logins, factor, mayInvite, resetWaits } =
    props;
  const { admin, notice } = props;
  return (
    <Layout title="Settings" assets={assets} nonce={nonce} wide>
      <BackTo href="/chat" assets={assets} words="Chat" />
      <h1>Settings</h1>
      <p class="lead">
        You are <bdi>@{username}</bdi>. Codes and warnings go to <bdi>{contact}</bdi>.
      </p>
      {notice ? <p class="notice" role="status">{notice}</p> : null}
      {resetWaits
        ? (
          <p class="problem" role="alert">
            Somebody wants to start your account over with other keys.{" "}
            <a href="/reset">See and stop it</a>
          </p>
        )
        : null}
      <ProfileSection assets={assets} nonce={nonce} {...profile} />
      <GuardSection assets={assets} nonce={nonce} factor={factor} />
      <LoginsSection assets={assets} nonce={nonce} logins={logins} />
      <PeopleSection assets={assets} mayInvite={mayInvite} />
      {admin
        ? (
          <section class="part" aria-labelledby="admin-title">
            <h2 id="admin-title">This server</h2>
            <LinkRow
              assets={assets}
              icon="shield"
              href="/admin"
              title="Admin"
              words="People, reports, who may come, limits, health and the log."
            />
          </section>
        )
        : null}
      <section class="part" aria-labelledby="privacy-title">
        <h2 id="privacy-title">Privacy</h2>
        <LinkRow
          assets={assets}
          icon="archive"
          href="/settings/history"
          title="History"
          words="A sealed copy of your conversations for your next browser: on or off, and an end to it."
        />
        <LinkRow
          assets={assets}
          icon="eye"
          href="/settings/what-the-server-sees"
          title="What the server sees"
          words="Everything that is stored about you here, with sizes, times and how long it stays."
        />
        <LinkRow
          assets={assets}
          icon="download"
          href="/settings/download"
          title="Download my data"
          words="The same, row by row, in one file. It asks for a sign-in of the last hour."
        />
        <LinkRow
          assets={assets}
          icon="trash-2"
          href="/settings/delete"
          title="Delete account"
          words="Keys, vault, logins and what waits for you, for good."
        />
      </section>
    </Layout>
  );
}

function PeopleSection(
  { assets, mayInvite }: Pick<PageProps, "assets"> & { mayInvite: boolean },
): Html {
  return (
    <section class="part" aria-labelledby="people-title">
      <h2 id="people-title">People</h2>
      <LinkRow
        assets={assets}
        icon="users"
        href="/people"
        title="People on this server"
        words="Who wants to be found, and whether others find you by name. It is off until you say so."
      />
      {mayInvite
        ? (
          <LinkRow
            assets={assets}
            icon="mail"
            href="/invites"
            title="Invites"
            words="Links that let somebody make an account here, and who came by them."
          />
        )
        : null}
    </section>
  );
}

/** Replaced by itself when the name is saved or refused. */
export function ProfileSection(
  { nonce, fullName, problem, saved }: PageProps & ProfileState,
): Html {
  const hint = problem
    ? { state: "bad" as const, words: problem }
    : saved
    ? { state: "ok" as const, words: "Saved. People see it from now on." }
    : { state: "quiet" as const, words: "Shown beside your username." };
  return (
    <section class="part" id="profile" aria-labelledby="profile-title">
      <h2 id="profile-title">Profile</h2>
      <form
        method="post"
        action="/settings/profile"
        novalidate
        hx-post="/settings/profile"
        hx-target="#profile"
        hx-swap="outerHTML"
        hx-nonce={nonce}
      >
        <Field
          field="fullName"
          label="Full name"
          value={fullName}
          hint={hint}
          autocomplete="name"
          maxlength={64}
          nonce={nonce}
        />
        <button type="submit" class="quiet boxed">Save name</button>
      </form>
    </section>
  );
}

function GuardSection({ assets, factor }: PageProps & { factor: FactorState }): Html {
  return (
    <section class="part" aria-labelledby="guard-title">
      <h2 id="guard-title">Signing in</h2>
      <LinkRow
        assets={assets}
        icon="mail"
        href="/settings/contact"
        title="Email or phone"
        words="Where codes and warnings go. A code to the old one and to the new one changes it."
      />
      <LinkRow
        assets={assets}
        icon="key-round"
        href="/settings/password"
        title="Change password"
        words="Your other devices are signed out by it."
      />
      <LinkRow
        assets={assets}
        icon={factor ? "shield-check" : "shield"}
        href="/settings/second-factor"
        title="Second factor"
        words={factorWords(factor)}
      />
      <LinkRow
        assets={assets}
        icon="fingerprint-pattern"
        href="/settings/passkeys"
        title="Passkeys"
        words={passkeyWords(factor?.passkeys ?? 0)}
      />
      <LinkRow
        assets={assets}
        icon="laptop"
        href="/settings/devices"
        title="Your devices"
        words="What reads and writes your messages: names, when they were last here, and out with one."
      />
    </section>
  );
}

function factorWords(factor: FactorState): string {
  if (factor === null) return "Off. An authenticator app keeps out whoever learns your password.";
  const codes = `${factor.codes} recovery ${factor.codes === 1 ? "code" : "codes"}`;
  return `On: ${factor.app === null ? "your passkeys" : "an authenticator app"}, and ${codes}.`;
}

function passkeyWords(count: number): string {
  if (count === 0) return "None. Sign in with a fingerprint, a face or a PIN.";
  return count === 1 ? "One. It signs in without a password." : `${count} of them.`;
}

/** Replaced by itself when somebody is signed out. */
export function LoginsSection(
  { assets, nonce, logins, problem }: PageProps & {
    logins: readonly LoginLine[];
    problem?: string;
  },
): Html {
  const others = logins.filter(({ current }) => !current).length;
  return (
    <section class="part" id="logins" aria-labelledby="logins-title">
      <h2 id="logins-title">Where you are signed in</h2>
      <Problem words={problem} />
      <ul class="rows" role="list">
        {logins.map((login) => (
          <LoginRow key={login.id} assets={assets} nonce={nonce} login={login} />
        ))}
      </ul>
      {others > 0
        ? (
          <PostButton nonce={nonce} action="/settings/logins/end-others" target="#logins">
            Sign out others
          </PostButton>
        )
        : null}
      <p class="hint">
        Who is signed out keeps the messages on the device, and needs the password to come back.
      </p>
    </section>
  );
}

function LoginRow({ assets, nonce, login }: PageProps & { login: LoginLine }): Html {
  const { id, kind, first, last, current } = login;
  const name = kind === "browser" ? "Browser" : "Terminal";
  return (
    <li class="row-line">
      <Icon assets={assets} name="laptop" />
      <span class="row-words">
        <strong>{name}{current ? <em class="badge">this one</em> : null}</strong>
        <span>
          First seen <Time at={first} day />, last seen <Time at={last} />
        </span>
      </span>
      {current
        ? (
          <form method="post" action="/sign-out">
            <button type="submit" class="quiet">
              Sign out<span class="sr">of this device</span>
            </button>
          </form>
        )
        : (
          <PostButton nonce={nonce} action="/settings/logins/end" target="#logins" field={id}>
            Sign out<span class="sr">
              {`${name}, last seen at`} <Time at={last} />
            </span>
          </PostButton>
        )}
    </li>
  );
}

/** A form of one button. Without htmx the whole page comes back. */
function PostButton(
  { nonce, action, target, field, children }: {
    nonce: string;
    action: string;
    target: string;
    field?: string;
    children: Child;
  },
): Html {
  return (
    <form
      method="post"
      action={action}
      hx-post={action}
      hx-target={target}
      hx-swap="outerHTML"
      hx-nonce={nonce}
    >
      {field === undefined ? null : <input type="hidden" name="login" value={field} />}
      <button type="submit" class={field === undefined ? "quiet boxed" : "quiet"}>
        {children}
      </button>
    </form>
  );
}

/** A way to another page: icon, title, a sentence. */
export function LinkRow(
  { assets, icon, href, title, words }: {
    assets: PageProps["assets"];
    icon: string;
    href: string;
    title: string;
    words: string;
  },
): Html {
  return (
    <a class="row-line row-link" href={href}>
      <Icon assets={assets} name={icon} />
      <span class="row-words">
        <strong>{title}</strong>
        <span>{words}</span>
      </span>
      <Icon assets={assets} name="chevron-right" />
    </a>
  );
}

/** The way back, above the title. */
export function BackTo(
  { href, words, assets }: { href: string; words: string; assets: PageProps["assets"] },
): Html {
  return (
    <p class="back">
      <a href={href}>
        <Icon assets={assets} name="arrow-left" /> {words}
      </a>
    </p>
  );
}
