import assert from "node:assert/strict";
import { createApp } from "../../app.ts";
import { Meter } from "../../hub/meter.ts";
import { silentLog } from "../../log.ts";
import { createAssets } from "../../routes/assets.ts";
import { createMetrics } from "../../routes/metrics.ts";

function makeApp(token?: string, meter = new Meter()) {
  const metrics = createMetrics({
    ...{ token, meter, sockets: () => 3, memory: () => 2 ** 20, now: () => 600_000 },
    queue: () => Promise.resolve({ waiting: 7, oldestMinute: 4 }),
  });
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
  const text = await answer.text();
  for (
    const line of [
      'snug_http_answers_total{status="2xx"} 1',
      'snug_http_answers_total{status="4xx"} 2',
      "snug_queue_envelopes 7",
      "snug_queue_age_seconds 360",
      "snug_sockets 3",
      "process_resident_memory_bytes 1048576",
    ]
  ) assert.ok(text.includes(`\n${line}\n`), line);
});

Deno.test("what the relay counts is there, in the format that Prometheus reads", async () => {
  const meter = new Meter();
  Object.assign(meter, { accepted: 5, delivered: 6, acked: 4, failedCommits: 1 });
  meter.refused.add("rate");
  meter.refused.add("rate");
  meter.closed.add("1008");
  meter.errors.add('odd "event"\n');
  for (const seconds of [0.0001, 0.003, 0.003, 99]) meter.commitSeconds.observe(seconds);
  const text = await (await makeApp(undefined, meter)("/metrics", true)).text();
  for (
    const line of [
      "snug_accepted_total 5",
      "snug_delivered_total 6",
      "snug_acked_total 4",
      "snug_failed_commits_total 1",
      'snug_refused_total{code="rate"} 2',
      'snug_closed_total{code="1008"} 1',
      'snug_errors_total{event="odd \\"event\\"\\n"} 1',
      'snug_commit_seconds_bucket{le="0.0005"} 1',
      'snug_commit_seconds_bucket{le="0.002"} 1',
      'snug_commit_seconds_bucket{le="0.005"} 3',
      'snug_commit_seconds_bucket{le="+Inf"} 4',
      "snug_commit_seconds_count 4",
    ]
  ) assert.ok(text.includes(`\n${line}\n`), line);
  const names = [...text.matchAll(/^# TYPE (\S+) /gm)].map(([, name]) => name);
  assert.equal(new Set(names).size, names.length, "each family once");
  for (const line of text.trimEnd().split("\n")) {
    assert.match(line, /^(# (HELP|TYPE) \S+ .+|[a-z_]+(\{[a-z]+="([^"\\]|\\.)*"\})? [0-9.e+-]+)$/);
  }
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
