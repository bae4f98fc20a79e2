import assert from "node:assert/strict";
import { gunzipSync } from "node:zlib";
import { Hono } from "hono";
import { type AssetEntry, type AssetPolicy, createAssets } from "../../routes/assets.ts";
import type { AppEnv } from "../../routes/env.ts";
import { staticRoutes } from "../../routes/static.ts";

function entry(path: string, policy: AssetPolicy, immutable: boolean, text: string): AssetEntry {
  const sha256 = "ab".repeat(32);
  const type = "text/javascript; charset=utf-8";
  return { path, type, sha256, integrity: "sha256-q", immutable, policy, body: btoa(text) };
}

const assets = createAssets({
  "chat.js": entry("/static/chat.123.js", "script", true, "let a = 1;"),
  "opaque_worker.js": entry("/static/opaque_worker.1.js", "wasm-worker", true, "1"),
  "chat.html": entry("/chat", "page", false, "<!doctype html>"),
});

const app = new Hono<AppEnv>();
staticRoutes(app, { assets });

function get(path: string, headers: Record<string, string> = {}) {
  return Promise.resolve(app.request(path, { headers }));
}

Deno.test("a file with its hash in the name is cached for ever", async () => {
  const answer = await get("/static/chat.123.js");
  assert.equal(await answer.text(), "let a = 1;");
  assert.equal(answer.headers.get("content-type"), "text/javascript; charset=utf-8");
  assert.equal(answer.headers.get("cache-control"), "public, max-age=31536000, immutable");
});

Deno.test("a page is asked for again each time and sent again only when it changed", async () => {
  const first = await get("/chat");
  assert.equal(first.headers.get("cache-control"), "no-cache");
  const etag = first.headers.get("etag") ?? "";
  const second = await get("/chat", { "if-none-match": etag });
  assert.equal(second.status, 304);
  assert.equal(await second.text(), "");
});

Deno.test("a browser that takes gzip gets the same file smaller", async () => {
  const long = createAssets({ "a.js": entry("/a.js", "script", true, "let a = 1;".repeat(100)) });
  const other = new Hono<AppEnv>();
  staticRoutes(other, { assets: long });
  const headers = { "accept-encoding": "br, gzip" };
  const answer = await other.request("/a.js", { headers });
  assert.equal(answer.headers.get("content-encoding"), "gzip");
  assert.equal(answer.headers.get("vary"), "accept-encoding");
  const packed = await answer.bytes();
  assert.ok(packed.length < 100);
  assert.equal(gunzipSync(packed).toString(), "let a = 1;".repeat(100));
  const plain = await other.request("/a.js", { headers: { "accept-encoding": "br, gzip;q=0" } });
  assert.equal(plain.headers.get("content-encoding"), null);
  assert.notEqual(plain.headers.get("etag"), answer.headers.get("etag"));
});

Deno.test("only the worker that needs it may run WebAssembly, and no page", async () => {
  const policy = async (path: string) =>
    (await get(path)).headers.get("content-security-policy") ?? "";
  assert.match(await policy("/static/opaque_worker.1.js"), /script-src 'self' 'wasm-unsafe-eval'/);
  for (const path of ["/static/chat.123.js", "/chat"]) {
    assert.ok(!(await policy(path)).includes("unsafe"), path);
  }
  assert.match(await policy("/chat"), /require-trusted-types-for 'script'; trusted-types snug$/);
});

Deno.test("path traversal: what is not in the map does not exist", async () => {
  const paths = [
    "/static/../deno.json",
    "/static/..%2fdeno.json",
    "/static/%2e%2e/deno.json",
    "/static/chat.js",
    "/static/",
    "/deno.json",
    "/.git/config",
    "/static/chat.123.js/",
    "/static/chat.123.js%00",
    "/__proto__",
  ];
  for (const path of paths) assert.equal((await get(path)).status, 404, path);
});

Deno.test("a name that the page does not have is a bug, found at once", () => {
  assert.deepEqual(assets.link("chat.js"), {
    href: "/static/chat.123.js",
    integrity: "sha256-q",
  });
  assert.throws(() => assets.link("nothing.js"), /no asset named nothing\.js/);
  assert.throws(() => assets.link("constructor"), /no asset named/);
});
