import assert from "node:assert/strict";
import { selfSigned } from "../certificate.ts";
import { openCertificate } from "../certificate_source.ts";
import { limitsWith } from "../limits.ts";
import type { CertificatePair } from "../listener.ts";
import { createLog, silentLog } from "../log.ts";

const NOW = Date.UTC(2026, 0, 1);

async function inFolder(body: (dir: string) => Promise<void>) {
  const dir = await Deno.makeTempDir();
  try {
    await body(dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

const files = (dir: string) => ({ cert: `${dir}/own.pem`, key: `${dir}/own.key` });

async function write(dir: string, pair: CertificatePair) {
  await Deno.writeTextFile(files(dir).cert, pair.cert);
  await Deno.writeTextFile(files(dir).key, pair.key);
}

function open(dir: string, tls: "files" | "self-signed" | "off", log = silentLog) {
  const settings = {
    dataDir: dir,
    domain: undefined,
    origin: "https://localhost:8443",
    tls,
    tlsFiles: tls === "files" ? files(dir) : undefined,
    acme: undefined,
    isTrustedProxy: () => false,
    limits: limitsWith(),
  };
  return openCertificate(settings, { now: () => NOW, log, say: () => {} });
}

Deno.test("without TLS there is no certificate", async () => {
  assert.equal(await open("/nowhere", "off"), undefined);
});

Deno.test("self-signed tells people which certificate to trust", async () => {
  await inFolder(async (dir) => {
    const source = await open(dir, "self-signed");
    assert.match(source?.lines.join("\n") ?? "", /ca\.pem\nIts SHA-256: ([0-9A-F]{2}:){31}/);
    source?.watch(() => assert.fail("nothing has changed"))();
  });
});

Deno.test("own files that are missing or do not belong together stop the start in words", async () => {
  await inFolder(async (dir) => {
    const missing =
      /^ConfigError: --tls-(cert|key) \S+own\.(pem|key): there is no such file or folder\.$/;
    await assert.rejects(open(dir, "files"), missing);
    await write(dir, { cert: "nothing", key: "nothing" });
    await assert.rejects(open(dir, "files"), /--tls-cert .*own\.pem .*: cannot be read as PEM/);
    const [one, two] = [
      await selfSigned(`${dir}/1`, [], NOW),
      await selfSigned(`${dir}/2`, [], NOW),
    ];
    await write(dir, { cert: one.pair.cert, key: two.pair.key });
    await assert.rejects(open(dir, "files"), /the key is not the certificate's\.$/);
  });
});

Deno.test("changed files are taken up, a half-written pair is not", async () => {
  await inFolder(async (dir) => {
    const [one, two] = [
      await selfSigned(`${dir}/1`, [], NOW),
      await selfSigned(`${dir}/2`, [], NOW),
    ];
    await write(dir, one.pair);
    const refused = Promise.withResolvers<void>();
    const log = createLog({
      level: "warn",
      now: () => NOW,
      write: (line) => line.includes("certificate.refused") && refused.resolve(),
    });
    const source = await open(dir, "files", log);
    assert.deepEqual(source?.pair, one.pair);
    const taken = Promise.withResolvers<CertificatePair>();
    const stop = source?.watch(taken.resolve);
    await Deno.writeTextFile(files(dir).cert, two.pair.cert);
    await refused.promise;
    await Deno.writeTextFile(files(dir).key, two.pair.key);
    assert.deepEqual(await taken.promise, two.pair);
    stop?.();
  });
});
