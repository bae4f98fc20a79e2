import assert from "node:assert/strict";

/** Published vectors live beside the repository; a clone without them skips these tests and says so. */
const FOLDER = new URL("../../../shared/vectors/", import.meta.url);

/** One Wycheproof case with the fields of its group spread below its own. Binary fields are hexadecimal. */
export interface Case {
  readonly tcId: number;
  readonly result: "valid" | "invalid" | "acceptable";
  readonly [field: string]: unknown;
}

/** Registers a test over every case of a Wycheproof file. A failure names the case. */
export function wycheproof(
  sentence: string,
  file: string,
  check: (vector: Case) => Promise<void>,
): void {
  vectorTest(sentence, `wycheproof/${file}`, async (content) => {
    const cases = content.testGroups.flatMap((group) =>
      group.tests.map((one) => ({ ...group, ...one }))
    );
    assert.equal(cases.length, content.numberOfTests);
    for (const one of cases) await named(check, one);
  });
}

/** Registers a test over every entry of an RFC file. */
export function rfc(
  sentence: string,
  file: string,
  check: (vector: Record<string, unknown>) => Promise<void>,
): void {
  vectorTest(sentence, `rfc/${file}`, async (content) => {
    for (const one of content.tests) await named(check, one);
  });
}

/** A hexadecimal field's bytes; a missing field is empty. */
export function hex(value: unknown): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(String(value ?? "").match(/../g) ?? [], (byte) => parseInt(byte, 16));
}

interface VectorFile {
  readonly numberOfTests: number;
  readonly testGroups: readonly { readonly tests: readonly Case[] }[];
  readonly tests: readonly Record<string, unknown>[];
}

function vectorTest(
  name: string,
  file: string,
  fn: (content: VectorFile) => Promise<void>,
): void {
  const url = new URL(file, FOLDER);
  const ignore = !exists(url);
  // In the name, because a quiet run drops what is printed while a file loads.
  const shown = ignore ? `${name} (skipped: no ../shared/vectors)` : name;
  Deno.test({ name: shown, ignore, fn: () => fn(JSON.parse(Deno.readTextFileSync(url))) });
}

function exists(url: URL): boolean {
  try {
    return Deno.statSync(url).isFile;
  } catch {
    return false;
  }
}

async function named<T extends Record<string, unknown>>(
  check: (vector: T) => Promise<void>,
  vector: T,
): Promise<void> {
  try {
    await check(vector);
  } catch (cause) {
    const { tcId, comment, flags, result } = vector;
    throw new Error(`case ${JSON.stringify({ tcId, comment, flags, result })}`, { cause });
  }
}
