/** What every device is told while somebody waits to start the account over. */
import type { Html } from "./html.ts";
import { Layout, type PageProps } from "./layout.tsx";
import { Time } from "./time.tsx";

export interface ResetWaitingProps extends PageProps {
  /** From when on it can happen, in ms since 1970; null where nothing waits. */
  readonly due: number | null;
  /** It was stopped just now. */
  readonly stopped?: boolean;
  /** A browser was let through just now. */
  readonly approved?: boolean;
  /** What was wrong with the code. */
  readonly problem?: string;
}

export function ResetWaitingPage(props: ResetWaitingProps): Html {
  const { assets, nonce, due, problem } = props;
  return (
    <Layout title="Starting over" assets={assets} nonce={nonce}>
      {due === null ? <Nothing {...props} /> : <Waits due={due} problem={problem} />}
      <p class="account-other">
        <a href="/chat">Back to the chat</a>
      </p>
    </Layout>
  );
}

function Waits({ due, problem }: { due: number; problem: string | undefined }): Html {
  return (
    <>
      <form method="post" action="/reset">
        <h1>Is this you?</h1>
        <p class="lead">
          Somebody who reads your mail says that your password and your recovery key are lost. From
          {" "}
          <Time at={due} />{" "}
          on they can start your account over, with other keys. This device is signed out then.
        </p>
        <p>If it is not you, or if you are not sure:</p>
        <button type="submit" class="primary">Stop it</button>
      </form>
      <form method="post" action="/reset/approve" novalidate autocomplete="off">
        <h2>It is me</h2>
        <p>
          Then type the code that your other browser shows, and it need not wait. Never type a code
          that somebody told you.
        </p>
        <div class="field">
          <label for="code">Code on the other browser</label>
          <input
            id="code"
            name="code"
            type="text"
            inputmode="numeric"
            autocomplete="off"
            maxlength={11}
            aria-describedby="code-hint"
            aria-invalid={problem ? "true" : undefined}
            {...(problem ? { autofocus: true } : {})}
            required
          />
          <p id="code-hint" class="hint" data-state={problem ? "bad" : "quiet"} aria-live="polite">
            {problem ?? "Six digits, on its page about the wait."}
          </p>
        </div>
        <button type="submit" class="quiet boxed">Let it through</button>
      </form>
    </>
  );
}

function Nothing({ stopped, approved }: ResetWaitingProps): Html {
  if (approved) {
    return (
      <>
        <h1>Go on there.</h1>
        <p class="lead" role="status">
          The other browser can start your account over now. What is on this device stays here.
        </p>
      </>
    );
  }
  return stopped
    ? (
      <>
        <h1>Stopped.</h1>
        <p class="lead" role="status">
          Your account stays as it is. If you did not ask for it, somebody reads your mail: change
          its password, and switch a second factor on here.
        </p>
        <a class="button primary" href="/settings/second-factor">Second factor</a>
      </>
    )
    : (
      <>
        <h1>Nothing waits.</h1>
        <p class="lead">Nobody wants to start your account over.</p>
      </>
    );
}
