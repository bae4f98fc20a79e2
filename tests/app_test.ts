import assert from "node:assert/strict";
import { html } from "hono/html";
import { createApp } from "../app.ts";
import { silentLog } from "../log.ts";
import { errorAnswer } from "../protocol/api.ts";
import { decode } from "../protocol/codec.ts";
import { createAssets } from "../routes/assets.ts";
import type { App, RouteDeps } from "../routes/env.ts";
import { HTTP_ERRORS, HttpError } from "../routes/errors.ts";
import { commonHeaders } from "../routes/policy.ts";

const ORIGIN = "https://chat.example.org";
const facts = { address: "192.0.2.1", loopback: false };

function family(app: App): void {
  app.get("/page", (c) => c.html(`<p>${c.var.nonce}</p>`));
  app.post("/echo", async (c) => c.text(await c.req.text()));
  app.delete("/thing", (c) => c.body(null, 204));
  app.get("/away", (c) => c.redirect("/page", 303));
  app.get("/limited", () => {
    throw new HttpError("too-many", 1.2);
  });
  app.get("/broken", () => {
    throw new TypeError("the password is hunter2");
  });
}

function makeApp(changes: Partial<RouteDeps> = {}) {
  const app = createApp({
    version: "1.2.3",
    origin: ORIGIN,
    trustedCertificate: false,
    limits: { bodyBytes: 100 },
    log: silentLog,
    assets: createAssets({}),
    ready: () => true,
    families: [family],
    ...changes,
  });
  return (path: string, init: RequestInit = {}) =>
    Promise.resolve(app.fetch(new Request(ORIGIN + path, init), facts));
}

/** A POST as one of our own pages sends it. */
function post(body: string, headers: Record<string, string | undefined> = {}): RequestInit {
  const all: Record<string, string | undefined> = {
    "origin": ORIGIN,
    "sec-fetch-site": "same-origin",
    "content-type": "application/x-www-form-urlencoded",
    "content-length": String(body.length),
    ...headers,
  };
  const set = Object.entries(all).filter((pair): pair is [string, string] => pair[1] !== undefined);
  return { method: "POST", body, headers: set };
}

Deno.test("/health says ok once ready and 503 before", async () => {
  const ok = await makeApp()("/health");
  assert.equal(ok.status, 200);
  assert.deepEqual(await ok.json(), { status: "ok", version: "1.2.3" });
  const early = await makeApp({ ready: () => false })("/health");
  assert.equal(early.status, 503);
  assert.equal(early.headers.get("retry-after"), "1");
});

Deno.test("every answer carries the security headers, errors too", async () => {
  const get = makeApp();
  for (const path of ["/health", "/page", "/away", "/nothing", "/broken", "/limited"]) {
    const { headers } = await get(path);
    assert.equal(headers.get("x-content-type-options"), "nosniff", path);
    // A page's own forms must say where they come from, with or without a script; no other site hears.
    const html = headers.get("content-type")?.startsWith("text/html");
    assert.equal(headers.get("referrer-policy"), html ? "same-origin" : "no-referrer", path);
    assert.equal(headers.get("cross-origin-opener-policy"), "same-origin", path);
    assert.equal(headers.get("cross-origin-resource-policy"), "same-origin", path);
    assert.equal(headers.get("cache-control"), "no-store", path);
    const policy = headers.get("content-security-policy") ?? "";
    assert.match(policy, /default-src 'none'/, path);
    assert.match(policy, /frame-ancestors 'none'/, path);
    assert.ok(!policy.includes("unsafe-"), path);
  }
});

Deno.test("a file, one that has not changed, and an answer without content carry them too", async () => {
  const file = { path: "/a.js", type: "text/javascript", sha256: "ab".repeat(32), integrity: "" };
  const entry = { ...file, immutable: true, policy: "script", body: btoa("1") } as const;
  const get = makeApp({ assets: createAssets({ "a.js": entry }), trustedCertificate: true });
  const first = await get("/a.js");
  const known = { "if-none-match": first.headers.get("etag") ?? "" };
  const remove = { method: "DELETE", headers: { origin: ORIGIN } };
  const answers = [first, await get("/a.js", { headers: known }), await get("/thing", remove)];
  assert.deepEqual(answers.map(({ status }) => status), [200, 304, 204]);
  for (const { status, headers } of answers) {
    for (const [name, value] of Object.entries(commonHeaders(true))) {
      assert.equal(headers.get(name), value, `${name} of ${status}`);
    }
    assert.match(headers.get("content-security-policy") ?? "", /^default-src 'none'/, `${status}`);
  }
});

