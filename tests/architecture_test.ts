/** Who may import whom. The table is docs/architecture.md's; this is where it is enforced. */
import assert from "node:assert/strict";
import { relative, sep } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT_URL = new URL("..", import.meta.url).href;
const ROOT = fileURLToPath(ROOT_URL);
const FOLDERS = "protocol crypto client auth hub db routes views static tests bench tools".split(
  " ",
);

/** What a place may import; a top-level file is a place of its own, `types` are `import type`. */
interface Rule {
  readonly may: readonly string[];
  readonly types?: readonly string[];
}

/** Injected, never imported: below app.ts only their types may be named. */
const INJECTED = ["log.ts", "limits.ts"];

const RULES: Readonly<Record<string, Rule>> = {
  "protocol": { may: [] },
  "crypto": { may: ["protocol"] },
  "client": { may: ["crypto", "protocol"] },
  "db": { may: ["protocol"], types: INJECTED },
  "auth": { may: ["db", "protocol"], types: INJECTED },
  "hub": { may: ["db", "protocol"], types: INJECTED },
  "views": { may: [], types: ["protocol"] },
  "routes": { may: ["auth", "hub", "db", "views", "protocol"], types: INJECTED },
  "log.ts": { may: [] },
  "limits.ts": { may: [] },
  "settings.ts": { may: ["limits.ts"] },
  "config.ts": { may: ["config_values.ts", "limits.ts", "settings.ts", "log.ts"] },
  "config_values.ts": { may: ["limits.ts", "settings.ts"] },
  "version.ts": { may: ["deno.json"] },
  "app.ts": { may: ["routes", "auth", "hub", "db"], types: INJECTED },
  "connections.ts": { may: ["routes"], types: INJECTED },
  "watch.ts": { may: [], types: ["hub", ...INJECTED] },
  "accept_watch.ts": { may: [], types: INJECTED },
  "listener.ts": { may: ["routes", "accept_watch.ts", "connections.ts"], types: INJECTED },
  "certificate.ts": { may: ["certificate_pair.ts"], types: ["listener.ts"] },
  "certificate_pair.ts": { may: [], types: ["listener.ts"] },
  "acme.ts": {
    may: ["acme_network.ts", "certificate.ts"],
    types: ["acme_words.ts", "config.ts", "listener.ts"],
  },
  "acme_network.ts": { may: [], types: ["acme_words.ts"] },
  "acme_words.ts": { may: [], types: ["config.ts"] },
  "acme_door.ts": { may: ["listener.ts", "routes"], types: ["acme.ts", "config.ts", ...INJECTED] },
  "acme_store.ts": { may: ["certificate.ts"], types: ["config.ts", "listener.ts"] },
  "acme_schedule.ts": { may: [], types: ["acme_store.ts"] },
  "acme_keeper.ts": {
    may: [
      ..."acme.ts acme_door.ts acme_schedule.ts acme_store.ts acme_words.ts pause.ts".split(" "),
    ],
    types: ["config.ts", "listener.ts", ...INJECTED],
  },
  "acme_source.ts": {
    may: ["acme_keeper.ts", "acme_store.ts", "config.ts"],
    types: ["listener.ts"],
  },
  "certificate_source.ts": {
    may: ["acme_source.ts", "certificate.ts", "certificate_pair.ts", "config.ts", "db"],
    types: ["listener.ts", "routes", ...INJECTED],
  },
  "backend.ts": {
    may: [
      "auth",
      "hub",
      "db",
      "routes",
      "limits.ts",
      "machine.ts",
      "admin_socket.ts",
      "backup_schedule.ts",
    ],
    types: ["protocol", "config.ts", ...INJECTED],
  },
  "admin.ts": {
    may: [
      ..."admin_arguments.ts admin_socket.ts admin_tables.ts backend.ts config.ts".split(" "),
      ..."db log.ts settings.ts".split(" "),
    ],
    types: ["routes", "serve.ts"],
  },
  "admin_arguments.ts": { may: ["config_values.ts"], types: ["routes"] },
  "admin_help.ts": { may: ["admin_arguments.ts", "settings.ts"] },
  "admin_socket.ts": { may: [], types: ["routes", ...INJECTED] },
  "admin_tables.ts": { may: [], types: ["routes"] },
  "machine.ts": { may: ["version.ts"], types: ["routes"] },
  "start_lines.ts": { may: ["config.ts"] },
  "serve.ts": {
    may: [
      ..."db hub routes views protocol static".split(" "),
      ..."watch.ts start_lines.ts app.ts backend.ts backup_schedule.ts backup_worker.ts".split(" "),
      ..."acme_source.ts certificate_source.ts config.ts limits.ts listener.ts log.ts".split(" "),
      ..."passphrase.ts version.ts".split(" "),
    ],
  },
  "chat.ts": { may: ["client", "routes", "static"] },
  "backup.ts": {
    may: [
      ..."db backup_folder.ts config_values.ts passphrase.ts settings.ts version.ts".split(" "),
    ],
    types: ["serve.ts"],
  },
  "backup_schedule.ts": {
    may: ["db", "backup_folder.ts", "passphrase.ts", "pause.ts"],
    types: ["backup_worker.ts", "config.ts", ...INJECTED],
  },
  "backup_folder.ts": { may: ["db"] },
  "install.ts": {
    may: ["db", "config.ts", "config_values.ts", "install_units.ts"],
    types: ["serve.ts"],
  },
  "install_units.ts": { may: [] },
  "backup_worker.ts": { may: ["db", "version.ts"], types: ["protocol"] },
  "pause.ts": { may: [] },
  "page_check.ts": {
    may: ["config_values.ts", "static", "version.ts"],
    types: ["routes", "serve.ts"],
  },
  "passphrase.ts": { may: ["db", "config.ts"], types: ["protocol"] },
  "doctor.ts": {
    may: [..."config.ts doctor_data.ts doctor_machine.ts doctor_network.ts version.ts".split(" ")],
    types: ["serve.ts"],
  },
  "doctor_data.ts": { may: ["auth", "db"] },
  "doctor_machine.ts": {
    may: [
      ..."acme_schedule.ts acme_store.ts certificate.ts certificate_pair.ts".split(" "),
      ..."certificate_source.ts doctor_data.ts log.ts".split(" "),
    ],
    types: ["config.ts", ...INJECTED],
  },
  "doctor_network.ts": { may: ["auth", "config.ts", "doctor_data.ts"] },
  "help.ts": { may: ["limits.ts", "settings.ts"] },
  "main.ts": {
    may: [
      "client",
      "admin.ts",
      "admin_help.ts",
      "backup.ts",
      "backup_worker.ts",
      "chat.ts",
      "doctor.ts",
      "install.ts",
      "serve.ts",
      "config.ts",
      "help.ts",
      "log.ts",
      "page_check.ts",
    ],
  },
  "tests": { may: ["*"] },
  "bench": { may: ["*"] },
  "tools": { may: ["routes", "client", "db", "deno.json", "version.ts", "auth", "protocol"] },
};

