import assert from "node:assert/strict";
import { isOwnScript, trustedScript } from "../../../client/web/trusted_types.ts";

Deno.test("only this page's own workers and later parts can be started", () => {
  assert.ok(isOwnScript("/service_worker.js"));
  assert.ok(isOwnScript("/static/opaque_worker.0123456789ab.js"));
  assert.ok(isOwnScript("/static/chat_more.0123456789ab.js"));
  assert.ok(isOwnScript("/static/kem_script.0123456789ab.js"));
  for (
    const url of [
      "https://evil.example/service_worker.js",
      "//evil.example/service_worker.js",
      "/service_worker.js?x",
      "/static/opaque_worker.js",
      "/static/htmx.0123456789ab.js",
      "https://evil.example/static/chat_more.0123456789ab.js",
      "/static/opaque_worker.0123456789ab.js/../../api",
      "data:text/javascript,1",
      "blob:https://localhost/1",
      "",
    ]
  ) {
    assert.ok(!isOwnScript(url), url);
    assert.throws(() => trustedScript(url), TypeError);
  }
});
