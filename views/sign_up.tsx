/** Sign-up, step by step: form, 6-digit code, keys, recovery key. Each step replaces the one before inside #step. */
import type { Child } from "hono/jsx";
import { Field, PasswordField, Problem } from "./fields.tsx";
import { Icon, Layout, type PageAssets, type PageProps, Script } from "./layout.tsx";
import type { Html } from "./html.ts";

/** What the server has to say about a field or, under "form", about all of it. */
export type SignUpProblems = Readonly<
  Partial<Record<"username" | "fullName" | "contact" | "form", string>>
>;

export interface SignUpFormProps extends PageProps {
  readonly values?: {
    readonly username: string;
    readonly fullName: string;
    readonly contact: string;
  };
  readonly problems?: SignUpProblems;
  /** From an invitation link. */
  readonly invite?: string;
}

export function SignUpPage(props: SignUpFormProps): Html {
  return (
    <Layout title="Create an account" assets={props.assets} nonce={props.nonce}>
      <div
        id="step"
        data-worker={props.assets.link("opaque_worker.js").href}
        data-known={props.assets.link("known_passwords.bin").href}
      >
        <SignUpForm {...props} />
      </div>
      <RecoveryTemplate assets={props.assets} />
      <NoScript />
      <Script assets={props.assets} nonce={props.nonce} name="account.js" type="module" />
    </Layout>
  );
}

export function SignUpForm(
  { assets, nonce, values, problems = {}, invite }: SignUpFormProps,
): Html {
  const hint = (field: "username" | "fullName" | "contact", words: string) =>
    problems[field]
      ? { state: "bad" as const, words: problems[field] }
      : { state: "quiet" as const, words };
  return (
    <form
      id="sign-up"
      method="post"
      action="/sign-up"
      autocomplete="on"
      novalidate
      hx-post="/sign-up"
      hx-target="#step"
      hx-swap="innerHTML"
      hx-sync="this:drop"
      hx-nonce={nonce}
    >
      <h1>Come in.</h1>
      <p class="lead">This server carries your messages and can’t read them.</p>
      <Problem words={problems.form} />
      {invite ? <input type="hidden" name="invite" value={invite} /> : null}
      <Field
        field="username"
        label="Username"
        value={values?.username ?? ""}
        hint={hint("username", "People find you by this name: a-z, 0-9 and _.")}
        autocomplete="username"
        maxlength={32}
        nonce={nonce}
        check="/sign-up/check"
      />
      <Field
        field="fullName"
        label="Full name"
        value={values?.fullName ?? ""}
        hint={hint("fullName", "Shown beside your username.")}
        autocomplete="name"
        maxlength={64}
        nonce={nonce}
        check="/sign-up/check"
      />
      <Field
        field="contact"
        label="Email or phone"
        value={values?.contact ?? ""}
        hint={hint("contact", "We send a 6-digit code there. Nobody else sees it.")}
        autocomplete="email"
        inputmode="email"
        maxlength={254}
        nonce={nonce}
        check="/sign-up/check"
      />
      <PasswordField
        autocomplete="new-password"
        words="At least 12 characters. Four or five words do well."
      />
      <button type="submit" class="primary">Create account</button>
      <p class="account-note">
        <Icon assets={assets} name="key-round" />
        <span>
          Your keys are made here, in this browser. Next we send a 6-digit code, then show you a
          recovery key to keep.
        </span>
      </p>
      <p class="account-other">
        Have an account? <a href="/sign-in">Sign in</a>
      </p>
    </form>
  );
}

export interface CodeStepProps extends PageProps {
  /** The page whose step it is. */
  readonly base: "/sign-up" | "/forgot";
  /** The address as it was typed. */
  readonly contact: string;
  readonly problem?: string;
  /** Something good to say, such as that a new code is on its way. */
  readonly notice?: string;
}

