/**
 * Makes static/known_passwords.bin from a list of leaked passwords, one a line, most used first.
 *
 *     deno run --allow-read --allow-write tools/known_passwords.ts LIST
 *
 * Kept are those long enough to be accepted at all (12 characters): the first 4 bytes of SHA-256 of each, sorted, so
 * that the page can search 44,000 of them in 177 KB. The file in the repository comes from the first million of the
 * "10 million passwords" collection (SecLists, MIT). A good password is taken for a known one once in 97,000 times.
 */
import { PREFIX_BYTES } from "../client/known_passwords.ts";
import { MIN_PASSWORD_CHARACTERS } from "../client/password_advice.ts";

const TARGET = new URL("../static/known_passwords.bin", import.meta.url);

async function prefixOf(password: string): Promise<number> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(password));
  return new DataView(digest).getUint32(0);
}

async function main(list: string | undefined): Promise<number> {
  if (!list) {
    console.error("Which list? deno run tools/known_passwords.ts LIST");
    return 2;
  }
  const passwords = (await Deno.readTextFile(list)).split("\n")
    .map((line) => line.replace(/\r$/, "").toLowerCase())
    .filter((line) => [...line].length >= MIN_PASSWORD_CHARACTERS);
  const prefixes = [...new Set(await Promise.all(passwords.map(prefixOf)))].sort((a, b) => a - b);
  const bytes = new DataView(new ArrayBuffer(prefixes.length * PREFIX_BYTES));
  prefixes.forEach((prefix, i) => bytes.setUint32(i * PREFIX_BYTES, prefix));
  await Deno.writeFile(TARGET, new Uint8Array(bytes.buffer));
  console.log(`${prefixes.length} passwords, ${bytes.byteLength} bytes`);
  return 0;
}

if (import.meta.main) Deno.exit(await main(Deno.args[0]));
