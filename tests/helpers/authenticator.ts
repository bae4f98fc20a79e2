/** A virtual authenticator in Chromium, by the DevTools protocol: a phone or security key that always says yes. */
import assert from "node:assert/strict";
import type { BrowserContext, Page } from "playwright-core";

export interface VirtualAuthenticator {
  /** Everything it holds, private keys and PRF seeds too. */
  credentials(): Promise<Credential[]>;
  /** Puts a credential in, as a synced passkey comes to another machine. */
  put(credential: Credential): Promise<void>;
  /**
   * Everything that the page's origin has stored in this browser is gone; the authenticator stays. PRF
   * seeds do not travel with `put`, so this is the fresh browser that a passkey with PRF comes to.
   */
  freshBrowser(): Promise<void>;
}

interface Credential {
  readonly credentialId: string;
  readonly isResidentCredential: boolean;
  readonly rpId?: string;
  readonly privateKey: string;
  readonly userHandle?: string;
  readonly signCount: number;
  readonly largeBlob?: string;
}

/** Gives a page an authenticator with or without PRF. */
export async function plugIn(
  page: Page,
  { prf }: { readonly prf: boolean },
): Promise<VirtualAuthenticator> {
  const context: BrowserContext = page.context();
  const session = await context.newCDPSession(page);
  await session.send("WebAuthn.enable");
  const { authenticatorId } = await session.send("WebAuthn.addVirtualAuthenticator", {
    options: {
      ...{ protocol: "ctap2", ctap2Version: "ctap2_1", transport: "internal" },
      ...{ hasResidentKey: true, hasUserVerification: true, isUserVerified: true, hasPrf: prf },
      automaticPresenceSimulation: true,
    },
  });
  return {
    async credentials() {
      const { credentials } = await session.send("WebAuthn.getCredentials", { authenticatorId });
      return credentials;
    },
    async put(credential) {
      await session.send("WebAuthn.addCredential", { authenticatorId, credential });
      const there = await session.send("WebAuthn.getCredentials", { authenticatorId });
      assert.ok(there.credentials.length > 0);
    },
    async freshBrowser() {
      const { origin } = new URL(page.url());
      await page.goto("about:blank");
      await session.send("Storage.clearDataForOrigin", { origin, storageTypes: "all" });
      await context.clearCookies();
      const { usageBreakdown } = await session.send("Storage.getUsageAndQuota", { origin });
      const left = usageBreakdown.filter(({ usage }) => usage > 0);
      assert.deepEqual(left, [], "nothing is left in this browser");
    },
  };
}
