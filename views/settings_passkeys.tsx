/** Passkeys: what there is, and forms whose script talks to the authenticator. */
import { PasswordField, Problem } from "./fields.tsx";
import type { Html } from "./html.ts";
import { Icon, Layout, type PageProps, Script } from "./layout.tsx";
import { BackTo } from "./settings.tsx";
import { Lamp } from "./sign_up.tsx";
import { Time } from "./time.tsx";

/** One passkey. Times are milliseconds since 1970. */
export interface PasskeyLine {
  readonly id: string;
  readonly name: string;
  readonly made: number;
  readonly used: number | null;
  readonly opensVault: boolean;
  /** What was wrong with the name that was typed. */
  readonly problem?: string;
  /** The name as it was typed then. */
  readonly typed?: string;
}

export interface PasskeysProps extends PageProps {
  readonly username: string;
  readonly passkeys: readonly PasskeyLine[];
  /** False where no browser makes passkeys: the server has no name. */
  readonly available: boolean;
  /** Whether the account has a password. */
  readonly password: boolean;
  readonly notice?: string;
}

export function PasskeysPage(props: PasskeysProps): Html {
  const { assets, nonce, passkeys, available, password, notice } = props;
  return (
    <Layout title="Passkeys" assets={assets} nonce={nonce} wide>
      <BackTo href="/settings" words="Settings" assets={assets} />
      <div id="step" data-worker={assets.link("opaque_worker.js").href}>
        <h1>Passkeys</h1>
        <p class="lead">
          Sign in with your fingerprint, your face or the PIN of this device. There is nothing to
          type and nothing that a false page could steal.
        </p>
        {notice ? <p class="notice" role="status">{notice}</p> : null}
        {passkeys.length === 0 ? null : <PasskeyList {...props} />}
        {available ? <AddSection {...props} /> : (
          <p class="account-note">
            <Icon assets={assets} name="info" />
            <span>
              This server is reached by its number. Browsers make passkeys only for servers with a
              name: ask whoever runs it.
            </span>
          </p>
        )}
        {passkeys.some(({ opensVault }) => opensVault) || !password
          ? <PasswordSection {...props} />
          : null}
      </div>
      <CodesTemplate />
      <noscript>
        <p class="problem">
          Passkeys are made by this page’s script. Please allow scripts for this address.
        </p>
      </noscript>
      <Script assets={assets} nonce={nonce} name="account.js" type="module" />
    </Layout>
  );
}

function PasskeyList({ assets, passkeys }: PasskeysProps): Html {
  return (
    <section class="part" aria-labelledby="passkeys-title">
      <h2 id="passkeys-title">Yours</h2>
      <ul class="rows" role="list">
        {passkeys.map((one) => <PasskeyRow key={one.id} assets={assets} passkey={one} />)}
      </ul>
    </section>
  );
}

function PasskeyRow(
  { assets, passkey }: { assets: PageProps["assets"]; passkey: PasskeyLine },
): Html {
  const { id, name, made, used, opensVault, problem, typed } = passkey;
  const field = `name-${id}`;
  return (
    <li class="row-line">
      <Icon assets={assets} name="key-round" />
      <div class="row-words">
        <strong>
          <bdi>{name}</bdi>
        </strong>
        <span>
          {opensVault ? "Opens your vault. " : "Shows who you are; your password opens the vault. "}
          Added <Time at={made} day />, {used === null ? "never used" : (
            <>
              last used <Time at={used} />
            </>
          )}.
        </span>
        <details class="rename" open={problem !== undefined}>
          <summary>
            Rename<span class="sr">{name}</span>
          </summary>
          <form method="post" action="/settings/passkeys/rename" novalidate>
            <input type="hidden" name="passkey" value={id} />
            <div class="field narrow">
              <label for={field}>Name</label>
              <input
                id={field}
                name="name"
                type="text"
                value={typed ?? name}
                maxlength={40}
                autocomplete="off"
                dir="auto"
                aria-describedby={`${field}-hint`}
                aria-invalid={problem ? "true" : undefined}
                required
              />
              <p id={`${field}-hint`} class="hint" data-state={problem ? "bad" : "quiet"}>
                {problem ?? "So that you know which one it is."}
              </p>
            </div>
            <button type="submit" class="quiet boxed">Save name</button>
          </form>
        </details>
      </div>
      <a class="button quiet" href={`/settings/passkeys/remove?passkey=${id}`}>
        Remove<span class="sr">{name}</span>
      </a>
    </li>
  );
}

