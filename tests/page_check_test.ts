import assert from "node:assert/strict";
import { main } from "../main.ts";
import { type PageFile, pageFiles } from "../page_check.ts";
import { VERSION } from "../version.ts";
import { RealServer } from "./helpers/real_server.ts";

const loose = { sanitizeOps: false, sanitizeResources: false };

async function run(...args: string[]) {
  const printed: string[] = [];
  const logged: string[] = [];
  const status = await main(["version", ...args], {
    env: () => undefined,
    print: (line) => printed.push(line),
    writeLog: (line) => logged.push(line),
    now: () => 0,
    stop: new AbortController().signal,
  });
  return { status, printed: printed.join("\n"), logged: logged.join("\n") };
}

Deno.test("--manifest lists every file of the page with its hash", async () => {
  const { status, printed } = await run("--manifest");
  assert.equal(status, 0);
  const { version, files } = JSON.parse(printed) as { version: string; files: PageFile[] };
  assert.equal(version, VERSION);
  assert.deepEqual(files, pageFiles());
  assert.ok(files.some(({ path }) => path === "/chat"));
  for (const { sha256 } of files) assert.match(sha256, /^[0-9a-f]{64}$/);
});

Deno.test("a server of this version serves the page of this version", loose, async () => {
  const server = await RealServer.start("self-signed");
  try {
    const said = await run("--verify", server.origin, "--ca", server.caFile);
    assert.equal(said.status, 0, said.printed + said.logged);
    assert.match(said.printed, /serves the page of Snug .*: \d+ files, all the same\.$/);
    const untrusted = await run("--verify", server.origin);
    assert.equal(untrusted.status, 1);
    assert.match(untrusted.logged, /does not answer as Snug, or its certificate is not trusted/);
  } finally {
    await server.end();
  }
});

Deno.test("attack: a server that changes one byte of one script is caught", loose, async () => {
  const server = await RealServer.start();
  const victim = pageFiles().find(({ path }) => path.endsWith(".js"))!.path;
  const evil = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    async (request) => {
      const { pathname } = new URL(request.url);
      const answer = await fetch(server.origin + pathname);
      const bytes = new Uint8Array(await answer.arrayBuffer());
      if (pathname === victim) bytes[bytes.length >> 1]! ^= 1;
      return new Response(bytes, { status: answer.status });
    },
  );
  try {
    const said = await run("--verify", `http://127.0.0.1:${evil.addr.port}`);
    assert.equal(said.status, 1);
    assert.equal(said.printed.split("\n")[0], `differs  ${victim}`);
    assert.match(
      said.printed,
      /serves another page: 1 of \d+ files differ\. Do not type a password/,
    );
  } finally {
    await evil.shutdown();
    await server.end();
  }
});

Deno.test(
  "attack: a file that breaks off, or never ends, differs; a /health without end is no Snug",
  loose,
  async () => {
    const health = JSON.stringify({ status: "ok", version: VERSION });
    const chunk = new Uint8Array(65_536).fill(32);
    const endless = () => new ReadableStream({ pull: (to) => to.enqueue(chunk) });
    const broken = () =>
      new ReadableStream({
        pull(to) {
          to.enqueue(chunk);
          to.error(new Error("cut"));
        },
      });
    const answers = new Map<string, () => BodyInit>([["/health", () => health]]);
    const files = pageFiles();
    answers.set(files[0]!.path, broken);
    answers.set(files[1]!.path, endless);
    const evil = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {}, onError: () => new Response() },
      (request) => new Response((answers.get(new URL(request.url).pathname) ?? (() => ""))()),
    );
    try {
      const origin = `http://127.0.0.1:${evil.addr.port}`;
      const said = await run("--verify", origin);
      assert.equal(said.status, 1, said.logged);
      assert.equal(said.printed.split("\n").length, files.length + 1);
      answers.set("/health", endless);
      const deaf = await run("--verify", origin);
      assert.equal(deaf.status, 1);
      assert.match(deaf.logged, /does not answer as Snug/);
    } finally {
      await evil.shutdown();
    }
  },
);

Deno.test("another version is named, and every bad value is one line and exit 2", async () => {
  const other = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    () => Response.json({ status: "ok", version: "99.0.0" }),
  );
  const said = await run("--verify", `http://127.0.0.1:${other.addr.port}`);
  await other.shutdown();
  assert.equal(said.status, 1);
  assert.match(said.logged, /is Snug 99\.0\.0, this is .*: verify with that one\.$/);
  const bad: [string[], RegExp][] = [
    [["--verify"], /--verify needs a value/],
    [["--verify", "chat"], /expected an address such as/],
    [["--verify", "https://a.org/path"], /expected an address such as/],
    [["--ca", "x"], /--ca needs --verify/],
    [["--verify=https://a.org", "--ca=/nowhere"], /cannot be read as a PEM certificate/],
    [["--loud"], /--loud is not a flag of snug version/],
  ];
  for (const [args, words] of bad) {
    const { status, logged } = await run(...args);
    assert.equal(status, 2, args.join(" "));
    assert.match(logged, words);
  }
});
