/**
 * What the page is made of: one table of files, and how each comes to be.
 *
 * A text file may name others: `{{href chat.js}}`, `{{integrity chat.js}}`, `{{sha256 chat.js}}`
 * and, in HTML, `{{icon send-horizontal}}`. Naming is by logical name; the build puts in the
 * hashed URL, so nothing can point at a file that does not exist.
 */
import htmx from "htmx.org/dist/htmx.min.js" with { type: "text" };
import htmxCsp from "htmx.org/dist/ext/hx-csp.min.js" with { type: "text" };
import "@fontsource-variable/figtree/index.css" with { type: "text" };
import "lucide-static/package.json" with { type: "json" };
import { createRequire } from "node:module";
import type { AssetPolicy } from "../routes/assets.ts";

/** How one file is made. */
export interface AssetSource {
  /** Where it is served; without it the URL is /static/NAME.HASH.EXT, cached for ever. */
  readonly path?: string;
  readonly policy: AssetPolicy;
  readonly make: () => Promise<string | Uint8Array>;
}

/** One script of the page, from one entry. */
interface Bundle extends Omit<AssetSource, "make"> {
  readonly entry: string;
  /** Modules that are left out, as they are named in `import()`, and the bundles that hold them. */
  readonly later?: Readonly<Record<string, string>>;
}

/** The bundles of the page. What the chat's first screen does not need is in files of its own. */
const ENTRIES: Readonly<Record<string, Bundle>> = {
  "account.js": { entry: "client/web/account.ts", policy: "script" },
  "browser_check.js": { entry: "client/web/browser_check.ts", policy: "script" },
  "chat.js": {
    entry: "client/web/chat.ts",
    policy: "script",
    later: { "./engine_more.ts": "engine_more.js", "./kem_script.ts": "kem_script.js" },
  },
  "chat_more.js": { entry: "client/web/more.ts", policy: "script" },
  "engine_more.js": {
    entry: "client/engine_more.ts",
    policy: "script",
    later: { "./kem_script.ts": "kem_script.js" },
  },
  "invite.js": { entry: "client/web/invite_link.ts", policy: "script" },
  "join.js": { entry: "client/web/join.ts", policy: "script" },
  "kem_script.js": { entry: "crypto/kem_script.ts", policy: "script" },
  "opaque_worker.js": { entry: "client/web/opaque_worker.ts", policy: "wasm-worker" },
  "qr_read.js": { entry: "client/web/qr_read.ts", policy: "script" },
  "service_worker.js": {
    entry: "client/web/service_worker.ts",
    policy: "script",
    // A service worker rules the folder it is served from, and is found again by a stable name.
    path: "/service_worker.js",
  },
};

const require = createRequire(import.meta.url);

const packaged = (specifier: string) => () => Deno.readFile(require.resolve(specifier));

/** The files that come from packages or are made of parts. */
const MADE: Readonly<Record<string, AssetSource>> = {
  "figtree.woff2": {
    policy: "plain",
    make: packaged("@fontsource-variable/figtree/files/figtree-latin-wght-normal.woff2"),
  },
  "figtree_ext.woff2": {
    policy: "plain",
    make: packaged("@fontsource-variable/figtree/files/figtree-latin-ext-wght-normal.woff2"),
  },
  "htmx.js": { policy: "script", make: () => Promise.resolve(htmx) },
  "hx_csp.js": { policy: "script", make: () => Promise.resolve(htmxCsp) },
  "icons.svg": { policy: "plain", make: iconSprite },
};

/** Files of static/ that are served as they are, by their ending. */
const COPIED = /\.(css|svg|png|ico|webmanifest|html|bin)$/;

/** Every file by its logical name. `root` ends in a slash. */
export async function assetSources(root: string): Promise<Map<string, AssetSource>> {
  const sources = new Map<string, AssetSource>(Object.entries(MADE));
  for (const [name, { entry, later = {}, ...rest }] of Object.entries(ENTRIES)) {
    sources.set(name, {
      ...rest,
      make: async () => nameLater(await bundled(root, entry, later), later),
    });
  }
  for await (const { name, isFile } of Deno.readDir(`${root}static`)) {
    if (!isFile || !COPIED.test(name)) continue;
    const file = `${root}static/${name}`;
    const page = /^(.*)\.html$/.exec(name)?.[1];
    sources.set(name, {
      ...(page === undefined ? { policy: "plain" } : { policy: "page", path: `/${page}` }),
      make: () => Deno.readFile(file),
    });
  }
  return sources;
}

/** `import()` of a module that was left out names the file that holds it. */
function nameLater(script: string, later: NonNullable<Bundle["later"]>): string {
  return Object.entries(later).reduce((text, [module, name]) => {
    const asked = `import("${module}")`;
    if (!text.includes(asked)) throw new Error(`nothing asks for ${module} by import()`);
    return text.replaceAll(asked, `import("{{href ${name}}}")`);
  }, script);
}

let first: Promise<string> | undefined;

/**
 * One minified module from an entry file and everything it imports. The first goes alone: with an
 * empty cache it fetches Deno's bundler, and several that fetch it at once break each other's copy.
 */
async function bundled(...which: Parameters<typeof bundle>): Promise<string> {
  if (first === undefined) return await (first = bundle(...which));
  await first;
  return await bundle(...which);
}

async function bundle(root: string, entry: string, later: object): Promise<string> {
  const out = await Deno.makeTempFile({ suffix: ".js" });
  try {
    const { success, stderr } = await new Deno.Command(Deno.execPath(), {
      args: [
        "bundle",
        "--quiet",
        "--frozen",
        "--platform",
        "browser",
        "--minify",
        ...Object.keys(later).map((module) => `--external=${module}`),
        "-o",
        out,
        entry,
      ],
      cwd: root,
      stdin: "null",
    }).output();
    if (!success) throw new Error(`cannot bundle ${entry}:\n${new TextDecoder().decode(stderr)}`);
    return await Deno.readTextFile(out);
  } finally {
    await Deno.remove(out);
  }
}

/** One file of symbols out of the line icons that static/icons.txt names. */
async function iconSprite(): Promise<string> {
  const names = (await Deno.readTextFile(new URL("../static/icons.txt", import.meta.url)))
    .split("\n").filter(Boolean);
  const symbols = await Promise.all(names.map(async (name) => {
    const svg = await Deno.readTextFile(require.resolve(`lucide-static/icons/${name}.svg`));
    const shapes = svg.slice(svg.indexOf(">", svg.indexOf("<svg")) + 1, svg.lastIndexOf("</svg>"));
    const tight = shapes.replace(/\s*\n\s*/g, "");
    return `<symbol id="${name}" viewBox="0 0 24 24">${tight}</symbol>`;
  }));
  const open = '<svg xmlns="http://www.w3.org/2000/svg" fill="none" stroke="currentColor" ' +
    'stroke-width="2" stroke-linecap="round" stroke-linejoin="round">';
  return `<!-- Lucide icons, ISC licence -->${open}${symbols.join("")}</svg>\n`;
}
