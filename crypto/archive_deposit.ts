/**
 * An archive key sealed for the account's own vault while that is shut: to the deposit key, whose private half only
 * the open vault has. Hybrid, X25519 and ML-KEM-768: both must fall before it opens.
 */
import { encode } from "../protocol/codec.ts";
import type { Deposit } from "../protocol/device_list.ts";
import { type Bytes, concat, utf8 } from "../protocol/encoding.ts";
import { VerifyError } from "../protocol/errors.ts";
import { idBytes } from "../protocol/ids.ts";
import { IV_BYTES, KEY_BYTES } from "../protocol/limits.ts";
import {
  type DepositBody,
  depositBodySchema,
  type DepositEntry,
  readDeposit,
} from "../protocol/segment.ts";
import { sha256, verifySignature } from "../protocol/verify.ts";
import type { DeviceKeys } from "./account.ts";
import { open, seal } from "./aead.ts";
import { agree, generateAgreement, importAgreement } from "./agreement.ts";
import { archiveKeyId } from "./archive.ts";
import { hkdf } from "./kdf.ts";
import { decapsulate, encapsulate, importKem } from "./kem.ts";
import { sign } from "./signature.ts";
import type { VaultContent } from "./vault.ts";
import { wipe } from "./wipe.ts";

const INFO = utf8("snug/1 archive deposit");

/** An archive key of 32 bytes, and the version and hash of the device list that it was made for. */
export interface ArchiveEpochKey {
  readonly epoch: number;
  readonly list: Bytes;
  readonly key: Bytes;
}

/** Seals an archive key for the vault of the device's own account. @param deposit as the verified list names it */
export async function sealDeposit(
  own: DeviceKeys,
  deposit: Deposit,
  { epoch, list, key }: ArchiveEpochKey,
): Promise<DepositEntry> {
  const ephemeral = await generateAgreement("sealed");
  const kem = await encapsulate(deposit.kem);
  const names = {
    ...{ account: own.account, device: own.device, epoch, list },
    ...{ key: await archiveKeyId(key), ephemeral: ephemeral.public, kem: kem.ciphertext },
  };
  const material = await materialOf(
    ...[await agree(ephemeral.private, deposit.agree), kem.secret, names, deposit] as const,
  );
  const sealed = await seal(
    ...[material.slice(0, KEY_BYTES), material.slice(KEY_BYTES), key, associated(names)] as const,
  );
  wipe(material);
  const body = encode(depositBodySchema, { ...names, sealed });
  return { body, signature: await sign(own.sign, "deposit", body) };
}

/**
 * Opens {@link sealDeposit}'s result. Anybody can seal to a public key: the signature says that a device of the
 * account did, and whether that device was listed then is the caller's to know.
 * @param signKey of the device that the body names, 32 bytes
 * @throws {VerifyError} `bad-signature`
 * @throws {DecryptError} {@link FormatError} {@link KeyError} for what is not for this vault, or malformed
 */
export async function openDeposit(
  vault: Pick<VaultContent, "depositAgree" | "depositKem">,
  signKey: Bytes,
  entry: DepositEntry,
): Promise<ArchiveEpochKey> {
  const body = readDeposit(entry);
  if (!await verifySignature(signKey, "deposit", entry.body, entry.signature)) {
    throw new VerifyError("bad-signature");
  }
  const [own, kem] = await Promise.all([
    importAgreement(vault.depositAgree, "sealed"),
    importKem(vault.depositKem, "sealed"),
  ]);
  const material = await materialOf(
    await agree(own.private, body.ephemeral),
    await decapsulate(kem.private, body.kem),
    body,
    { agree: own.public, kem: kem.public },
  );
  const key = await open(
    ...[material.slice(0, KEY_BYTES), material.slice(KEY_BYTES)] as const,
    ...[body.sealed, associated(body)] as const,
  );
  wipe(material);
  if (await archiveKeyId(key) !== body.key) throw new VerifyError("key-changed");
  return { epoch: body.epoch, list: body.list, key };
}

/** Both secrets, bound to both ciphertexts and both public keys. */
async function materialOf(
  shared: Bytes,
  kemSecret: Bytes,
  { ephemeral, kem }: Pick<DepositBody, "ephemeral" | "kem">,
  deposit: Deposit,
): Promise<Bytes> {
  const salt = await sha256(concat(ephemeral, kem, deposit.agree, deposit.kem));
  const secrets = concat(shared, kemSecret);
  const material = await hkdf(secrets, salt, INFO, KEY_BYTES + IV_BYTES);
  wipe(shared, kemSecret, secrets);
  return material;
}

function associated(names: Omit<DepositBody, "sealed" | "ephemeral" | "kem">): Bytes {
  const epoch = new Uint8Array(4);
  new DataView(epoch.buffer).setUint32(0, names.epoch);
  const ids = [names.account, names.device, names.key].map((id) => idBytes(id));
  return concat(INFO, Uint8Array.of(0), ...ids, names.list, epoch);
}
