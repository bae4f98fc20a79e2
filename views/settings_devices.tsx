/** One's own devices: what they are called, when they were last here, and out with one of them. */
import { Problem } from "./fields.tsx";
import type { Html } from "./html.ts";
import { Icon, Layout, type PageProps, Script } from "./layout.tsx";
import { BackTo } from "./settings.tsx";
import { Time } from "./time.tsx";

/** One device. Times are milliseconds since 1970, to the day. */
export interface DeviceLine {
  readonly id: string;
  readonly kind: "browser" | "terminal";
  readonly name: string;
  readonly made: number;
  readonly seen: number | null;
  readonly current: boolean;
  /** What was wrong with the name that was typed. */
  readonly problem?: string;
  /** The name as it was typed then. */
  readonly typed?: string;
}

const KINDS = { browser: "Browser", terminal: "Terminal" } as const;

export function DevicesPage(
  { assets, nonce, devices, most, notice }: PageProps & {
    devices: readonly DeviceLine[];
    /** As many as an account can have. */
    most: number;
    notice?: string;
  },
): Html {
  return (
    <Layout title="Your devices" assets={assets} nonce={nonce} wide>
      <BackTo href="/settings" words="Settings" assets={assets} />
      <h1>Your devices</h1>
      <p class="lead">
        Each of these reads and writes your messages. Know all of them? If not, remove the stranger
        and change your password.
      </p>
      {notice ? <p class="notice" role="status">{notice}</p> : null}
      <ul class="rows" role="list">
        {devices.map((one) => <DeviceRow key={one.id} assets={assets} device={one} />)}
      </ul>
      {devices.length < most
        ? (
          <p>
            <a class="button quiet boxed" href="/settings/link">Link a device</a>
          </p>
        )
        : null}
      <p class="hint">
        {devices.length} of {most}. What is sent to a device waits up to 30 days for it.
      </p>
      <OthersSee />
      <Script assets={assets} nonce={nonce} name="account.js" type="module" />
    </Layout>
  );
}

/** Filled in by the page's script: it asks as a contact does, and this browser judges the answer. */
function OthersSee(): Html {
  return (
    <div id="step">
      <section id="others-see" class="others-see" aria-labelledby="others-title">
        <h2 id="others-title">What others see</h2>
        <p>
          This is the list that your contacts’ devices get, and encrypt for. Names and the days you
          were here are not in it. Contacts are told when a device comes or goes.
        </p>
        <p class="hint" role="status" data-state="quiet">Asking as a contact would…</p>
        <ul id="others-devices" class="rows" role="list" />
        <div id="others-more" hidden>
          <h3 id="others-half">Your half of every safety number</h3>
          <p
            id="others-number"
            class="digits"
            dir="ltr"
            aria-labelledby="others-half"
            role="group"
          />
          <p class="hint">
            Somebody who compares numbers with you sees these 30 digits and 30 of their own. Yours
            stay the same with every contact and every device. <a href="/safety">How to compare</a>
          </p>
        </div>
        <noscript>
          <p class="problem">Please allow scripts for this address to see it.</p>
        </noscript>
      </section>
    </div>
  );
}

function DeviceRow({ assets, device }: { assets: PageProps["assets"]; device: DeviceLine }): Html {
  const { id, kind, name, made, seen, current, problem, typed } = device;
  const [field, called] = [`name-${id}`, name === "" ? KINDS[kind] : name];
  return (
    <li class="row-line">
      <Icon assets={assets} name={kind === "terminal" ? "square-terminal" : "laptop"} />
      <div class="row-words">
        <strong>
          <bdi>{called}</bdi>
          {current ? <em class="badge">this one</em> : null}
        </strong>
        <span>
          {name === "" ? "" : `${KINDS[kind]}. `}Added <Time at={made} day />
          {seen === null ? null : (
            <>
              , last seen <Time at={seen} day />
            </>
          )}
        </span>
        <details class="rename" open={problem !== undefined}>
          <summary>
            Rename<span class="sr">{called}</span>
          </summary>
          <form method="post" action="/settings/devices/rename" novalidate>
            <input type="hidden" name="device" value={id} />
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
              />
              <p id={`${field}-hint`} class="hint" data-state={problem ? "bad" : "quiet"}>
                {problem ?? "Only you and this server see it."}
              </p>
            </div>
            <button type="submit" class="quiet boxed">Save name</button>
          </form>
        </details>
      </div>
      <a class="button quiet" href={`/settings/devices/remove?device=${id}`}>
        Remove<span class="sr">{called}</span>
      </a>
    </li>
  );
}

/** Are you sure? The device's own key signs, so this takes the page's script. */
export function RemoveDevicePage(
  { assets, nonce, device }: PageProps & { device: DeviceLine },
): Html {
  const { id, kind, name, current } = device;
  return (
    <Layout title="Remove a device" assets={assets} nonce={nonce} wide>
      <BackTo href="/settings/devices" words="Your devices" assets={assets} />
      <div id="step" data-worker={assets.link("opaque_worker.js").href}>
        <form id="remove-device" method="post" action="/settings/devices" novalidate>
          <h1>
            Remove “<bdi>{name === "" ? KINDS[kind] : name}</bdi>”?
          </h1>
          <p class="lead">
            {current
              ? "This is the browser you are in. It is signed out and every message it keeps is erased."
              : "It is signed out at once, gets no more messages, and erases what it keeps when it next opens."}
          </p>
          <Problem words={undefined} />
          <input type="hidden" name="device" value={id} />
          <button type="submit" class="primary" disabled>Remove it</button>
        </form>
      </div>
      <noscript>
        <p class="problem">
          This browser’s own key signs the removal, in this page’s script. Please allow scripts for
          this address.
        </p>
      </noscript>
      <Script assets={assets} nonce={nonce} name="account.js" type="module" />
    </Layout>
  );
}