function AddSection({ assets, username, passkeys, password }: PasskeysProps): Html {
  return (
    <section class="part" aria-labelledby="add-title">
      <h2 id="add-title">Add a passkey</h2>
      <form
        id="add-passkey"
        method="post"
        action="/settings/passkeys"
        data-proof={password ? "password" : "passkey"}
        novalidate
      >
        <Problem words={undefined} />
        <div class="field">
          <label for="passkey-name">Name</label>
          <input
            id="passkey-name"
            type="text"
            maxlength={40}
            autocomplete="off"
            dir="auto"
            aria-describedby="passkey-name-hint"
            required
          />
          <p id="passkey-name-hint" class="hint" data-state="quiet" aria-live="polite">
            For example “Phone” or “Blue key”.
          </p>
        </div>
        <input type="text" autocomplete="username" value={username} aria-label="Username" hidden />
        {password
          ? (
            <PasswordField
              autocomplete="current-password"
              words="Opens your vault, so that the passkey can open it too."
            />
          )
          : (
            <p class="hint">
              You have no password: a passkey that you have opens the vault first.
            </p>
          )}
        <button type="submit" class="primary">Add a passkey</button>
        <Working name="add-passkey" />
        {passkeys.length === 0
          ? (
            <p class="account-note">
              <Icon assets={assets} name="info" />
              <span>
                From then on your password alone no longer signs in: it takes the passkey, or one of
                ten recovery codes that you get. In a terminal it takes an authenticator app or a
                recovery code.
              </span>
            </p>
          )
          : null}
      </form>
    </section>
  );
}

function PasswordSection({ password }: PasskeysProps): Html {
  return (
    <section class="part" aria-labelledby="password-title">
      <h2 id="password-title">Your password</h2>
      {password
        ? (
          <form id="remove-password" method="post" action="/settings/passkeys" novalidate>
            <p>
              You can do without one. Then only passkeys that open your vault and your recovery key
              bring you in: keep the recovery key, and better have two passkeys.{" "}
              <code>snug chat</code>{" "}
              in a terminal cannot sign in then; terminals that are signed in stay so.
            </p>
            <Problem words={undefined} />
            <button type="submit" class="quiet boxed">Remove my password</button>
            <Working name="remove-password" />
          </form>
        )
        : (
          <p>
            You have none. <a href="/settings/password">Set a password</a>
          </p>
        )}
    </section>
  );
}

/** Shown while the script is busy. */
function Working({ name }: { name: string }): Html {
  return (
    <div class="working" id={`${name}-working`} hidden>
      <Lamp />
      <p class="progress-words" role="status" data-progress />
    </div>
  );
}

/** Put in place by the script with the codes of a first passkey. */
function CodesTemplate(): Html {
  return (
    <template id="codes-template">
      <section aria-labelledby="keep-title">
        <h1 id="keep-title" tabindex={-1}>Keep these codes.</h1>
        <p class="lead">
          Your passkey is ready. If you lose it, one of these stands in for it, once. They are shown
          only now.
        </p>
        <ol class="recovery-codes" aria-label="Recovery codes" />
        <p class="hint">
          Write them down or print this page. They do not open your vault: that is what your
          password and your recovery key are for.
        </p>
        <a class="button primary" href="/settings/passkeys?done=added">I have kept them</a>
      </section>
    </template>
  );
}

/** Are you sure, and is it you? */
export function RemovePasskeyPage(
  { assets, nonce, id, name, problem }: PageProps & {
    id: string;
    name: string;
    problem?: string;
  },
): Html {
  return (
    <Layout title="Remove a passkey" assets={assets} nonce={nonce} wide>
      <BackTo href="/settings/passkeys" words="Passkeys" assets={assets} />
      <div id="step" data-worker={assets.link("opaque_worker.js").href}>
        <h1>
          Remove “<bdi>{name}</bdi>”?
        </h1>
        <p class="lead">It signs in no more and opens your vault no more. You get a letter.</p>
        <form
          id="remove-passkey"
          method="post"
          action="/settings/passkeys/remove"
          novalidate
          autocomplete="off"
        >
          <input type="hidden" name="passkey" value={id} />
          <Problem words={undefined} />
          <div class="field narrow">
            <label for="remove-code">Authenticator or recovery code</label>
            <input
              id="remove-code"
              name="code"
              type="text"
              autocomplete="one-time-code"
              autocapitalize="none"
              spellcheck={false}
              maxlength={40}
              aria-describedby="remove-code-hint"
              aria-invalid={problem ? "true" : undefined}
              {...(problem ? { autofocus: true } : {})}
              required
            />
            <p
              id="remove-code-hint"
              class="hint"
              data-state={problem ? "bad" : "quiet"}
              aria-live="polite"
            >
              {problem ?? "To show that it is you."}
            </p>
          </div>
          <button type="submit" class="quiet boxed">Remove it</button>
          <p class="account-other" data-needs-script hidden>
            <button type="button" class="link" data-by-passkey>
              Show it with a passkey instead
            </button>
          </p>
        </form>
      </div>
      <Script assets={assets} nonce={nonce} name="account.js" type="module" />
    </Layout>
  );
}
