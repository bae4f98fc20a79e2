/** Searching bytes for secrets in every encoding a program is likely to write them in. */
import { Buffer } from "node:buffer";
import { toHex, utf8 } from "../../protocol/encoding.ts";

/** A secret that must not be found, with the name it gets in a failure. */
export interface Canary {
  readonly name: string;
  readonly secret: string | Uint8Array;
}

export interface Place {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** "name of the canary (encoding) in name of the place" for each hit; empty when the places are clean. */
export function findCanaries(places: readonly Place[], canaries: readonly Canary[]): string[] {
  const texts = places.map((place) => ({ name: place.name, text: latin1(place.bytes) }));
  return canaries.flatMap((canary) =>
    encodings(canary.secret).flatMap(([encoding, needle]) =>
      texts.filter(({ text }) => text.includes(needle)).map(({ name }) =>
        `${canary.name} (${encoding}) in ${name}`
      )
    )
  );
}

/** Every file below `folder`, read whole. */
export function filesBelow(folder: string, prefix = ""): Place[] {
  return [...Deno.readDirSync(folder)].flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    const name = prefix + entry.name;
    if (entry.isDirectory) return filesBelow(path, `${name}/`);
    return entry.isFile ? [{ name, bytes: Deno.readFileSync(path) }] : [];
  });
}

function encodings(secret: string | Uint8Array): [string, string][] {
  const bytes = typeof secret === "string" ? utf8(secret) : secret;
  const hex = toHex(bytes);
  const found: [string, string][] = [
    ["as it is", latin1(bytes)],
    ["hex", hex],
    ["upper-case hex", hex.toUpperCase()],
    ["reversed", latin1(bytes.slice().reverse())],
    ...base64Forms(bytes),
  ];
  if (typeof secret !== "string") return found;
  return [
    ...found,
    ["UTF-16", [...secret].join("\0")],
    ["percent", encodeURIComponent(secret)],
    ["form", encodeURIComponent(secret).replaceAll("%20", "+")],
    ["JSON", JSON.stringify(secret).slice(1, -1)],
  ];
}

/** Base64 shifts with the position of the secret in what is encoded: the inner characters of all three shifts. */
function base64Forms(bytes: Uint8Array): [string, string][] {
  return [0, 1, 2].flatMap((shift) => {
    const padded = new Uint8Array(shift + bytes.length);
    padded.set(bytes, shift);
    const whole = btoa(latin1(padded)).replace(/=+$/, "");
    const inner = whole.slice(shift === 0 ? 0 : 4, whole.length - 2);
    const url = inner.replaceAll("+", "-").replaceAll("/", "_");
    return [[`base64 at ${shift}`, inner], [`base64url at ${shift}`, url]] as [string, string][];
  });
}

/** One character a byte. (TextDecoder's "latin1" is windows-1252 and changes 32 of them.) */
function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
}
