/** Opening one's own vault by one of the secrets that wrap its key. */
import { DecryptError } from "../crypto/errors.ts";
import { openVault, unwrapVaultKey, type VaultContent, type WrapKind } from "../crypto/vault.ts";
import { wipe } from "../crypto/wipe.ts";
import type { Vault } from "../protocol/api.ts";
import type { Bytes } from "../protocol/encoding.ts";
import type { AccountId } from "../protocol/ids.ts";

/** What opens a vault: OPAQUE's export key (64 bytes), a recovery key (20) or a passkey's PRF output (32). */
export interface VaultOpener {
  readonly kind: WrapKind;
  readonly secret: Bytes;
}

/** A vault as the server hands it out, and whose it claims to be. */
export interface ClaimedVault {
  readonly account: AccountId;
  /** Public account key, 32 bytes. */
  readonly aik: Bytes;
  readonly vault: Vault;
}

/**
 * The vault key (32 bytes) out of the wrap of this kind.
 * @throws {DecryptError} when there is none, or none that this secret opens
 */
export async function openVaultKey(
  { account, aik, vault }: ClaimedVault,
  { kind, secret }: VaultOpener,
): Promise<Bytes> {
  const wrap = vault.wraps.find((one) => one.kind === kind);
  if (!wrap) throw new DecryptError();
  return await unwrapVaultKey(wrap.sealed, secret, kind, { account, aik });
}

/**
 * What the vault holds. The secret is wiped once it has opened; {@link wipeVault} wipes the content.
 * @throws {DecryptError} for another secret, account or generation
 */
export async function openOwnVault(
  claim: ClaimedVault,
  opener: VaultOpener,
): Promise<VaultContent> {
  const { account, aik, vault } = claim;
  const vaultKey = await openVaultKey(claim, opener);
  const edition = { account, aik, generation: vault.generation };
  const content = await openVault(vaultKey, vault.sealed, edition);
  wipe(vaultKey, opener.secret);
  return content;
}

/** Overwrites the keys of an opened vault. */
export function wipeVault(vault: VaultContent): void {
  wipe(vault.aik, vault.depositAgree, vault.depositKem, ...vault.archiveKeys.map(({ key }) => key));
}
