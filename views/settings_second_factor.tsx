/** The second factor: set up, recovery codes, switch off. What is secret here is shown once. */
import type { Child } from "hono/jsx";
import { Problem } from "./fields.tsx";
import type { Html } from "./html.ts";
import { Icon, Layout, type PageProps } from "./layout.tsx";
import { QrCode } from "./qr_code.tsx";
import { BackTo, type FactorState } from "./settings.tsx";
import { Time } from "./time.tsx";

export interface SecondFactorProps extends PageProps {
  readonly factor: FactorState;
  readonly problem?: string;
  /** Which of the two forms the problem is about. */
  readonly about?: "codes" | "off";
  readonly notice?: string;
}

/** What every page of this part has around it. */
function Frame(
  { assets, nonce, title, children }: PageProps & { title: string; children: Child },
): Html {
  return (
    <Layout title={title} assets={assets} nonce={nonce} wide>
      <BackTo href="/settings" words="Settings" assets={assets} />
      {children}
    </Layout>
  );
}

export function SecondFactorPage(props: SecondFactorProps): Html {
  const { assets, nonce, factor, problem, about, notice } = props;
  return (
    <Frame title="Second factor" assets={assets} nonce={nonce}>
      <h1>Second factor</h1>
      {notice ? <p class="notice" role="status">{notice}</p> : null}
      {about === undefined ? <Problem words={problem} /> : null}
      {factor === null ? null : <On {...props} factor={factor} />}
      {factor === null || factor.app === null ? <Off assets={assets} nonce={nonce} /> : null}
    </Frame>
  );
}

function Off({ assets }: PageProps): Html {
  return (
    <section class="part" aria-labelledby="app-title">
      <h2 id="app-title">Authenticator app</h2>
      <p>
        Besides your password, signing in then takes six digits out of an app on your phone. Whoever
        learns your password stands before a second door.
      </p>
      <form method="post" action="/settings/second-factor/begin">
        <button type="submit" class="primary">Set up an authenticator app</button>
      </form>
      <p class="account-note">
        <Icon assets={assets} name="info" />
        <span>
          Any app for one-time codes will do. Devices that are signed in already stay signed in.
        </span>
      </p>
    </section>
  );
}

function On(
  { factor, problem, about }: SecondFactorProps & { factor: NonNullable<FactorState> },
): Html {
  const { app, codes } = factor;
  return (
    <>
      <p class="lead">
        {app === null ? "Signing in takes a passkey, or your password and a recovery code." : (
          <>
            Signing in takes your password and a code, since <Time at={app} day />.
          </>
        )}
      </p>
      <section class="part" aria-labelledby="codes-title">
        <h2 id="codes-title">Recovery codes</h2>
        <p>
          {codes === 0
            ? "None are left. Make new ones before you need one."
            : `${codes} of 10 are left. Each stands in once for ${
              app === null ? "a passkey" : "the app"
            }.`}
        </p>
        <CodeForm
          action="/settings/second-factor/recovery-codes"
          id="codes-code"
          button="Make new recovery codes"
          problem={about === "codes" ? problem : undefined}
        />
      </section>
      {app === null ? null : (
        <section class="part" aria-labelledby="off-title">
          <h2 id="off-title">Switch it off</h2>
          <p>
            {factor.passkeys === 0
              ? "Your password alone will then sign in."
              : "Signing in then takes a passkey, or your password and a recovery code."}
          </p>
          <CodeForm
            action="/settings/second-factor/off"
            id="off-code"
            button="Switch off"
            problem={about === "off" ? problem : undefined}
          />
        </section>
      )}
    </>
  );
}

/** A code to prove that it is the owner who asks. */
function CodeForm(
  { action, id, button, problem }: {
    action: string;
    id: string;
    button: string;
    problem: string | undefined;
  },
): Html {
  return (
    <form method="post" action={action} novalidate autocomplete="off">
      <CodeField id={id} label="Authenticator code" problem={problem} recovery />
      <button type="submit" class="quiet boxed">{button}</button>
    </form>
  );
}

