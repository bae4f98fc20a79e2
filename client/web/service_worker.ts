/**
 * Keeps the chat page's shell and its files, so that the page opens without a network. It has no
 * part in encryption, sees no message, and never stores an answer of the server's interface.
 */

/** The parts of a service worker's world that are used; the platform's types are those of a window. */
interface Waiting extends Event {
  waitUntil(work: Promise<unknown>): void;
}

interface Asked extends Waiting {
  readonly request: Request;
  respondWith(answer: Promise<Response>): void;
}

interface Scope {
  addEventListener(type: "install" | "activate", run: (event: Waiting) => void): void;
  addEventListener(type: "fetch", run: (event: Asked) => void): void;
  skipWaiting(): Promise<void>;
  readonly clients: { claim(): Promise<void> };
}

const scope = globalThis as unknown as Scope;

/** One cache for one build of the shell: its files belong together. Filled in by the build. */
const CACHE = "snug-shell-{{sha256 chat.html}}";
const SHELL = "/chat";
const FILES: readonly string[] = [
  "{{href style.css}}",
  "{{href chat.css}}",
  "{{href rooms.css}}",
  "{{href people.css}}",
  "{{href chat.js}}",
  "{{href chat_more.js}}",
  "{{href engine_more.js}}",
  "{{href kem_script.js}}",
  "{{href qr_read.js}}",
  "{{href browser_check.js}}",
  "{{href icons.svg}}",
  "{{href mark.svg}}",
  "{{href manifest.webmanifest}}",
  "{{href figtree.woff2}}",
  "{{href figtree_ext.woff2}}",
];
const KEPT = new Set(FILES);

/** After this long without an answer the kept shell is shown. Milliseconds. */
const PATIENCE = 3_000;

scope.addEventListener("install", (event) => event.waitUntil(install()));
scope.addEventListener("activate", (event) => event.waitUntil(activate()));
scope.addEventListener("fetch", (event) => {
  const { method, mode, url } = event.request;
  const { origin, pathname } = new URL(url);
  if (method !== "GET" || origin !== location.origin) return;
  if (mode === "navigate" && pathname === SHELL) event.respondWith(shell(event.request));
  else if (KEPT.has(pathname)) event.respondWith(file(event.request));
});

async function install(): Promise<void> {
  const cache = await caches.open(CACHE);
  await cache.addAll([new Request(SHELL, { cache: "reload" }), ...FILES]);
  await scope.skipWaiting();
}

async function activate(): Promise<void> {
  for (const name of await caches.keys()) {
    if (name.startsWith("snug-shell-") && name !== CACHE) await caches.delete(name);
  }
  await scope.clients.claim();
}

/** The server's shell when it answers soon, so that a new version is never held back; else the kept one. */
async function shell(request: Request): Promise<Response> {
  const kept = await caches.match(SHELL, { cacheName: CACHE });
  const fresh = fetch(request);
  if (kept === undefined) return await fresh;
  const late = new Promise<Response>((resolve) => setTimeout(() => resolve(kept), PATIENCE));
  const usable = fresh.then((answer) => answer.status >= 500 ? kept : answer, () => kept);
  return await Promise.race([usable, late]);
}

/** The address has the content's hash in it, so a kept file can never be an old one. */
async function file(request: Request): Promise<Response> {
  return await caches.match(request, { cacheName: CACHE }) ?? await fetch(request);
}
