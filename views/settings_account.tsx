/** Another address or number, the file of everything, and the end of the account. */
import { Field, PasswordField, Problem } from "./fields.tsx";
import type { Html } from "./html.ts";
import { Icon, Layout, type PageProps, Script } from "./layout.tsx";
import { BackTo } from "./settings.tsx";
import { Lamp, Notice } from "./sign_up.tsx";

/** A change that waits for its codes. */
export interface WaitingContact {
  readonly from: string;
  readonly to: string;
  readonly oldConfirmed: boolean;
  readonly newConfirmed: boolean;
}

export interface ContactProps extends PageProps {
  /** The one that counts now. */
  readonly contact: string;
  readonly typed?: string;
  readonly waiting?: WaitingContact;
  /** What was wrong with which code. */
  readonly wrong?: { readonly old: string | undefined; readonly new: string | undefined };
  readonly problem?: string;
}

export function ContactPage(props: ContactProps): Html {
  const { assets, nonce } = props;
  return (
    <Layout title="Email or phone" assets={assets} nonce={nonce} wide>
      <BackTo href="/settings" words="Settings" assets={assets} />
      <h1>Email or phone</h1>
      <ContactPart {...props} />
    </Layout>
  );
}

/** Replaced by itself: the new address, then the two codes. */
export function ContactPart(props: ContactProps): Html {
  return (
    <div id="contact-part">
      {props.waiting
        ? <CodesForm {...props} waiting={props.waiting} />
        : <AddressForm {...props} />}
    </div>
  );
}

const PART = { "hx-target": "#contact-part", "hx-swap": "outerHTML" } as const;

function AddressForm({ nonce, contact, typed, problem }: ContactProps): Html {
  const hint = problem
    ? { state: "bad" as const, words: problem }
    : { state: "quiet" as const, words: "We send a code there, and one to the old one." };
  return (
    <form
      method="post"
      action="/settings/contact"
      novalidate
      hx-post="/settings/contact"
      {...PART}
      hx-nonce={nonce}
    >
      <p class="lead">
        Codes and warnings go to <bdi>{contact}</bdi>. To change that, both must be yours.
      </p>
      <Field
        field="contact"
        label="New email or phone"
        value={typed ?? ""}
        hint={hint}
        autocomplete="email"
        inputmode="email"
        maxlength={254}
        nonce={nonce}
      />
      <button type="submit" class="primary">Send both codes</button>
    </form>
  );
}

function CodesForm(
  { nonce, waiting, wrong, problem }: ContactProps & { waiting: WaitingContact },
): Html {
  const { from, to, oldConfirmed, newConfirmed } = waiting;
  return (
    <form
      method="post"
      action="/settings/contact/codes"
      novalidate
      autocomplete="off"
      hx-post="/settings/contact/codes"
      {...PART}
      hx-nonce={nonce}
    >
      <p class="lead">
        If <bdi>{to}</bdi> can be used, a code is there in a moment, and another one at{" "}
        <bdi>{from}</bdi>.
      </p>
      <Problem words={problem} />
      <CodeField name="old" where={from} done={oldConfirmed} problem={wrong?.old} />
      <CodeField name="new" where={to} done={newConfirmed} problem={wrong?.new} />
      <button type="submit" class="primary">Confirm</button>
      <p class="account-other">
        Nothing there? <a href="/settings/contact">Start over</a>
      </p>
    </form>
  );
}

function CodeField(
  { name, where, done, problem }: {
    name: "old" | "new";
    where: string;
    done: boolean;
    problem: string | undefined;
  },
): Html {
  const quiet = done ? "This one is confirmed." : "It works for 10 minutes, in this browser only.";
  const label = name === "old" ? "Code from the old one" : "Code from the new one";
  return (
    <div class="field narrow">
      <label for={`${name}-code`}>{label}</label>
      <input
        id={`${name}-code`}
        name={name}
        type="text"
        inputmode="numeric"
        autocomplete="off"
        maxlength={11}
        value={done ? "confirmed" : ""}
        readonly={done}
        aria-describedby={`${name}-code-hint`}
        aria-invalid={problem ? "true" : undefined}
        {...(problem ? { autofocus: true } : {})}
        required
      />
      <p
        id={`${name}-code-hint`}
        class="hint"
        data-state={problem ? "bad" : done ? "ok" : "quiet"}
        aria-live="polite"
      >
        {problem ?? quiet} <span class="sr">{where}</span>
      </p>
    </div>
  );
}

export interface DeleteProps extends PageProps {
  readonly username: string;
  /** With a second factor its code is asked for, else the password. */
  readonly asksCode: boolean;
  readonly problem?: string;
}

export function DeletePage(props: DeleteProps): Html {
  const { assets, nonce, username, asksCode } = props;
  return (
    <Layout title="Delete account" assets={assets} nonce={nonce} wide>
      <BackTo href="/settings" words="Settings" assets={assets} />
      <h1>Delete your account</h1>
      <p class="lead">
        <bdi>@{username}</bdi> is gone for good then, and nobody can bring it back.
      </p>
      <ul>
        <li>Your keys, your vault, your history archive and what waits for you are deleted.</li>
        <li>Every device is signed out at once. Keys and messages in this browser go too.</li>
        <li>What you wrote stays with those you wrote to.</li>
        <li>
          In rooms your name stays on the signed list until somebody there takes it off. Leave them
          first, and it goes at once.
        </li>
        <li>For 30 days nobody can take your username. Your address is free at once.</li>
      </ul>
      {asksCode ? <ByCode {...props} /> : <ByPassword {...props} />}
    </Layout>
  );
}

function ByCode({ problem }: DeleteProps): Html {
  return (
    <form method="post" action="/settings/delete/code" novalidate autocomplete="off">
      <div class="field narrow">
        <label for="code">Authenticator code</label>
        <input
          id="code"
          name="code"
          type="text"
          autocomplete="one-time-code"
          autocapitalize="none"
          spellcheck={false}
          maxlength={40}
          aria-describedby="code-hint"
          aria-invalid={problem ? "true" : undefined}
          {...(problem ? { autofocus: true } : {})}
          required
        />
        <p id="code-hint" class="hint" data-state={problem ? "bad" : "quiet"} aria-live="polite">
          {problem ?? "Or a recovery code."}
        </p>
      </div>
      <button type="submit" class="primary">Delete my account</button>
    </form>
  );
}

function ByPassword({ assets, nonce }: DeleteProps): Html {
  return (
    <>
      <div id="step" data-worker={assets.link("opaque_worker.js").href}>
        <form id="delete-account" method="post" action="/settings/delete" novalidate>
          <Problem words={undefined} />
          <PasswordField autocomplete="current-password" words="" />
          <button type="submit" class="primary">Delete my account</button>
          <div class="working" id="delete-account-working" hidden>
            <Lamp />
            <progress class="bar" aria-labelledby="progress" />
            <p id="progress" class="progress-words" role="status" />
          </div>
        </form>
      </div>
      <noscript>
        <p class="problem">
          Your password is proven by this page’s script, so that it leaves your device in no form.
          Please allow scripts for this address.
        </p>
      </noscript>
      <Script assets={assets} nonce={nonce} name="account.js" type="module" />
    </>
  );
}

/** After the end. */
export function DeletedPage({ assets, nonce }: PageProps): Html {
  const words = "Nothing of it is left here but its name, for 30 days, so that nobody takes it.";
  return (
    <Notice assets={assets} nonce={nonce} title="Your account is deleted" words={words}>
      <p class="account-note">
        <Icon assets={assets} name="info" />
        <span>A letter about it is on its way to your address.</span>
      </p>
    </Notice>
  );
}