function CodeField(
  { id, label, problem, recovery = false }: {
    id: string;
    label: string;
    problem: string | undefined;
    recovery?: boolean;
  },
): Html {
  const quiet = recovery ? "Or a recovery code." : "The six digits that the app shows now.";
  return (
    <div class="field narrow">
      <label for={id}>{label}</label>
      <input
        id={id}
        name="code"
        type="text"
        inputmode={recovery ? "text" : "numeric"}
        autocomplete="one-time-code"
        autocapitalize="none"
        spellcheck={false}
        maxlength={40}
        aria-describedby={`${id}-hint`}
        aria-invalid={problem ? "true" : undefined}
        {...(problem ? { autofocus: true } : {})}
        required
      />
      <p id={`${id}-hint`} class="hint" data-state={problem ? "bad" : "quiet"} aria-live="polite">
        {problem ?? quiet}
      </p>
    </div>
  );
}

/** The seed, shown in the answer to one POST and never again. */
export function EnrolPage(
  { assets, nonce, uri, secret }: PageProps & { uri: string; secret: string },
): Html {
  return (
    <Frame title="Set up an authenticator app" assets={assets} nonce={nonce}>
      <div id="enrol-page">
        <h1>Scan this.</h1>
        <p class="lead">
          Open your authenticator app, add an account, and point it at this square.
        </p>
        <QrCode text={uri} label="QR code for your authenticator app" />
        <details class="typed-secret">
          <summary>No camera? Type the key instead</summary>
          <output class="recovery-key" aria-label="Authenticator key">{inFours(secret)}</output>
          <p class="hint">Time based, six digits, 30 seconds.</p>
        </details>
        <div id="enrol">
          <EnrolForm assets={assets} nonce={nonce} />
        </div>
        <p class="account-note">
          <Icon assets={assets} name="lock" />
          <span>It is shown only now. If you leave this page, start over with a new one.</span>
        </p>
      </div>
    </Frame>
  );
}

/** Comes back alone when a code was wrong, so that the square above stays and is not sent twice. */
export function EnrolForm({ nonce, problem }: PageProps & { problem?: string }): Html {
  return (
    <form
      method="post"
      action="/settings/second-factor/confirm"
      novalidate
      hx-post="/settings/second-factor/confirm"
      hx-target="#enrol"
      hx-swap="innerHTML"
      hx-nonce={nonce}
    >
      <CodeField id="enrol-code" label="Authenticator code" problem={problem} />
      <button type="submit" class="primary">Confirm</button>
    </form>
  );
}

/** A wrong code without htmx: the form alone, as the square is not shown twice. */
export function EnrolAgainPage(
  { assets, nonce, problem }: PageProps & { problem: string },
): Html {
  return (
    <Frame title="Set up an authenticator app" assets={assets} nonce={nonce}>
      <h1>Try the next code.</h1>
      <p class="lead">The app shows a new one every 30 seconds.</p>
      <div id="enrol">
        <EnrolForm assets={assets} nonce={nonce} problem={problem} />
      </div>
      <p class="account-other">
        Not in your app? <a href="/settings/second-factor">Start over</a>
      </p>
    </Frame>
  );
}

/** The recovery codes, shown in the answer to one POST and never again. */
export function RecoveryCodesPage(
  { assets, nonce, codes, first }: PageProps & { codes: readonly string[]; first: boolean },
): Html {
  return (
    <Frame title="Recovery codes" assets={assets} nonce={nonce}>
      <RecoveryCodes codes={codes} first={first} />
    </Frame>
  );
}

/** The same as a part of the page that is open. */
export function RecoveryCodes(
  { codes, first }: { codes: readonly string[]; first: boolean },
): Html {
  return (
    <section id="step" aria-labelledby="keep-title">
      <h1 id="keep-title" tabindex={-1} autofocus>Keep these codes.</h1>
      <p class="lead">
        {first ? "Your second factor is on. " : "The old codes work no more. "}
        If your phone is gone, one of these stands in for it, once. They are shown only now.
      </p>
      <ol class="recovery-codes" aria-label="Recovery codes">
        {codes.map((code) => (
          <li key={code}>
            <code>{code}</code>
          </li>
        ))}
      </ol>
      <p class="hint">
        Write them down or print this page. They do not open your vault: that is what your recovery
        key is for.
      </p>
      <a class="button primary" href="/settings">I have kept them</a>
    </section>
  );
}

function inFours(text: string): string {
  return text.match(/.{1,4}/g)?.join(" ") ?? text;
}
