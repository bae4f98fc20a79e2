/** Linking a new device: what it shows while it waits, and what the signed-in one asks. */
import { PasswordField, Problem } from "./fields.tsx";
import type { Html } from "./html.ts";
import { Icon, Layout, type PageProps, Script } from "./layout.tsx";
import { BackTo } from "./settings.tsx";
import { Lamp } from "./sign_up.tsx";

/** On the new device. Its script makes the keys and puts code and QR code in place. */
export function WaitingPage({ assets, nonce }: PageProps): Html {
  return (
    <Layout title="Use another device" assets={assets} nonce={nonce}>
      <div id="step" data-worker={assets.link("opaque_worker.js").href}>
        <section id="link-wait" aria-labelledby="link-title">
          <h1 id="link-title">Let another device sign you in.</h1>
          <Problem words={undefined} />
          <div id="link-show">
            <ol class="steps">
              <li>
                On a device where you are signed in, open Settings, Your devices, Link a device.
              </li>
              <li>Scan the picture there, or type the code under it.</li>
            </ol>
            <div class="qr-frame" id="link-qr" />
            <p class="link-code">
              <span class="sr">Code:</span>
              <output id="link-code">…</output>
            </p>
          </div>
          <div id="link-check" role="alert" hidden>
            <p class="lead">
              You are about to be{" "}
              <bdi id="link-who" />. Type these digits on the other device. If that is not your
              name, close this page.
            </p>
            <p class="link-code">
              <output id="link-digits" />
            </p>
          </div>
          <progress id="link-bar" class="bar" aria-labelledby="progress" />
          <p id="progress" class="progress-words" role="status">Making your keys.</p>
          <p class="account-note">
            <Icon assets={assets} name="shield" />
            <span>
              Show the code to your own devices only. It is good for ten minutes, once.
            </span>
          </p>
          <button type="button" id="link-again" class="primary" hidden>New code</button>
          <p class="account-other">
            <a href="/sign-in">Sign in with a password instead</a>
          </p>
        </section>
      </div>
      <NeedsScript />
      <Script assets={assets} nonce={nonce} name="account.js" type="module" />
    </Layout>
  );
}

/** On the signed-in device: the code, the digits, the password. */
export function LinkPage(
  { assets, nonce, passkeys }: PageProps & { passkeys: boolean },
): Html {
  return (
    <Layout title="Link a device" assets={assets} nonce={nonce} wide>
      <BackTo href="/settings/devices" words="Your devices" assets={assets} />
      <div id="step" data-worker={assets.link("opaque_worker.js").href}>
        <form id="link-device" method="post" action="/settings/link" novalidate>
          <h1>Link a device</h1>
          <Problem words={undefined} />
          <div id="link-enter">
            <p class="lead">
              On the new device, open this server’s address, then “Use another device”. It shows a
              code.
            </p>
            <LinkField
              id="code"
              label="Code on the new device"
              words="Sixteen letters and digits."
              maxlength={200}
            />
            <button
              type="button"
              class="quiet boxed wide"
              data-scan
              aria-expanded="false"
              aria-controls="link-scan"
              hidden
            >
              <Icon assets={assets} name="qr-code" /> Scan the code
            </button>
            <div id="link-scan" class="link-scan" hidden>
              <video class="scan-video" aria-label="Camera" muted playsinline hidden />
              <p id="link-scan-words" role="status" />
              <label for="link-picture">Or choose a picture of the code</label>
              <input id="link-picture" type="file" accept="image/*" />
            </div>
          </div>
          <div id="link-compare" hidden>
            <p class="lead">
              The device that shows <strong id="link-shown" />{" "}
              wants to be yours. It will read and write your messages, old and new.
            </p>
            <p class="problem" id="link-warning">
              Go on only if it is your own and in front of you. Nobody who helps you needs this.
            </p>
            <LinkField
              id="digits"
              label="Digits on the new device"
              words="Six digits. They appear there now."
              about="link-warning"
              maxlength={12}
              numeric
            />
          </div>
          <div id="link-approve" hidden>
            <p class="lead">
              The digits are right. Your password opens your vault here and signs the device in.
            </p>
            <PasswordField autocomplete="current-password" words="" />
          </div>
          <div class="working" id="link-working" hidden>
            <Lamp />
            <progress class="bar" aria-labelledby="progress" />
            <p id="progress" class="progress-words" role="status" />
          </div>
          <button type="submit" class="primary" disabled>Continue</button>
          {passkeys
            ? (
              <button type="button" class="quiet boxed wide" data-passkey hidden>
                <Icon assets={assets} name="fingerprint-pattern" /> Use a passkey
              </button>
            )
            : null}
        </form>
        <section id="link-done" aria-labelledby="link-done-title" tabindex={-1} hidden>
          <h1 id="link-done-title">It is linked.</h1>
          <p class="lead">
            The new device goes on by itself. Your other devices and your contacts are told, and you
            get a letter.
          </p>
          <a class="button primary" href="/settings/devices">Your devices</a>
        </section>
      </div>
      <NeedsScript />
      <Script assets={assets} nonce={nonce} name="account.js" type="module" />
    </Layout>
  );
}

/** Instead of the form where the account has as many devices as it can have. */
export function NoRoomPage({ assets, nonce, most }: PageProps & { most: number }): Html {
  return (
    <Layout title="Link a device" assets={assets} nonce={nonce} wide>
      <BackTo href="/settings/devices" words="Your devices" assets={assets} />
      <h1>There is no room for another device.</h1>
      <p class="lead">
        You have{" "}
        {most}, as many as an account can have. Remove one that you do without, then come back here;
        the new device shows another code.
      </p>
      <a class="button primary" href="/settings/devices">Your devices</a>
    </Layout>
  );
}

function LinkField({ id, label, words, about, maxlength, numeric = false }: {
  id: string;
  label: string;
  words: string;
  /** What else is read out with the field. */
  about?: string;
  maxlength: number;
  numeric?: boolean;
}): Html {
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <input
        id={id}
        class="code-input"
        type="text"
        inputmode={numeric ? "numeric" : "text"}
        autocomplete="off"
        autocapitalize={numeric ? "none" : "characters"}
        spellcheck={false}
        maxlength={maxlength}
        aria-describedby={about ? `${about} ${id}-hint` : `${id}-hint`}
        required
      />
      <p id={`${id}-hint`} class="hint" data-state="quiet" aria-live="polite">{words}</p>
    </div>
  );
}

function NeedsScript(): Html {
  return (
    <noscript>
      <p class="problem">
        Keys are made in this page’s script. Please allow scripts for this address.
      </p>
    </noscript>
  );
}
