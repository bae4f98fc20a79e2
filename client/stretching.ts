/** Argon2id for passphrases of files: blocks its thread for the time it takes. */
import { argon2id } from "hash-wasm";
import type { Stretch } from "./history_file.ts";

/** 32 bytes with 64 MiB, 3 passes and 4 lanes (RFC 9106, second recommended option). */
export const stretchHere: Stretch = async (password, salt) =>
  new Uint8Array(
    await argon2id({
      ...{ password, salt, iterations: 3, memorySize: 65_536, parallelism: 4 },
      ...{ hashLength: 32, outputType: "binary" },
    }),
  );
