/**
 * The page's one Trusted Types policy. `require-trusted-types-for 'script'` refuses plain strings as
 * the address of a worker, a service worker or a script; this names the only ones there are. It makes no HTML.
 */

interface Policy {
  createScriptURL(url: string): unknown;
}

interface PolicyFactory {
  createPolicy(name: string, rules: { createScriptURL(url: string): string }): Policy;
}

const ALLOWED = [
  /^\/service_worker\.js$/,
  /^\/static\/(opaque_worker|chat_more|engine_more|kem_script|qr_read)\.[0-9a-f]{12}\.js$/,
];

/** Is this the path of one of our own scripts that are named by a script? Addresses with an origin or a query are not. */
export function isOwnScript(url: string): boolean {
  return ALLOWED.some((pattern) => pattern.test(url));
}

let policy: Policy | undefined;

/**
 * An address that `new Worker`, `serviceWorker.register` and `script.src` take: a TrustedScriptURL where the
 * browser has such a thing, typed as the string that the platform's types ask for.
 * @throws {TypeError} for an address that is not one of our own scripts
 */
export function trustedScript(url: string): string {
  policy ??= makePolicy();
  return policy.createScriptURL(url) as string;
}

function makePolicy(): Policy {
  const rules = {
    createScriptURL(url: string) {
      if (!isOwnScript(url)) throw new TypeError("not one of this page's scripts");
      return url;
    },
  };
  const { trustedTypes } = globalThis as { trustedTypes?: PolicyFactory };
  return trustedTypes?.createPolicy("snug", rules) ?? rules;
}
