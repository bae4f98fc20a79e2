/** A forgotten password, step by step. Each step replaces the one before inside #step. */
import { Field, PasswordField, Problem } from "./fields.tsx";
import type { Html } from "./html.ts";
import { Icon, Layout, type PageProps, Script } from "./layout.tsx";
import { Lamp, RecoveryTemplate } from "./sign_up.tsx";
import { Time } from "./time.tsx";

export interface ForgotProps extends PageProps {
  /** As it was typed. */
  readonly contact?: string;
  readonly problem?: string;
  /** What the problem is about. */
  readonly about?: "contact" | "form";
}

export function ForgotPage(props: ForgotProps): Html {
  const { assets, nonce } = props;
  return (
    <Layout title="Forgot password" assets={assets} nonce={nonce}>
      <div
        id="step"
        data-worker={assets.link("opaque_worker.js").href}
        data-known={assets.link("known_passwords.bin").href}
      >
        <ForgotForm {...props} />
      </div>
      <RecoveryTemplate assets={assets} />
      <noscript>
        <p class="problem">
          The last step opens your vault with your recovery key, in this browser. Please allow
          scripts for this address.
        </p>
      </noscript>
      <Script assets={assets} nonce={nonce} name="account.js" type="module" />
    </Layout>
  );
}

export function ForgotForm({ assets, nonce, contact, problem, about }: ForgotProps): Html {
  const wrong = problem !== undefined && about === "contact";
  const hint = wrong
    ? { state: "bad" as const, words: problem }
    : { state: "quiet" as const, words: "The one you signed up with. We send a code there." };
  return (
    <form
      id="forgot"
      method="post"
      action="/forgot"
      novalidate
      hx-post="/forgot"
      hx-target="#step"
      hx-swap="innerHTML"
      hx-sync="this:drop"
      hx-nonce={nonce}
    >
      <h1>Forgot your password?</h1>
      <p class="lead">
        Have your recovery key at hand: nine groups of four characters. With it everything comes
        back. Nobody who runs this server could bring it back without.
      </p>
      <Problem words={wrong ? undefined : problem} />
      <Field
        field="contact"
        label="Email or phone"
        value={contact ?? ""}
        hint={hint}
        autocomplete="email"
        inputmode="email"
        maxlength={254}
        nonce={nonce}
      />
      <button type="submit" class="primary">Send a code</button>
      <p class="account-note">
        <Icon assets={assets} name="laptop" />
        <span>Still signed in somewhere? Then nothing is lost there: go on using that device.</span>
      </p>
      <p class="account-other">
        Remembered it? <a href="/sign-in">Sign in</a>
      </p>
    </form>
  );
}

/** Where the account has a second factor, no key is of use before it is shown. */
export function FactorStep(
  { nonce, problem, former }: PageProps & { problem?: string; former: boolean },
): Html {
  return (
    <form
      id="factor-step"
      method="post"
      action="/forgot/second-factor"
      novalidate
      hx-post="/forgot/second-factor"
      hx-target="#step"
      hx-swap="innerHTML"
      hx-sync="this:drop"
      hx-nonce={nonce}
    >
      <h1>One more step.</h1>
      <p class="lead">
        This account has a second factor, and a forgotten password leads past none.
      </p>
      <Problem words={problem} />
      <div class="field">
        <label for="code">Authenticator code</label>
        <input
          id="code"
          name="code"
          class="code-input"
          type="text"
          autocomplete="one-time-code"
          autocapitalize="none"
          spellcheck={false}
          maxlength={40}
          aria-describedby="code-hint"
          aria-invalid={problem ? "true" : undefined}
          autofocus
          required
        />
        <p id="code-hint" class="hint" data-state="quiet" aria-live="polite">
          The six digits of your app. With a passkey, or without the app: a recovery code.
        </p>
      </div>
      <button type="submit" class="primary">Confirm</button>
      {former && <FormerNote nonce={nonce} />}
      <p class="account-other">
        <a href="/forgot">Start over</a>
      </p>
    </form>
  );
}

/** Somebody else may have started the account over and set this factor up. */
function FormerNote({ nonce }: { nonce: string }): Html {
  return (
    <p class="account-other">
      <span>This account was started over a short while ago. Was it not you?</span>
      <button
        type="button"
        class="link"
        hx-post="/forgot/former"
        hx-target="#step"
        hx-swap="innerHTML"
        hx-nonce={nonce}
      >
        Use the old recovery key
      </button>
    </p>
  );
}

