import assert from "node:assert/strict";
import { isOwnWorker, trustedScript } from "../../../client/web/trusted_types.ts";

Deno.test("only this page's own workers can be started", () => {
  assert.ok(isOwnWorker("/service_worker.js"));
  assert.ok(isOwnWorker("/static/opaque_worker.0123456789ab.js"));
  for (
    const url of [
      "https://evil.example/service_worker.js",
      "//evil.example/service_worker.js",
      "/service_worker.js?x",
      "/static/opaque_worker.js",
      "/static/opaque_worker.0123456789ab.js/../../api",
      "data:text/javascript,1",
      "blob:https://localhost/1",
      "",
    ]
  ) {
    assert.ok(!isOwnWorker(url), url);
    assert.throws(() => trustedScript(url), TypeError);
  }
});
