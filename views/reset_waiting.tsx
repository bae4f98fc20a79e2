/** What every device is told while somebody waits to start the account over. */
import type { Html } from "./html.ts";
import { Layout, type PageProps } from "./layout.tsx";
import { Time } from "./time.tsx";

export interface ResetWaitingProps extends PageProps {
  /** From when on it can happen, in ms since 1970; null where nothing waits. */
  readonly due: number | null;
  /** It was stopped just now. */
  readonly stopped?: boolean;
}

export function ResetWaitingPage({ assets, nonce, due, stopped }: ResetWaitingProps): Html {
  return (
    <Layout title="Starting over" assets={assets} nonce={nonce}>
      {due === null ? <Nothing stopped={stopped === true} /> : <Waits due={due} />}
      <p class="account-other">
        <a href="/chat">Back to the chat</a>
      </p>
    </Layout>
  );
}

function Waits({ due }: { due: number }): Html {
  return (
    <form method="post" action="/reset">
      <h1>Is this you?</h1>
      <p class="lead">
        Somebody who reads your mail says that your password, your recovery key and all your devices
        are lost. From <Time at={due} />{" "}
        on they can start your account over, with other keys. This device would be signed out.
      </p>
      <p>If it is you, stop it too: on this device nothing is lost.</p>
      <button type="submit" class="primary">Stop it</button>
    </form>
  );
}

function Nothing({ stopped }: { stopped: boolean }): Html {
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