/** The page's script takes it from here: neither key nor password is in a request. */
export function RecoverStep(
  { assets, nonce, username, contact }: PageProps & { username: string; contact: string },
): Html {
  return (
    <form id="recover" method="post" action="/forgot" novalidate autocomplete="off">
      <h1>Now your recovery key.</h1>
      <p class="lead">
        It opens the vault of <bdi>@{username}</bdi>{" "}
        here, in this browser. Then choose a new password.
      </p>
      <Problem words={undefined} />
      <input id="username" type="text" autocomplete="username" value={username} hidden />
      <input id="contact" type="text" autocomplete="off" value={contact} hidden />
      <div class="field">
        <label for="recovery-key">Recovery key</label>
        <input
          id="recovery-key"
          class="key-input"
          type="text"
          autocomplete="off"
          autocapitalize="characters"
          spellcheck={false}
          maxlength={80}
          aria-describedby="recovery-key-hint"
          autofocus
          required
        />
        <p id="recovery-key-hint" class="hint" data-state="quiet" aria-live="polite">
          Nine groups of four. Small letters, spaces and missing dashes are fine.
        </p>
      </div>
      <PasswordField
        label="New password"
        autocomplete="new-password"
        words="At least 12 characters. Four or five words do well."
      />
      <button type="submit" class="primary">Set new password</button>
      <div class="working" id="recover-working" hidden>
        <Lamp />
        <p id="progress" class="progress-words" role="status" />
      </div>
      <p class="account-note">
        <Icon assets={assets} name="info" />
        <span>
          Your other devices are signed out and need the new password. The recovery key stays good.
        </span>
      </p>
      <p class="account-other">
        <span>No recovery key either?</span>
        <button
          type="button"
          class="link"
          hx-post="/forgot/nothing-left"
          hx-target="#step"
          hx-swap="innerHTML"
          hx-nonce={nonce}
        >
          See what is left to do
        </button>
      </p>
    </form>
  );
}

export interface StartOverProps extends PageProps {
  readonly account: string;
  readonly username: string;
  readonly contact: string;
  readonly state:
    | { readonly kind: "now" }
    | { readonly kind: "wait"; readonly due: number; readonly code: string }
    | { readonly kind: "ask" };
}

/** Neither password nor recovery key: what is lost, and when the account can begin anew. */
export function StartOverStep(props: StartOverProps): Html {
  const { state } = props;
  if (state.kind === "now") return <StartOverForm {...props} />;
  return (
    <form
      id="start-over-ask"
      method="post"
      action="/forgot/start-over/ask"
      novalidate
      hx-post="/forgot/start-over/ask"
      hx-target="#step"
      hx-swap="innerHTML"
      hx-nonce={props.nonce}
    >
      {state.kind === "wait"
        ? <Wait nonce={props.nonce} due={state.due} code={state.code} />
        : <Ask {...props} />}
      <p class="account-other">
        Found the recovery key? <a href="/forgot">Use it</a>
      </p>
    </form>
  );
}

function Ask({ username }: StartOverProps): Html {
  return (
    <>
      <h1>Start over?</h1>
      <p class="lead">
        <bdi>@{username}</bdi> keeps its name, and gets new keys. Everything else is lost.
      </p>
      <Losses />
      <p>
        A letter box alone is no proof that it is you. So there is a wait of 72 hours, in which any
        device that is still signed in can stop it.
      </p>
      <button type="submit" class="primary">Begin the wait</button>
    </>
  );
}

function Losses(): Html {
  return (
    <ul>
      <li>Your messages in this server’s archive, and your verified contacts.</li>
      <li>Your rooms: you must be let in again with their codes.</li>
      <li>
        Everybody you write to sees that your key has changed, and nothing is sent until they accept
        it. Compare safety numbers again.
      </li>
    </ul>
  );
}

function Wait({ nonce, due, code }: { nonce: string; due: number; code: string }): Html {
  return (
    <>
      <h1>Now wait.</h1>
      <p class="lead">
        From <Time at={due} />{" "}
        on, come back here, with a code like today’s, and start over. You have seven days for it.
      </p>
      <p>
        Is a device of yours still signed in? On it nothing is lost, and it says now that somebody
        waits. Type this there, and you need not wait:
      </p>
      <output class="recovery-key" aria-label="Code for your other device">
        {`${code.slice(0, 3)} ${code.slice(3)}`}
      </output>
      <button
        type="button"
        class="quiet boxed"
        hx-post="/forgot/nothing-left"
        hx-target="#step"
        hx-swap="innerHTML"
        hx-nonce={nonce}
      >
        I have typed it
      </button>
    </>
  );
}

/** The script makes new keys, as at sign-up. */
function StartOverForm({ assets, account, username, contact }: StartOverProps): Html {
  return (
    <form
      id="start-over"
      method="post"
      action="/forgot"
      data-account={account}
      novalidate
      autocomplete="off"
    >
      <h1>Start over.</h1>
      <p class="lead">
        <bdi>@{username}</bdi> keeps its name, and gets new keys. Everything else is lost.
      </p>
      <Losses />
      <Problem words={undefined} />
      <input id="username" type="text" autocomplete="username" value={username} hidden />
      <input id="contact" type="text" autocomplete="off" value={contact} hidden />
      <PasswordField
        label="New password"
        autocomplete="new-password"
        words="At least 12 characters. Four or five words do well."
      />
      <label class="check">
        <input type="checkbox" id="start-over-sure" />
        <span>I know what is lost</span>
      </label>
      <button type="submit" class="primary" disabled>Make new keys</button>
      <div class="working" id="start-over-working" hidden>
        <Lamp />
        <p id="progress" class="progress-words" role="status" />
      </div>
      <p class="account-note">
        <Icon assets={assets} name="info" />
        <span>
          For 30 days the old recovery key can still bring the old keys back, on this page.
        </span>
      </p>
    </form>
  );
}
