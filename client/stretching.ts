/** Argon2id for passphrases of files: blocks its thread for the time it takes. */
import { argon2id } from "hash-wasm";
import type { Bytes } from "../protocol/encoding.ts";

/** 32 bytes with 64 MiB, 3 passes and 4 lanes (RFC 9106, second recommended option). */
export async function stretchHere(password: Bytes, salt: Bytes): Promise<Bytes> {
  const stretched = await argon2id({
    ...{ password, salt, iterations: 3, memorySize: 65_536, parallelism: 4 },
    ...{ hashLength: 32, outputType: "binary" },
  });
  return new Uint8Array(stretched);
}
