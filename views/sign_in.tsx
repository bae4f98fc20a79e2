/** Sign-in: the page holds the form, its script does the work, nothing secret is in a request. */
import { PasswordField, Problem } from "./fields.tsx";
import { Icon, Layout, type PageProps, Script } from "./layout.tsx";
import { Lamp, NoScript } from "./sign_up.tsx";
import type { Html } from "./html.ts";

/** `next` is a path of ours to go on to. */
export function SignInPage(
  { assets, nonce, next, passkeys, selfSigned }: PageProps & {
    next: string;
    passkeys: boolean;
    /** The browser warns of the certificate until it is trusted. */
    selfSigned: boolean;
  },
): Html {
  return (
    <Layout title="Sign in" assets={assets} nonce={nonce}>
      <div id="step" data-worker={assets.link("opaque_worker.js").href} data-next={next}>
        <form id="sign-in" method="post" action="/sign-in" autocomplete="on" novalidate>
          <h1>Welcome back.</h1>
          <p class="lead">Your password opens your keys here. It is not sent anywhere.</p>
          <Problem words={undefined} />
          <div class="field">
            <label for="username">Username</label>
            <input
              id="username"
              type="text"
              autocomplete="username"
              autocapitalize="none"
              spellcheck={false}
              maxlength={32}
              required
            />
          </div>
          <PasswordField autocomplete="current-password" words="" />
          <button type="submit" class="primary">Sign in</button>
          {passkeys
            ? (
              <button type="button" class="quiet boxed wide" data-passkey hidden>
                <Icon assets={assets} name="fingerprint-pattern" /> Use a passkey
              </button>
            )
            : null}
          <div class="working" id="sign-in-working" hidden>
            <Lamp />
            <p id="progress" class="progress-words" role="status" />
          </div>
          <p class="account-note">
            <Icon assets={assets} name="laptop" />
            <span>
              A new browser becomes one more of your devices. Your other devices are told.
            </span>
          </p>
          <p class="account-other">
            <a href="/sign-in/link">Use another device</a> <span aria-hidden="true">·</span>{" "}
            <a href="/forgot">Forgot password?</a>
          </p>
          <p class="account-other">
            New here? <a href="/sign-up">Create an account</a>
          </p>
          {selfSigned
            ? (
              <p class="account-other">
                Does the browser warn of this server?{" "}
                <a href="/certificate">Make this device trust it</a>
              </p>
            )
            : null}
        </form>
      </div>
      <SecondFactorTemplate />
      <OpenVaultTemplate />
      <MakeRoomDialog assets={assets} />
      <NoScript />
      <Script assets={assets} nonce={nonce} name="account.js" type="module" />
    </Layout>
  );
}

/** Put in place by the script when the password was right and the account asks for more. */
function SecondFactorTemplate() {
  return (
    <template id="second-factor-template">
      <form id="second-factor" method="post" action="/sign-in" novalidate>
        <h1>One more step.</h1>
        <p class="lead">Your password is right. Now show that it is you.</p>
        <Problem words={undefined} />
        <div class="field">
          <label for="factor-code">Authenticator code</label>
          <input
            id="factor-code"
            class="code-input"
            type="text"
            inputmode="numeric"
            autocomplete="one-time-code"
            autocapitalize="none"
            spellcheck={false}
            maxlength={40}
            aria-describedby="factor-code-hint"
            required
          />
          <p id="factor-code-hint" class="hint" data-state="quiet" aria-live="polite">
            The six digits that your authenticator app shows for Snug.
          </p>
        </div>
        <button type="submit" class="primary">Confirm</button>
        <button type="button" class="quiet boxed wide" data-passkey hidden>
          Use a passkey instead
        </button>
        <p class="account-other">
          <button type="button" class="link" data-other-way>Use a recovery code</button>
          <span>or</span>
          <a href="/sign-in">start over</a>
        </p>
      </form>
    </template>
  );
}

/** Opened by the script when the account has as many devices as it can have. */
function MakeRoomDialog({ assets }: { assets: PageProps["assets"] }) {
  return (
    <dialog id="make-room" class="account-dialog" aria-labelledby="make-room-title">
      <form method="post" action="/sign-in" novalidate>
        <h2 id="make-room-title">Eight devices are all an account can have.</h2>
        <p class="lead">
          Which one makes room for this browser? It is signed out and erases what it keeps.
        </p>
        <fieldset class="choices">
          <legend class="sr">Device to remove</legend>
          <div data-choices />
        </fieldset>
        <p class="account-note">
          <Icon assets={assets} name="info" />
          <span>The one that was away longest comes first.</span>
        </p>
        <button type="submit" class="primary">Remove it and sign in</button>
        <button type="button" class="quiet boxed wide" data-back>Not now</button>
      </form>
    </dialog>
  );
}

/** Put in place when a passkey was right and does not open the vault. */
function OpenVaultTemplate() {
  return (
    <template id="open-vault-template">
      <form id="open-vault" method="post" action="/sign-in" autocomplete="on" novalidate>
        <h1>One more key.</h1>
        <p class="lead">
          Your passkey shows who you are. It cannot open your vault in this browser: your password
          or your recovery key can.
        </p>
        <Problem words={undefined} />
        <input
          id="vault-username"
          type="text"
          autocomplete="username"
          aria-label="Username"
          hidden
        />
        <div class="field">
          <label for="vault-secret">Password</label>
          <input
            id="vault-secret"
            type="password"
            autocomplete="current-password"
            maxlength={256}
            aria-describedby="vault-secret-hint"
            required
          />
          <p id="vault-secret-hint" class="hint" data-state="quiet" aria-live="polite">
            It is not sent anywhere.
          </p>
        </div>
        <button type="submit" class="primary">Open my vault</button>
        <div class="working" id="open-vault-working" hidden>
          <Lamp />
          <p id="vault-progress" class="progress-words" role="status" />
        </div>
        <p class="account-other">
          <button type="button" class="link" data-other-way>Use my recovery key</button>
          <span>or</span>
          <a href="/sign-in">start over</a>
        </p>
      </form>
    </template>
  );
}
