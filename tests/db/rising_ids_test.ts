import assert from "node:assert/strict";
import { RisingIds } from "../../db/rising_ids.ts";
import { toHex } from "../../protocol/encoding.ts";
import { ID_BYTES } from "../../protocol/ids.ts";
import { newSeed, seeded } from "../helpers/seeded.ts";

const seed = newSeed();

Deno.test(`ids in any order are found, and stand in theirs (seed ${seed})`, () => {
  const below = seeded(seed);
  const ids = new RisingIds();
  for (let round = 0; round < 2; round++) {
    const known = new Set<string>();
    assert.equal(ids.highest, null);
    for (let n = 0; n < 500; n++) {
      // Few values, so that neighbours differ in one byte and some come twice.
      const id = new Uint8Array(ID_BYTES).map((_, at) => at % 8 === 7 ? below(40) : 0);
      assert.equal(ids.has(id), known.has(toHex(id)));
      if (!known.has(toHex(id))) ids.add(id);
      known.add(toHex(id));
    }
    const sorted = [...known].sort();
    assert.equal(toHex(ids.bytes), sorted.join(""));
    assert.equal(toHex(ids.highest!), sorted.at(-1));
    ids.clear();
  }
});
