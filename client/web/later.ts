/**
 * Scripts that the first screen does not need. Each comes by a script element, because only that carries `integrity` in
 * every browser that Snug runs in; an `import()` of the same address then finds the module in the document and fetches
 * nothing. The service worker keeps these files too, so they come without a network.
 */
import { loadedOnce } from "../loaded_once.ts";
import type * as More from "./more.ts";
import type * as QrRead from "./qr_read.ts";
import { trustedScript } from "./trusted_types.ts";

/** Dialogs, the details panel, the share sheet. */
export type { More };

interface Later {
  readonly href: string;
  readonly integrity: string;
}

/** Filled in by the build. */
const MORE: Later = {
  href: "{{href chat_more.js}}",
  integrity: "{{integrity chat_more.js}}",
};
const KEM_SCRIPT: Later = {
  href: "{{href kem_script.js}}",
  integrity: "{{integrity kem_script.js}}",
};

const ENGINE_MORE: Later = {
  href: "{{href engine_more.js}}",
  integrity: "{{integrity engine_more.js}}",
};

const QR_READER: Later = {
  href: "{{href qr_read.js}}",
  integrity: "{{integrity qr_read.js}}",
};

/**
 * What is behind the buttons, fetched once.
 * @throws {Error} when it could not be fetched or is not what this page was built with
 */
export const loadMore: () => Promise<typeof More> = loadedOnce(async () => {
  await fetchScript(MORE);
  return await import(MORE.href);
});

/** Where passphrases of files are stretched, away from the page. */
export function stretchWorker(): Worker {
  return new Worker(trustedScript("{{href opaque_worker.js}}"), { type: "module" });
}

/** Begins to fetch the history archive and what changes rooms; `import()` in client/ waits for it. */
export function fetchEngineMore(): void {
  // Whoever needs it hears of the failure from `import()`.
  fetchScript(ENGINE_MORE).catch(() => {});
}

/** Begins to fetch ML-KEM; `import()` in crypto/kem.ts waits for it. */
export function fetchKem(): void {
  // Whoever needs it hears of the failure from `import()`.
  fetchScript(KEM_SCRIPT).catch(() => {});
}

/**
 * What reads a QR code in a picture.
 * @throws {Error} as {@link loadMore}
 */
export async function loadQrReader(): Promise<typeof QrRead> {
  await fetchScript(QR_READER);
  return await import(QR_READER.href);
}

function fetchScript({ href, integrity }: Later): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const script = document.createElement("script");
  script.type = "module";
  script.integrity = integrity;
  script.crossOrigin = "anonymous";
  // Account pages let only scripts run that bear the answer's nonce.
  script.nonce = document.querySelector<HTMLScriptElement>("script[nonce]")?.nonce ?? "";
  script.src = trustedScript(href);
  script.addEventListener("load", () => resolve());
  script.addEventListener("error", () => reject(new Error(`${href} could not be loaded`)));
  document.head.append(script);
  return promise;
}
