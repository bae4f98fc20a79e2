/** Another password: the page holds the form, its script does the work. */
import { PasswordField, Problem } from "./fields.tsx";
import type { Html } from "./html.ts";
import { Icon, Layout, type PageProps, Script } from "./layout.tsx";
import { BackTo } from "./settings.tsx";
import { Lamp } from "./sign_up.tsx";

export interface ChangePasswordProps extends PageProps {
  readonly username: string;
  /** So that the new password is not the address. */
  readonly contact: string;
}

export function ChangePasswordPage(
  { assets, nonce, username, contact }: ChangePasswordProps,
): Html {
  return (
    <Layout title="Change password" assets={assets} nonce={nonce} wide>
      <BackTo href="/settings" words="Settings" assets={assets} />
      <div
        id="step"
        data-worker={assets.link("opaque_worker.js").href}
        data-known={assets.link("known_passwords.bin").href}
      >
        <form id="change-password" method="post" action="/settings/password" novalidate>
          <h1>Change your password</h1>
          <p class="lead">
            Neither password is sent anywhere. Your vault is opened and wrapped again in this
            browser.
          </p>
          <Problem words={undefined} />
          <input id="username" type="text" autocomplete="username" value={username} hidden />
          <input id="contact" type="text" autocomplete="off" value={contact} hidden />
          <PasswordField
            id="current-password"
            label="Current password"
            autocomplete="current-password"
            words=""
          />
          <PasswordField
            label="New password"
            autocomplete="new-password"
            words="At least 12 characters. Four or five words do well."
          />
          <button type="submit" class="primary">Change password</button>
          <div class="working" id="change-password-working" hidden>
            <Lamp />
            <p id="progress" class="progress-words" role="status" />
          </div>
          <p class="account-note">
            <Icon assets={assets} name="info" />
            <span>
              Your other devices are signed out and need the new password. Your recovery key stays
              the same.
            </span>
          </p>
        </form>
      </div>
      <noscript>
        <p class="problem">
          Your vault is wrapped again by this page’s script, so that no key leaves your device.
          Please allow scripts for this address.
        </p>
      </noscript>
      <Script assets={assets} nonce={nonce} name="account.js" type="module" />
    </Layout>
  );
}
