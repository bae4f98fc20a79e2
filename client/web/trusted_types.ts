/**
 * The page's one Trusted Types policy. `require-trusted-types-for 'script'` refuses plain strings as
 * the address of a worker or a service worker; this names the only two there are. It makes no HTML.
 */

interface Policy {
  createScriptURL(url: string): unknown;
}

interface PolicyFactory {
  createPolicy(name: string, rules: { createScriptURL(url: string): string }): Policy;
}

const ALLOWED = [/^\/service_worker\.js$/, /^\/static\/opaque_worker\.[0-9a-f]{12}\.js$/];

/** Is this the path of one of our own workers? Addresses with an origin or a query are not. */
export function isOwnWorker(url: string): boolean {
  return ALLOWED.some((pattern) => pattern.test(url));
}

let policy: Policy | undefined;

/**
 * An address that `new Worker` and `serviceWorker.register` take: a TrustedScriptURL where the
 * browser has such a thing, typed as the string that the platform's types ask for.
 * @throws {TypeError} for an address that is not one of our own workers
 */
export function trustedScript(url: string): string {
  policy ??= makePolicy();
  return policy.createScriptURL(url) as string;
}

function makePolicy(): Policy {
  const rules = {
    createScriptURL(url: string) {
      if (!isOwnWorker(url)) throw new TypeError("not one of this page's workers");
      return url;
    },
  };
  const { trustedTypes } = globalThis as { trustedTypes?: PolicyFactory };
  return trustedTypes?.createPolicy("snug", rules) ?? rules;
}