/** Files longer than this need a reason here. */
const MAX_LINES = 400;
const LONG_FILES: Readonly<Record<string, string>> = {};

interface Import {
  readonly from: string;
  readonly to: string;
  readonly typeOnly: boolean;
}

interface InfoDependency {
  readonly specifier: string;
  readonly code?: { readonly specifier?: string };
  readonly type?: { readonly specifier?: string };
}

interface Info {
  readonly modules: readonly {
    readonly specifier: string;
    readonly dependencies?: readonly InfoDependency[];
  }[];
}

function place(file: string): string {
  const [first = file] = file.split("/");
  return first;
}

async function sourceFiles(): Promise<string[]> {
  const found: string[] = [];
  const walk = async (dir: string) => {
    for await (const entry of Deno.readDir(dir)) {
      const path = `${dir}/${entry.name}`;
      if (entry.isDirectory && !/^(\..*|dist|data|node_modules|coverage)$/.test(entry.name)) {
        await walk(path);
      } else if (/\.tsx?$/.test(entry.name)) {
        found.push(relative(ROOT, path).split(sep).join("/"));
      }
    }
  };
  await walk(ROOT.replace(/\/$/, ""));
  return found.sort();
}

/** Every import between our files, as the compiler's own parser sees them. */
async function imports(files: readonly string[]): Promise<Import[]> {
  const list = await Deno.makeTempFile({ suffix: ".ts" });
  try {
    const lines = files.map((file) => `import ${JSON.stringify(ROOT_URL + file)};`);
    await Deno.writeTextFile(list, lines.join("\n"));
    const { stdout } = await new Deno.Command(Deno.execPath(), {
      args: ["info", "--json", "--config", `${ROOT}deno.json`, list],
      cwd: ROOT,
      stderr: "null",
    }).output();
    return edges(JSON.parse(new TextDecoder().decode(stdout)) as Info);
  } finally {
    await Deno.remove(list);
  }
}

