/** `/certificate`: a server that signs its own certificate shows people how to trust it. */
import { CertificatePage } from "../views/certificate.tsx";
import type { PageAssets } from "../views/layout.tsx";
import { page } from "./answers.ts";
import type { App, RouteFamily } from "./env.ts";

/** The small authority behind a self-signed certificate. */
export interface OwnAuthority {
  /** Its certificate. */
  readonly pem: string;
  /** SHA-256 of it, upper-case hexadecimal with colons. */
  readonly fingerprint: string;
}

/** Where the certificate is downloaded from, as phones and desktops like it. */
const FILES = { "/certificate/snug.crt": "der", "/certificate/snug.pem": "pem" } as const;

/** Both forms, and the page that says what to do with them. */
export function certificateRoutes(authority: OwnAuthority, assets: PageAssets): RouteFamily {
  return (app: App) => {
    app.get("/certificate", (c) => {
      const { fingerprint } = authority;
      return page(c, <CertificatePage {...{ assets, nonce: c.var.nonce, fingerprint }} />);
    });
    for (const [path, form] of Object.entries(FILES)) {
      app.get(path, (c) => {
        const name = path.slice(path.lastIndexOf("/") + 1);
        const headers = { "content-disposition": `attachment; filename="${name}"` };
        return form === "der"
          ? c.body(derOf(authority.pem), 200, {
            ...headers,
            "content-type": "application/x-x509-ca-cert",
          })
          : c.body(authority.pem, 200, { ...headers, "content-type": "application/x-pem-file" });
      });
    }
  };
}

function derOf(pem: string): Uint8Array<ArrayBuffer> {
  const body = /-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END/.exec(pem)?.[1] ?? "";
  const binary = atob(body.replace(/\s/g, ""));
  return Uint8Array.from(binary, (letter) => letter.charCodeAt(0));
}
