/** A software bill of materials (CycloneDX 1.6, JSON) from deno.json and deno.lock, the same every time. */
import { createHash } from "node:crypto";

/** Packages that only tests and the build use; none of their code is in the executable. */
export const DEVELOPMENT: readonly string[] = [
  "@types/nodemailer",
  "@types/smtp-server",
  "@types/ws",
  "axe-core",
  "fast-check",
  "playwright-core",
  "smtp-server",
];

interface LockedPackage {
  readonly integrity: string;
  readonly dependencies?: readonly string[];
}

/** The parts of deno.lock that are read. */
export interface Lock {
  readonly specifiers: Readonly<Record<string, string>>;
  readonly npm: Readonly<Record<string, LockedPackage>>;
}

/** The parts of deno.json that are read. */
export interface Project {
  readonly version: string;
  readonly license: string;
  readonly imports: Readonly<Record<string, string>>;
}

/** The bill of materials as an object. */
export function billOfMaterials(project: Project, lock: Lock): Record<string, unknown> {
  const used = closure(project, lock);
  const components = Object.keys(lock.npm).sort().map((key) => component(key, lock, used.has(key)));
  return {
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    serialNumber: `urn:uuid:${uuidOf(JSON.stringify(lock) + project.version)}`,
    version: 1,
    metadata: {
      component: {
        "bom-ref": "snug",
        type: "application",
        name: "snug",
        version: project.version,
        licenses: [{ license: { id: project.license } }],
      },
    },
    components,
    dependencies: [
      { ref: "snug", dependsOn: roots(project, lock).sort() },
      ...Object.keys(lock.npm).sort().map((key) => ({ ref: key, dependsOn: needs(key, lock) })),
    ],
  };
}

function component(key: string, { npm }: Lock, isUsed: boolean): Record<string, unknown> {
  const [name, version] = nameAndVersion(key);
  const [, sha512 = ""] = npm[key]!.integrity.split("sha512-");
  const [scope, bare] = name.startsWith("@") ? name.split("/") : [undefined, name];
  return {
    "bom-ref": key,
    type: "library",
    ...(scope === undefined ? {} : { group: scope }),
    name: bare,
    version,
    // "excluded": needed to build or test, not part of what is delivered.
    scope: isUsed ? "required" : "excluded",
    purl: `pkg:npm/${name.replace("@", "%40")}@${version}`,
    hashes: [{ alg: "SHA-512", content: hexOf(sha512) }],
  };
}

/** "@scope/name@1.2.3_peer@4.5.6" -> name and version. */
export function nameAndVersion(key: string): [name: string, version: string] {
  const found = /^(@?[^@]+)@([^_]+)/.exec(key);
  if (found === null) throw new Error(`${key}: no package of npm`);
  return [found[1]!, found[2]!];
}

function roots(project: Project, lock: Lock): string[] {
  return Object.entries(project.imports)
    .filter(([name]) => !DEVELOPMENT.includes(name))
    .map(([, specifier]) => {
      const version = lock.specifiers[specifier];
      const key = `${specifier.replace(/^npm:/, "").replace(/(?<=.)@[^@/]+$/, "")}@${version}`;
      if (lock.npm[key] === undefined) throw new Error(`${specifier}: not in deno.lock as ${key}`);
      return key;
    });
}

/** Dependencies in the lock are names, with a version where there are several. */
function needs(key: string, { npm }: Lock): string[] {
  return (npm[key]?.dependencies ?? []).flatMap((name) => {
    if (npm[name] !== undefined) return [name];
    const found = Object.keys(npm).filter((each) => each.startsWith(`${name}@`) || each === name);
    return found.length > 0 ? [found[0]!] : [];
  }).sort();
}

function closure(project: Project, lock: Lock): Set<string> {
  const seen = new Set<string>();
  const visit = (key: string) => {
    if (seen.has(key)) return;
    seen.add(key);
    needs(key, lock).forEach(visit);
  };
  roots(project, lock).forEach(visit);
  return seen;
}

function hexOf(base64: string): string {
  return Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0)).toHex();
}

/** A version 8 UUID (RFC 9562): its bits are a hash. */
function uuidOf(text: string): string {
  const bytes = createHash("sha256").update(text).digest().subarray(0, 16);
  bytes[6] = bytes[6]! & 0x0f | 0x80;
  bytes[8] = bytes[8]! & 0x3f | 0x80;
  return bytes.toString("hex").replace(/(.{8})(.{4})(.{4})(.{4})(.{12})/, "$1-$2-$3-$4-$5");
}
