import assert from "node:assert/strict";
import { BackupError } from "../../db/backup_error.ts";
import { PIECE_BYTES, SealedReader, SealedWriter } from "../../db/backup_stream.ts";
import { concat } from "../../protocol/encoding.ts";

const key = await crypto.subtle.generateKey({ name: "AES-GCM", length: 256 }, false, [
  "encrypt",
  "decrypt",
]);

async function seal(...writes: Uint8Array[]): Promise<Uint8Array[]> {
  const pieces: Uint8Array[] = [];
  const writer = new SealedWriter(key, (bytes) => Promise.resolve(void pieces.push(bytes)));
  for (const bytes of writes) await writer.write(bytes);
  await writer.finish();
  return pieces;
}

/** Gives the bytes in portions of odd sizes, as a disk or a pipe may. */
function open(sealed: Uint8Array): SealedReader {
  let at = 0;
  return new SealedReader(key, (buffer) => {
    const part = sealed.subarray(at, at + Math.min(buffer.length, 100_003));
    buffer.set(part);
    at += part.length;
    return Promise.resolve(part.length);
  });
}

function counted(length: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length }, (_, at) => at * 31 + (at >> 8));
}

for (const length of [0, 1, PIECE_BYTES - 1, PIECE_BYTES, PIECE_BYTES + 1, 3 * PIECE_BYTES]) {
  Deno.test(`a stream of ${length} bytes comes back, however it was cut`, async () => {
    const content = counted(length);
    const sealed = await seal(content.subarray(0, length >> 1), content.subarray(length >> 1));
    assert.equal(sealed.length, Math.max(1, Math.ceil(length / PIECE_BYTES)));
    const reader = open(concat(...sealed));
    assert.deepEqual(await reader.read(length), content);
    await reader.end();
  });
}

async function refused(sealed: Uint8Array, length: number, how = /damaged/) {
  const reader = open(sealed);
  await assert.rejects(async () => {
    await reader.read(length);
    await reader.end();
  }, (error: Error) => error instanceof BackupError && how.test(error.message));
}

Deno.test("pieces that were dropped, repeated, swapped or cut off are noticed", async () => {
  const length = 3 * PIECE_BYTES + 5;
  const [a, b, c, d] = (await seal(counted(length))) as [
    Uint8Array,
    Uint8Array,
    Uint8Array,
    Uint8Array,
  ];
  for (
    const forged of [
      [b, c, d],
      [a, c, d],
      [a, b, d],
      [a, b, c],
      [a],
      [d],
      [],
      [b, a, c, d],
      [a, a, b, c, d],
      [a, b, c, d, d],
      [a, b, c, d, new Uint8Array(1)],
    ]
  ) await refused(concat(...forged), length);
});

Deno.test("reading past the end and stopping before it are both refused", async () => {
  const sealed = concat(...await seal(counted(10)));
  await refused(sealed, 11, /too short/);
  await refused(sealed, 9, /follows its end/);
});
