import { type Bytes, utf8 } from "../../protocol/encoding.ts";
import { agree } from "../agreement.ts";
import { hkdf } from "../kdf.ts";
import { wipe } from "../wipe.ts";

const INFO = utf8("snug/1 root");

/** What one turn of the Diffie-Hellman ratchet gives; 32 bytes each. */
export interface RootTurn {
  readonly root: Bytes;
  readonly chain: Bytes;
  /** Header key of the chain after this one in the same direction. */
  readonly nextHeaderKey: Bytes;
}

/**
 * `HKDF(salt = root key, ikm = DH(own, peer), info = "snug/1 root")`, 96 bytes: `KDF_RK_HE` of the
 * Double Ratchet with header encryption (section 4.2).
 * @param peer 32 bytes
 * @throws {KeyError} `low-order` or `non-canonical`, for what no honest peer sends
 */
export async function turnRoot(root: Bytes, own: CryptoKey, peer: Bytes): Promise<RootTurn> {
  const shared = await agree(own, peer);
  const okm = await hkdf(shared, root, INFO, 96);
  wipe(shared);
  return { root: okm.slice(0, 32), chain: okm.slice(32, 64), nextHeaderKey: okm.slice(64) };
}
