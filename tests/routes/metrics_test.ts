import assert from "node:assert/strict";
import { createApp } from "../../app.ts";
import { silentLog } from "../../log.ts";
import { createAssets } from "../../routes/assets.ts";
import { createMetrics } from "../../routes/metrics.ts";

function makeApp(token?: string) {
  const metrics = createMetrics({ token, gauges: () => ({ snug_sockets: 3 }) });
  const app = createApp({
    version: "1",
    origin: "https://chat.example.org",
    trustedCertificate: false,
    limits: { bodyBytes: 1 },
    log: silentLog,
    assets: createAssets({}),
    ready: () => true,
    answered: metrics.answered,
    families: [metrics.routes],
  });
  return (path: string, loopback: boolean, authorization?: string) => {
    const headers: Record<string, string> = authorization ? { authorization } : {};
    const request = new Request(`https://chat.example.org${path}`, { headers });
    return Promise.resolve(app.fetch(request, { address: "192.0.2.1", loopback }));
  };
}

Deno.test("this machine may read the numbers", async () => {
  const get = makeApp();
  await get("/health", false);
  await get("/nothing", false);
  await get("/nothing", false);
  const answer = await get("/metrics", true);
  assert.match(answer.headers.get("content-type") ?? "", /^text\/plain; version=0\.0\.4/);
  assert.equal(
    await answer.text(),
    "# TYPE snug_http_answers_total counter\n" +
      'snug_http_answers_total{status="2xx"} 1\nsnug_http_answers_total{status="4xx"} 2\n' +
      "# TYPE snug_sockets gauge\nsnug_sockets 3\n",
  );
});

Deno.test("from elsewhere the address does not exist without the token", async () => {
  const token = "correct horse battery";
  assert.equal((await makeApp()("/metrics", false, `Bearer ${token}`)).status, 404);
  const get = makeApp(token);
  for (const header of [undefined, "Bearer wrong", token, "Bearer "]) {
    assert.equal((await get("/metrics", false, header)).status, 404, `${header}`);
  }
  assert.equal((await get("/metrics", false, `Bearer ${token}`)).status, 200);
});
