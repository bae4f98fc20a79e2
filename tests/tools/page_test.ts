import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import { type AssetManifest, createAssets } from "../../routes/assets.ts";
import { isOwnScript } from "../../client/web/trusted_types.ts";
import type { AssetSource } from "../../tools/assets.ts";
import { buildEntries } from "../../tools/page.ts";
import manifest from "../../static/dist/assets.json" with { type: "json" };

const text = (words: string, rest: Partial<AssetSource> = {}): AssetSource => ({
  policy: "plain",
  make: () => Promise.resolve(words),
  ...rest,
});

const build = (sources: Record<string, AssetSource>) =>
  buildEntries(new Map(Object.entries(sources)));

Deno.test("a file that names another gets its hashed URL and integrity", async () => {
  const made = await build({
    "page.html": text('<script src="{{href a.js}}" integrity="{{integrity a.js}}">{{icon check}}', {
      path: "/page",
      policy: "page",
    }),
    "a.js": text('const worker = "{{href b.js}}";'),
    "b.js": text("1"),
    "icons.svg": text("<svg/>"),
  });
  const [a, b, page] = [made.get("a.js"), made.get("b.js"), made.get("page.html")];
  assert.equal(atob(a?.body ?? ""), `const worker = "${b?.path}";`);
  assert.match(b?.path ?? "", /^\/static\/b\.[0-9a-f]{12}\.js$/);
  assert.ok(
    atob(page?.body ?? "").startsWith(
      `<script src="${a?.path}" integrity="${a?.integrity}"><svg class="icon" aria-hidden="true">`,
    ),
  );
});

Deno.test("a name that no file has stops the build, and so does a circle", async () => {
  await assert.rejects(build({ "a.js": text("{{href b.js}}") }), /a\.js names b\.js/);
  const circle = { "a.js": text("{{href b.js}}"), "b.js": text("{{href a.js}}") };
  await assert.rejects(build(circle), /name each other: a\.js b\.js a\.js/);
});

Deno.test("a changed file changes the URL of every file that names it", async () => {
  const one = await build({ "a.css": text("{{href b.js}}"), "b.js": text("1") });
  const two = await build({ "a.css": text("{{href b.js}}"), "b.js": text("2") });
  assert.notEqual(one.get("a.css")?.path, two.get("a.css")?.path);
});

Deno.test("every file of the page is what its hash and integrity say", () => {
  const assets = createAssets(manifest as unknown as AssetManifest);
  assert.ok(assets.all().length > 4);
  for (const { bytes, sha256, integrity, path } of assets.all()) {
    const hash = createHash("sha256").update(bytes);
    const digest = hash.digest();
    assert.equal(digest.toString("hex"), sha256, path);
    assert.equal(`sha256-${digest.toString("base64")}`, integrity, path);
  }
});

Deno.test("no page has an inline script, style or handler, and every script has integrity", () => {
  for (const { bytes, path, policy } of createAssets(manifest as unknown as AssetManifest).all()) {
    if (policy !== "page") continue;
    const html = new TextDecoder().decode(bytes);
    for (const [tag] of html.matchAll(/<script\b[^>]*>/g)) {
      assert.match(tag, /\ssrc="\/static\//, path);
      assert.match(tag, /\sintegrity="sha256-/, path);
      assert.match(tag, /\scrossorigin/, path);
    }
    assert.ok(!/<style\b|\sstyle=|\son[a-z]+=|javascript:/i.test(html), path);
    assert.ok(!html.includes("{{"), path);
  }
});

const bytesOf = (name: keyof typeof manifest) => Uint8Array.fromBase64(manifest[name].body);

/** Bytes, gzip as the server sends it. */
const weight = (...names: (keyof typeof manifest)[]) =>
  names.reduce((sum, name) => sum + gzipSync(bytesOf(name), { level: 9 }).length, 0);

Deno.test("the chat page's first load and what comes later stay small", () => {
  const first = weight("browser_check.js", "chat.js");
  const later = weight("chat_more.js");
  const engine = weight("engine_more.js");
  const fallback = weight("kem_script.js");
  assert.ok(first <= 78_000, `${first} bytes of scripts before the first screen`);
  assert.ok(later <= 40_000, `${later} bytes behind the buttons`);
  assert.ok(engine <= 40_000, `${engine} bytes for the history and what changes rooms`);
  assert.ok(fallback <= 10_000, `${fallback} bytes for browsers without ML-KEM`);
});

Deno.test("what comes later is named with its integrity, and only by files that are built with it", () => {
  const chat = atob(manifest["chat.js"].body);
  for (const name of ["chat_more.js", "engine_more.js", "kem_script.js"] as const) {
    const { path, integrity } = manifest[name];
    assert.ok(chat.includes(path) && chat.includes(integrity), name);
    assert.ok(atob(manifest["service_worker.js"].body).includes(path), name);
  }
  assert.ok(!chat.includes("kem_script.ts"), "no import by a name that no server knows");
});

Deno.test("every script that a script names is one that the page's Trusted Types policy lets through", () => {
  const named = new Set<string>();
  for (const name of ["chat.js", "chat_more.js", "account.js", "engine_more.js"] as const) {
    for (const [path] of atob(manifest[name].body).matchAll(/\/static\/\w+\.[0-9a-f]{12}\.js/g)) {
      named.add(path);
    }
  }
  assert.ok(named.has(manifest["engine_more.js"].path) && named.has(manifest["qr_read.js"].path));
  for (const path of named) assert.ok(isOwnScript(path), path);
});
