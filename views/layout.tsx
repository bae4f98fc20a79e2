/** The frame of every account page: head, mark, card. Pure: props in, HTML out. */
import type { Child } from "hono/jsx";
import type { Html } from "./html.ts";

/** URL and integrity of the page's files by logical name. */
export interface PageAssets {
  link(name: string): { readonly href: string; readonly integrity: string };
}

/** What every page is given. */
export interface PageProps {
  readonly assets: PageAssets;
  /** Fresh for each answer: scripts and htmx elements without it do nothing. */
  readonly nonce: string;
}

// No styles of htmx's own, no other origin, and only elements that carry the page's nonce.
const HTMX_CONFIG = 'includeIndicatorCSS:false,mode:"same-origin",extensions:"hx-csp"';

export function Layout(
  { title, assets, nonce, wide, still, children }: PageProps & {
    title: string;
    /** Settings: more room, and their own styles. */
    wide?: boolean;
    /** Without htmx: it would send the address of the page, and what is behind its `#`, as a header. */
    still?: boolean;
    children: Child;
  },
): Html {
  return (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <title>{`${title} · Snug`}</title>
        <meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover" />
        <meta name="color-scheme" content="light dark" />
        {still ? null : <meta name="htmx-config" content={HTMX_CONFIG} />}
        <link rel="icon" href={assets.link("mark.svg").href} type="image/svg+xml" />
        <link rel="manifest" href={assets.link("manifest.webmanifest").href} />
        <link rel="stylesheet" {...linkTo(assets, "style.css")} />
        <link rel="stylesheet" {...linkTo(assets, "account.css")} />
        {wide ? <link rel="stylesheet" {...linkTo(assets, "settings.css")} /> : null}
        {still ? null : <Script assets={assets} nonce={nonce} name="htmx.js" />}
        {still ? null : <Script assets={assets} nonce={nonce} name="hx_csp.js" />}
      </head>
      <body class="account-page">
        <main class={wide ? "account-card settings-card" : "account-card"}>
          <Mark assets={assets} />
          {children}
        </main>
      </body>
    </html>
  );
}

/** A script by its logical name, run after the page is parsed. */
export function Script(
  { assets, nonce, name, type }: PageProps & { name: string; type?: "module" },
): Html {
  const { href, integrity } = assets.link(name);
  return (
    <script
      src={href}
      integrity={integrity}
      crossorigin="anonymous"
      nonce={nonce}
      defer
      {...(type ? { type } : {})}
    />
  );
}

function Mark({ assets }: { assets: PageAssets }) {
  return (
    <p class="account-mark">
      <img src={assets.link("mark.svg").href} width="36" height="36" alt="" />
      <span>Snug</span>
    </p>
  );
}

function linkTo(assets: PageAssets, name: string) {
  const { href, integrity } = assets.link(name);
  return { href, integrity, crossorigin: "anonymous" as const };
}

/** A line icon out of the sprite; words beside it say what it means. */
export function Icon({ assets, name }: { assets: PageAssets; name: string }): Html {
  return (
    <svg class="icon" aria-hidden="true">
      <use href={`${assets.link("icons.svg").href}#${name}`} />
    </svg>
  );
}