export function CodeStep(
  { assets, nonce, base, contact, problem, notice }: CodeStepProps,
): Html {
  return (
    <form
      id="code-step"
      method="post"
      action={`${base}/code`}
      novalidate
      hx-post={`${base}/code`}
      hx-target="#step"
      hx-swap="innerHTML"
      hx-sync="this:drop"
      hx-nonce={nonce}
    >
      <h1>Check your messages.</h1>
      <p class="lead">
        If <bdi>{contact}</bdi> {base === "/sign-up" ? "can be used here" : "has an account here"},
        {" "}
        a 6-digit code is there in a moment.
      </p>
      <Problem words={problem} />
      <div class="field">
        <label for="code">6-digit code</label>
        <input
          id="code"
          name="code"
          class="code-input"
          type="text"
          inputmode="numeric"
          autocomplete="one-time-code"
          maxlength={11}
          aria-describedby="code-hint"
          aria-invalid={problem ? "true" : undefined}
          autofocus
          required
        />
        <p id="code-hint" class="hint" data-state="quiet" aria-live="polite">
          {notice ?? "It works for 10 minutes, in this browser only."}
        </p>
      </div>
      <button type="submit" class="primary">Confirm</button>
      <p class="account-other">
        <Icon assets={assets} name="mail" />
        <span>Nothing there?</span>
        <button
          type="button"
          class="link"
          hx-post={`${base}/resend`}
          hx-target="#step"
          hx-swap="innerHTML"
          hx-nonce={nonce}
        >
          Send another code
        </button>
        <span>or</span>
        <a href={base}>start over</a>
      </p>
    </form>
  );
}

/** The code was right: the page's script finds this and makes the keys. */
export function KeysStep({ account }: { account: string }): Html {
  return (
    <section id="keys-step" data-account={account} class="working" aria-busy="true">
      <h1>Making your keys.</h1>
      <p class="lead">They are made in this browser and stay here.</p>
      <Lamp />
      <p id="progress" class="progress-words" role="status">Stretching your password…</p>
      <Problem words={undefined} />
      <button type="button" class="primary" data-again hidden>Try again</button>
    </section>
  );
}

/** Something to look at for a second: a lamp that warms up. Still where motion is not wanted. */
export function Lamp(): Html {
  return (
    <div class="lamp" aria-hidden="true">
      <span />
      <span />
      <span />
    </div>
  );
}

/** Filled in by the script: the recovery key is never sent to the server, so the server cannot render it. */
export function RecoveryTemplate({ assets }: { assets: PageAssets }): Html {
  return (
    <template id="recovery-template">
      <form id="recovery-step" method="post" class="recovery" novalidate>
        <h1>Keep this key.</h1>
        <p class="lead">
          If you forget your password, this key alone brings everything back. Nobody else has it,
          and it is shown only now.
        </p>
        <output class="recovery-key" aria-label="Recovery key" tabindex={0} />
        <p class="row">
          <button type="button" class="quiet" data-recovery="copy">
            <Icon assets={assets} name="copy" /> Copy
          </button>
          <button type="button" class="quiet" data-recovery="print">
            <Icon assets={assets} name="printer" /> Print
          </button>
          <button type="button" class="quiet" data-recovery="save">
            <Icon assets={assets} name="download" /> Save
          </button>
        </p>
        <p id="recovery-said" class="hint" data-state="quiet" role="status" />
        <label class="check">
          <input type="checkbox" id="recovery-saved" />
          <span>I have saved my recovery key</span>
        </label>
        <button type="submit" class="primary" disabled>Continue</button>
      </form>
    </template>
  );
}

export function NoScript(): Html {
  return (
    <noscript>
      <p class="problem">
        Your keys are made by this page’s script, so that they never leave your device. Please allow
        scripts for this address.
      </p>
    </noscript>
  );
}

/** Sign-up is not for everybody on this server. */
export function SignUpRefused(
  { assets, nonce, words, closed }: PageProps & { words: string; closed: boolean },
): Html {
  return (
    <Notice
      assets={assets}
      nonce={nonce}
      title={closed ? "Closed for now" : "By invitation"}
      words={words}
    >
      <a class="button primary" href="/sign-in">Sign in</a>
    </Notice>
  );
}

/** A page that says one thing and what to do next. */
export function Notice(
  { assets, nonce, title, words, children }: PageProps & {
    title: string;
    words: string;
    children?: Child;
  },
): Html {
  return (
    <Layout title={title} assets={assets} nonce={nonce}>
      <h1>{title}</h1>
      <p class="lead">{words}</p>
      {children}
    </Layout>
  );
}