function edges(info: Info): Import[] {
  const ours = (url: string | undefined) =>
    url?.startsWith(ROOT_URL) ? url.slice(ROOT_URL.length) : undefined;
  return info.modules.flatMap(({ specifier, dependencies }) => {
    const from = ours(specifier);
    if (from === undefined) return [];
    return (dependencies ?? []).flatMap(({ code, type }) => {
      const to = ours(code?.specifier) ?? ours(type?.specifier);
      return to === undefined ? [] : [{ from, to, typeOnly: code?.specifier === undefined }];
    });
  });
}

function breaks({ from, to, typeOnly }: Import): boolean {
  const [source, target] = [place(from), place(to)];
  if (source === target) return false;
  const rule = RULES[source];
  if (rule === undefined) return true;
  if (rule.may.includes("*") || rule.may.includes(target)) return false;
  return !(typeOnly && rule.types?.includes(target));
}

/** The first cycle found, as the files on it. */
function findCycle(all: readonly Import[]): string[] | undefined {
  const next = Map.groupBy(all, ({ from }) => from);
  const done = new Set<string>();
  const visit = (file: string, path: readonly string[]): string[] | undefined => {
    if (path.includes(file)) return [...path.slice(path.indexOf(file)), file];
    if (done.has(file)) return undefined;
    for (const { to } of next.get(file) ?? []) {
      const cycle = visit(to, [...path, file]);
      if (cycle !== undefined) return cycle;
    }
    done.add(file);
    return undefined;
  };
  for (const file of next.keys()) {
    const cycle = visit(file, []);
    if (cycle !== undefined) return cycle;
  }
  return undefined;
}

Deno.test("every import is allowed by the table of docs/architecture.md", async () => {
  const all = await imports(await sourceFiles());
  assert.ok(all.length > 10, "the parser found our imports");
  const broken = all.filter(breaks).map(({ from, to }) => `${from} imports ${to}`);
  assert.deepEqual(broken, []);
});

Deno.test("no file imports itself by way of others", async () => {
  assert.equal(findCycle(await imports(await sourceFiles())), undefined);
});

Deno.test("the checks see a forbidden import and a cycle when there is one", () => {
  const edge = (from: string, to: string, typeOnly = false) => ({ from, to, typeOnly });
  assert.ok(breaks(edge("routes/a.ts", "crypto/b.ts")));
  assert.ok(breaks(edge("hub/a.ts", "auth/b.ts")));
  assert.ok(breaks(edge("routes/a.ts", "log.ts")));
  assert.ok(!breaks(edge("routes/a.ts", "log.ts", true)));
  assert.ok(breaks(edge("stray.ts", "log.ts")));
  const circle = [edge("a.ts", "b.ts"), edge("b.ts", "c.ts"), edge("c.ts", "a.ts", true)];
  assert.deepEqual(findCycle(circle), ["a.ts", "b.ts", "c.ts", "a.ts"]);
});

Deno.test("files have plain names, a known place and at most 400 lines", async () => {
  const wrong: string[] = [];
  for (const file of await sourceFiles()) {
    const top = place(file);
    const known = FOLDERS.includes(top) || (!file.includes("/") && top in RULES);
    if (!known) wrong.push(`${file}: no place for it`);
    if (!/^([a-z0-9_]+\/)*[a-z0-9_]+(\.d)?\.tsx?$/.test(file)) wrong.push(`${file}: name`);
    const lines = (await Deno.readTextFile(ROOT + file)).split("\n").length - 1;
    if (lines > MAX_LINES && !(file in LONG_FILES)) wrong.push(`${file}: ${lines} lines`);
  }
  assert.deepEqual(wrong, []);
});
