/** ML-KEM-768 in JavaScript, in a file of its own: kem.ts loads it only where the platform has none. */
import { ml_kem768 } from "@noble/post-quantum/ml-kem.js";
import type { Bytes } from "../protocol/encoding.ts";
import type { KemPath } from "./kem_path.ts";
import { wipe } from "./wipe.ts";

/** Its private keys are always the 64-byte seed. */
export const scriptPath: KemPath = {
  publicOf: (seed) =>
    settle(() => {
      const pair = ml_kem768.keygen(seed);
      wipe(pair.secretKey);
      return pair.publicKey as Bytes;
    }),
  seal: () => Promise.resolve(null),
  encapsulate: (publicKey) =>
    settle(() => {
      const { cipherText, sharedSecret } = ml_kem768.encapsulate(publicKey);
      return { ciphertext: cipherText as Bytes, secret: sharedSecret as Bytes };
    }),
  decapsulate: (key, ciphertext) =>
    settle(() => {
      if (!(key instanceof Uint8Array)) throw new TypeError("a platform key needs the platform");
      const { secretKey } = ml_kem768.keygen(key);
      const secret = ml_kem768.decapsulate(ciphertext, secretKey) as Bytes;
      wipe(secretKey);
      return secret;
    }),
};

/** Runs now; a throw becomes a rejection, as on the other path. */
function settle<T>(work: () => T): Promise<T> {
  return new Promise((resolve) => resolve(work()));
}