Deno.test("a page gets a fresh nonce in its policy and demands trusted types", async () => {
  const get = makeApp();
  const [one, two] = [await get("/page"), await get("/page")];
  const nonce = (await one.text()).slice(3, -4);
  const policy = one.headers.get("content-security-policy") ?? "";
  assert.ok(policy.includes(`script-src 'nonce-${nonce}';`));
  assert.match(policy, /require-trusted-types-for 'script'; trusted-types htmx snug$/);
  assert.equal(one.headers.get("integrity-policy"), "blocked-destinations=(script)");
  assert.notEqual(two.headers.get("content-security-policy"), policy);
});

Deno.test("HSTS is sent only with a certificate that browsers trust, and for this host only", async () => {
  const header = "strict-transport-security";
  assert.equal((await makeApp()("/health")).headers.get(header), null);
  const trusted = await makeApp({ trustedCertificate: true })("/health");
  assert.equal(trusted.headers.get(header), "max-age=31536000");
});

Deno.test("an error of ours is a code and words; a bug is 500 without a word of it", async () => {
  const get = makeApp();
  const limited = await get("/limited");
  assert.equal(limited.status, 429);
  assert.equal(limited.headers.get("retry-after"), "2");
  const broken = await get("/broken", { headers: { accept: "text/html" } });
  assert.equal(broken.status, 500);
  assert.ok(!(await broken.text()).includes("hunter2"));
});

Deno.test("an error comes in the form that the asker reads", async () => {
  const get = makeApp({ problemPage: ({ words }) => html`<p>${words}</p>` });
  const ask = (accept: string) => get("/limited", { headers: { accept } });
  const body = { code: "too-many", message: HTTP_ERRORS["too-many"].words, retryAfter: 2 };
  assert.deepEqual(await (await ask("*/*")).json(), body);
  const cbor = await ask("application/cbor");
  assert.equal(cbor.headers.get("content-type"), "application/cbor");
  assert.deepEqual(decode(errorAnswer, await cbor.bytes()), body);
  const page = await ask("text/html,*/*;q=0.8");
  assert.equal(page.status, 429);
  assert.equal(await page.text(), `<p>${body.message}</p>`);
  assert.match(page.headers.get("content-security-policy") ?? "", /script-src 'nonce-/);
});

Deno.test("our own pages may post", async () => {
  const answer = await makeApp()("/echo", post("a=b"));
  assert.equal(answer.status, 200);
  assert.equal(await answer.text(), "a=b");
});

Deno.test("cross-site request forgery: another origin changes nothing, whatever it sends", async () => {
  const get = makeApp();
  const attacks: Record<string, string | undefined>[] = [
    { origin: "https://evil.example" },
    { origin: "null" },
    { origin: `${ORIGIN}.evil.example` },
    { origin: "http://chat.example.org" },
    { origin: `${ORIGIN}:8443` },
    { "sec-fetch-site": "cross-site" },
    { "sec-fetch-site": "same-site" },
    { origin: undefined, cookie: "__Host-login=x" },
  ];
  for (const headers of attacks) {
    assert.equal((await get("/echo", post("a=b", headers))).status, 403, JSON.stringify(headers));
  }
  const remove = { method: "DELETE", headers: { origin: "https://evil.example" } };
  assert.equal((await get("/thing", remove)).status, 403);
});

Deno.test("the terminal client has no origin and no cookie", async () => {
  const headers = { "origin": undefined, "sec-fetch-site": undefined };
  assert.equal((await makeApp()("/echo", post("a=b", headers))).status, 200);
});

Deno.test("a body says its length and kind, and both are checked before it is read", async () => {
  const get = makeApp();
  const status = async (headers: Record<string, string | undefined>, body = "a=b") =>
    (await get("/echo", post(body, headers))).status;
  assert.equal(await status({ "content-length": undefined }), 411);
  assert.equal(await status({ "content-length": "3e1" }), 411);
  assert.equal(await status({ "transfer-encoding": "chunked" }), 411);
  assert.equal(await status({ "content-length": "101" }), 413);
  assert.equal(await status({ "content-length": "10737418240" }), 413);
  assert.equal(await status({ "content-type": undefined }), 415);
  assert.equal(await status({ "content-type": "multipart/form-data; boundary=x" }), 415);
  assert.equal(await status({ "content-type": "text/plain" }), 415);
  assert.equal(await status({ "content-encoding": "gzip" }), 415);
  assert.equal(await status({ "content-type": "application/json; charset=utf-8" }), 200);
  assert.equal(await status({ "content-type": undefined }, ""), 200);
});

Deno.test("methods that nothing uses are refused", async () => {
  const get = makeApp();
  for (const method of ["OPTIONS", "PATCH", "PROPFIND"]) {
    const answer = await get("/page", { method, headers: { origin: ORIGIN } });
    assert.equal(answer.status, 405, method);
  }
});
