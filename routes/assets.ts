/** The page's files, embedded in the executable: a map from URL to bytes, never a file path. */
import { Buffer } from "node:buffer";
import { gzipSync } from "node:zlib";

/** Which content security policy an asset's own answer carries. */
export type AssetPolicy = "plain" | "page" | "script" | "wasm-worker";

/** One file as the build wrote it into static/dist/assets.json. */
export interface AssetEntry {
  /** The URL it is served at. */
  readonly path: string;
  readonly type: string;
  /** Hexadecimal SHA-256 of the bytes; also the ETag. */
  readonly sha256: string;
  /** For `integrity=` attributes. */
  readonly integrity: string;
  /** True when the URL names the content, so that it can be cached for ever. */
  readonly immutable: boolean;
  readonly policy: AssetPolicy;
  /** Base64 of the bytes. */
  readonly body: string;
}

/** static/dist/assets.json: logical name ("chat.js") to entry. */
export type AssetManifest = Readonly<Record<string, AssetEntry>>;

/** A file ready to be sent. */
export interface Asset extends Omit<AssetEntry, "body"> {
  /** Decoded when first asked for. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** The same, compressed; undefined for what is compressed already. Made when first asked for. */
  readonly gzip: () => Uint8Array<ArrayBuffer> | undefined;
}

/** What pages and routes ask about files. */
export interface Assets {
  /** URL and integrity of a file by its logical name; an unknown name is a bug and throws. */
  link(name: string): { readonly href: string; readonly integrity: string };
  /** The file at a URL path. */
  at(path: string): Asset | undefined;
  /** Every file, for the map of URLs and for audits. */
  all(): readonly Asset[];
}

/** Looks up files in a manifest. */
export function createAssets(manifest: AssetManifest): Assets {
  const byPath = new Map<string, Asset>();
  for (const entry of Object.values(manifest)) byPath.set(entry.path, assetOf(entry));
  return {
    link(name) {
      const entry = Object.hasOwn(manifest, name) ? manifest[name] : undefined;
      if (entry === undefined) throw new Error(`no asset named ${name}`);
      return { href: entry.path, integrity: entry.integrity };
    },
    at: (path) => byPath.get(path),
    all: () => [...byPath.values()],
  };
}

function assetOf({ body, ...entry }: AssetEntry): Asset {
  let decoded: Uint8Array<ArrayBuffer> | undefined;
  let packed: Uint8Array<ArrayBuffer> | undefined;
  const compressible = /^text\/|\+xml$|\+json$/.test(entry.type);
  const bytes = () => decoded ??= new Uint8Array(Buffer.from(body, "base64"));
  return {
    ...entry,
    get bytes() {
      return bytes();
    },
    // These files hold no secret and nothing of a request, so their length tells nothing (BREACH).
    gzip() {
      if (!compressible) return undefined;
      return packed ??= new Uint8Array(gzipSync(bytes(), { level: 9 }));
    },
  };
}
