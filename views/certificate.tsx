/** How to trust a server that signs its own certificate: check, download, then steps for each system. */
import type { Html } from "./html.ts";
import { Icon, Layout, type PageProps } from "./layout.tsx";
import { QrCode } from "./qr_code.tsx";

/** One system: its name and what to do. */
interface System {
  readonly name: string;
  readonly steps: readonly string[];
}

const SYSTEMS: readonly System[] = [
  {
    name: "iPhone and iPad",
    steps: [
      "Open this page in Safari and download the certificate. Allow the profile.",
      "Settings, Profile Downloaded: Install.",
      "Settings, General, About, Certificate Trust Settings: switch it on.",
    ],
  },
  {
    name: "Android",
    steps: [
      "Download the certificate.",
      "Settings, search for “CA certificate”: Install anyway, and choose the file.",
      "Firefox wants it once more: Settings, About Firefox, tap the logo five times; then Secret " +
      "Settings, Use third party CA certificates.",
    ],
  },
  {
    name: "Windows",
    steps: [
      "Download the certificate and open it: Install Certificate, Current User.",
      "Place it in the store “Trusted Root Certification Authorities”.",
      "Firefox takes it over by itself after a restart.",
    ],
  },
  {
    name: "Mac",
    steps: [
      "Download the certificate and open it: it goes into Keychain Access, “login”.",
      "There, open “Snug on this machine”, Trust: Always Trust.",
    ],
  },
  {
    name: "Linux",
    steps: [
      "Debian and Ubuntu: copy snug.pem to /usr/local/share/ca-certificates/snug.crt, then sudo " +
      "update-ca-certificates.",
      "Firefox and Chromium: Settings, search for “certificates”, Authorities, Import.",
      "snug chat needs none of this: give it --ca snug.pem.",
    ],
  },
];

export function CertificatePage(
  { fingerprint, ...page }: PageProps & { readonly fingerprint: string },
): Html {
  return (
    <Layout title="Trust this server" wide still {...page}>
      <h1>Make this device trust this server.</h1>
      <p class="lead">
        This server signs its own certificate, so browsers warn of it. Check that it is the right
        one, then install it: the warning goes, and nobody can take the server's place.
      </p>
      <h2>1. Check the fingerprint</h2>
      <p>
        Ask the person who runs the server, by phone or in the same room. Their screen showed these
        very signs when the server started. If they differ, stop here.
      </p>
      <Fingerprint text={fingerprint} />
      <h2>2. Download the certificate</h2>
      <p class="account-other">
        <a href="/certificate/snug.crt" download>For phones, Windows and Mac (snug.crt)</a>{" "}
        <span aria-hidden="true">·</span>{" "}
        <a href="/certificate/snug.pem" download>For Linux and snug chat (snug.pem)</a>
      </p>
      <h2>3. Install it</h2>
      {SYSTEMS.map((system) => <Steps key={system.name} {...system} />)}
      <p class="account-note">
        <Icon assets={page.assets} name="info" />
        <span>
          Install it only if you trust the person who runs this server: with its key they could
          vouch for other sites too. You can remove it again in the same place.
        </span>
      </p>
      <p class="account-other">
        <a href="/sign-in">Back to sign-in</a>
      </p>
    </Layout>
  );
}

/** In lines of eight, as people read it aloud. */
function Fingerprint({ text }: { text: string }) {
  const pairs = text.split(":");
  const lines = [0, 8, 16, 24].map((at) => pairs.slice(at, at + 8).join(" "));
  return (
    <div>
      <p>
        <code aria-label="SHA-256 fingerprint">
          {lines.map((line) => (
            <>
              {line}
              <br />
            </>
          ))}
        </code>
      </p>
      <QrCode text={text} label="The same fingerprint as a QR code" />
    </div>
  );
}

function Steps({ name, steps }: System) {
  return (
    <details>
      <summary>{name}</summary>
      <ol>{steps.map((step) => <li key={step}>{step}</li>)}</ol>
    </details>
  );
}
