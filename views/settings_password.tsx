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
  /** False for an account without one: a passkey stands in for it. */
  readonly password: boolean;
  /** Whether a passkey opens the vault. */
  readonly passkeys: boolean;
}

export function ChangePasswordPage(
  { assets, nonce, username, contact, password, passkeys }: ChangePasswordProps,
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
          <h1>{password ? "Change your password" : "Set a password"}</h1>
          <p class="lead">
            {password
              ? "Neither password is sent anywhere. Your vault is opened and wrapped again in this browser."
              : "One of your passkeys opens your vault in this browser, and the new password wraps it. It is not sent anywhere."}
          </p>
          <Problem words={undefined} />
          <input id="username" type="text" autocomplete="username" value={username} hidden />
          <input id="contact" type="text" autocomplete="off" value={contact} hidden />
          {password
            ? (
              <PasswordField
                id="current-password"
                label="Current password"
                autocomplete="current-password"
                words=""
              />
            )
            : null}
          <PasswordField
            label="New password"
            autocomplete="new-password"
            words="At least 12 characters. Four or five words do well."
          />
          <button type="submit" class="primary">
            {password ? "Change password" : "Set password"}
          </button>
          <div class="working" id="change-password-working" hidden>
            <Lamp />
            <p id="progress" class="progress-words" role="status" />
          </div>
          <p class="account-note">
            <Icon assets={assets} name="info" />
            <span>
              Your other devices are signed out and need the new password. Your recovery key
              {passkeys ? " and your passkeys stay" : " stays"} the same.
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
