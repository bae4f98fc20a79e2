/** The examples of docs/protocol.md "History archive", made again from their seeds. */
import assert from "node:assert/strict";
import { archiveKeyId, importArchiveKey, segmentTag } from "../../crypto/archive.ts";
import { type Bytes, toHex } from "../../protocol/encoding.ts";
import { idBytes, idFrom } from "../../protocol/ids.ts";

const repeat = (byte: number, count: number): Bytes => new Uint8Array(count).fill(byte);
const text = await Deno.readTextFile(new URL("../../docs/protocol.md", import.meta.url));

function example(name: string): string {
  const found = new RegExp(`^${name} = ([0-9a-f]+)$`, "m").exec(text);
  assert.ok(found, `docs/protocol.md has an example "${name}"`);
  return found[1]!;
}

Deno.test("names of keys and marks of conversations are those of the specification", async () => {
  for (const mode of ["sealed", "portable"] as const) {
    const secret = await importArchiveKey(repeat(0x11, 32), mode);
    assert.equal(toHex(idBytes(await archiveKeyId(secret))), example("archive key id"));
    const tag = await segmentTag(secret, idFrom<"account">(repeat(0xac, 16)));
    assert.equal(toHex(idBytes(tag)), example("segment tag"));
  }
});
