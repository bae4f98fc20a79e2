/** Invites: make one, show it once, see who came by which, take one back. And the page a link opens. */
import { Problem } from "./fields.tsx";
import type { Html } from "./html.ts";
import { Icon, Layout, type PageProps, Script } from "./layout.tsx";
import { QrCode } from "./qr_code.tsx";
import { BackTo } from "./settings.tsx";
import { Time } from "./time.tsx";

/** An invite in the list. Times are milliseconds since 1970. */
export interface InviteLine {
  readonly id: string;
  /** Whose it is; undefined where only one's own are shown. */
  readonly makerName?: string;
  readonly made: number;
  readonly expires: number;
  readonly uses: number;
  readonly used: number;
  readonly state: "open" | "used up" | "taken back" | "too old";
  readonly guests: readonly { readonly username: string }[];
}

/** A new one, in the answer to one POST and never again. */
export interface NewInvite {
  readonly link: string;
  readonly uses: number;
  readonly expires: number;
}

export interface InvitesProps extends PageProps {
  readonly invites: readonly InviteLine[];
  readonly days: readonly number[];
  readonly maxUses: number;
  /** Nobody comes in by an invite on a closed server, and everybody without one on an open one. */
  readonly registration: "open" | "invite" | "closed";
  readonly made?: NewInvite;
  readonly problem?: string;
  readonly typed?: { readonly uses: string; readonly days: string };
}

export function InvitesPage(props: InvitesProps): Html {
  const { assets, nonce } = props;
  return (
    <Layout title="Invites" assets={assets} nonce={nonce} wide>
      <BackTo href="/settings" words="Settings" assets={assets} />
      <h1>Invites</h1>
      <p class="lead">{LEADS[props.registration]}</p>
      <InvitesBody {...props} />
    </Layout>
  );
}

const LEADS = {
  open: "Everybody can make an account here. An invite saves them the search for the address.",
  invite: "People come in by a link that somebody here gave them.",
  closed: "This server takes no new people now. Invites that are still open let nobody in.",
} as const;

/** Replaced by itself when an invite is made or taken back. */
export function InvitesBody(props: InvitesProps): Html {
  const { assets, nonce, invites, made, registration } = props;
  return (
    <div id="invites">
      {made ? <Made made={made} /> : null}
      {registration === "closed" ? null : <MakeForm {...props} />}
      <section class="part" aria-labelledby="list-title">
        <h2 id="list-title">Made so far</h2>
        {invites.length === 0 ? <p>None yet.</p> : (
          <ul class="rows" role="list">
            {invites.map((invite) => (
              <InviteRow key={invite.id} assets={assets} nonce={nonce} invite={invite} />
            ))}
          </ul>
        )}
      </section>
    </div>
  );
}

function Made({ made: { link, uses, expires } }: { made: NewInvite }): Html {
  return (
    <section class="part" aria-labelledby="made-title">
      <h2 id="made-title" tabindex={-1} autofocus>Here it is.</h2>
      <p>
        Good for {uses === 1 ? "one account" : `${uses} accounts`}, until{" "}
        <Time at={expires} />. It is shown only now: this server keeps no copy.
      </p>
      <QrCode text={link} label="QR code of the invite" />
      <output class="recovery-key invite-link" aria-label="Invite link">{link}</output>
      <p class="hint">Whoever has the link can use it. Send it to people you mean.</p>
    </section>
  );
}

function MakeForm({ nonce, days, maxUses, problem, typed }: InvitesProps): Html {
  return (
    <section class="part" aria-labelledby="make-title">
      <h2 id="make-title">A new invite</h2>
      <form
        method="post"
        action="/invites"
        novalidate
        hx-post="/invites"
        hx-target="#invites"
        hx-swap="outerHTML"
        hx-nonce={nonce}
      >
        <Problem words={problem} />
        <div class="field narrow">
          <label for="uses">Accounts it is good for</label>
          <input
            id="uses"
            name="uses"
            type="text"
            inputmode="numeric"
            autocomplete="off"
            maxlength={3}
            value={typed?.uses ?? "1"}
            aria-describedby="uses-hint"
            aria-invalid={problem ? "true" : undefined}
            required
          />
          <p id="uses-hint" class="hint" data-state="quiet">1 to {maxUses}.</p>
        </div>
        <div class="field narrow">
          <label for="days">Good for</label>
          <select id="days" name="days">
            {days.map((count) => (
              <option
                key={count}
                value={String(count)}
                selected={(typed?.days ?? "7") === String(count)}
              >
                {count === 1 ? "1 day" : `${count} days`}
              </option>
            ))}
          </select>
        </div>
        <button type="submit" class="primary">Make an invite</button>
      </form>
    </section>
  );
}

function InviteRow({ assets, nonce, invite }: PageProps & { invite: InviteLine }): Html {
  const { id, makerName, made, expires, uses, used, state, guests } = invite;
  const names = guests.map(({ username }) => `@${username}`).join(", ");
  return (
    <li class="row-line">
      <Icon assets={assets} name="mail" />
      <span class="row-words">
        <strong>
          {used} of {uses} used<em class="badge">{state}</em>
        </strong>
        <span>
          {makerName
            ? (
              <span>
                By <bdi>@{makerName}</bdi>, made
              </span>
            )
            : "Made"} <Time at={made} day />, good until <Time at={expires} />.
          {names
            ? (
              <>
                Came by it: <bdi>{names}</bdi>.
              </>
            )
            : null}
        </span>
      </span>
      {state === "open" ? <RevokeButton nonce={nonce} id={id} made={made} /> : null}
    </li>
  );
}

function RevokeButton({ nonce, id, made }: { nonce: string; id: string; made: number }): Html {
  return (
    <form
      method="post"
      action="/invites/revoke"
      hx-post="/invites/revoke"
      hx-target="#invites"
      hx-swap="outerHTML"
      hx-nonce={nonce}
    >
      <input type="hidden" name="id" value={id} />
      <button type="submit" class="quiet">
        Take back<span class="sr">
          {" the invite made "}
          <Time at={made} day />
        </span>
      </button>
    </form>
  );
}

/**
 * Where a link leads. No htmx here: it would send the address of the page, and with it what is
 * behind the `#`, as a header (W27). The script moves the secret into the form and out of the address.
 */
export function InviteLinkPage({ assets, nonce }: PageProps): Html {
  return (
    <Layout title="You are invited" assets={assets} nonce={nonce} still>
      <form id="invite" method="post" action="/invite">
        <h1>You are invited.</h1>
        <p class="lead">Somebody on this server made a link for you. Next you make your account.</p>
        <Problem words={undefined} />
        <input type="hidden" name="invite" value="" />
        <button type="submit" class="primary" disabled>Go on</button>
      </form>
      <noscript>
        <p class="problem">
          The invite is in a part of the address that only this page’s script can read. Please allow
          scripts for this address.
        </p>
      </noscript>
      <Script assets={assets} nonce={nonce} name="invite.js" type="module" />
    </Layout>
  );
}
