/** Sign-in: the page holds the form, its script does the work, nothing secret is in a request. */
import { PasswordField, Problem } from "./fields.tsx";
import { Icon, Layout, type PageProps, Script } from "./layout.tsx";
import { Lamp, NoScript } from "./sign_up.tsx";
import type { Html } from "./html.ts";

export function SignInPage({ assets, nonce }: PageProps): Html {
  return (
    <Layout title="Sign in" assets={assets} nonce={nonce}>
      <div id="step" data-worker={assets.link("opaque_worker.js").href}>
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
            New here? <a href="/sign-up">Create an account</a>
          </p>
        </form>
      </div>
      <NoScript />
      <Script assets={assets} nonce={nonce} name="account.js" type="module" />
    </Layout>
  );
}
