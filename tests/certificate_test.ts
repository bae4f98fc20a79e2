import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { fingerprint, selfSigned } from "../certificate.ts";

const DAY = 86_400_000;
const NOW = Date.UTC(2026, 0, 1);

async function inFolder(body: (dir: string) => Promise<void>) {
  const dir = await Deno.makeTempDir();
  try {
    await body(`${dir}/data`);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

/** The leaf and the CA of a chain. */
function chain(pem: string): [X509Certificate, X509Certificate] {
  const [leaf, ca] = pem.split(/(?<=-----END CERTIFICATE-----\n)/);
  return [new X509Certificate(leaf ?? ""), new X509Certificate(ca ?? "")];
}

Deno.test("the first start makes a CA and a leaf of it for every local name", async () => {
  await inFolder(async (dir) => {
    const made = await selfSigned(dir, ["snug.lan", "192.168.1.7"], NOW);
    const [leaf, ca] = chain(made.pair.cert);
    assert.equal(leaf.issuer, ca.subject);
    assert.equal(leaf.ca, false);
    assert.equal(ca.ca, true);
    assert.ok(leaf.checkIssued(ca));
    for (const name of ["localhost", "127.0.0.1", "snug.lan", "192.168.1.7"]) {
      assert.ok(leaf.subjectAltName?.includes(name), name);
    }
    assert.equal(made.fingerprint, ca.fingerprint256);
    assert.equal(await fingerprint(await Deno.readTextFile(made.caFile)), made.fingerprint);
  });
});

Deno.test("private keys can be read by their owner only", async () => {
  await inFolder(async (dir) => {
    await selfSigned(dir, [], NOW);
    for (const key of ["ca.key", "server.key"]) {
      assert.equal((await Deno.stat(`${dir}/${key}`)).mode! & 0o777, 0o600, key);
    }
    assert.equal((await Deno.stat(dir)).mode! & 0o777, 0o700);
  });
});

Deno.test("the next start takes what is there", async () => {
  await inFolder(async (dir) => {
    const first = await selfSigned(dir, [], NOW);
    assert.deepEqual(await selfSigned(dir, [], NOW + DAY), first);
  });
});

Deno.test("the leaf is renewed a month before its end, under the same CA", async () => {
  await inFolder(async (dir) => {
    const first = await selfSigned(dir, [], NOW);
    const later = await selfSigned(dir, [], NOW + 370 * DAY);
    assert.notEqual(later.pair.cert, first.pair.cert);
    assert.equal(later.fingerprint, first.fingerprint);
    const [leaf] = chain(later.pair.cert);
    assert.ok(Date.parse(leaf.validTo) > NOW + 700 * DAY);
  });
});

Deno.test("a new name gets a new leaf, and a lost key is made again", async () => {
  await inFolder(async (dir) => {
    const first = await selfSigned(dir, [], NOW);
    const named = await selfSigned(dir, ["snug.lan"], NOW);
    assert.notEqual(named.pair.cert, first.pair.cert);
    await Deno.remove(`${dir}/server.key`);
    const again = await selfSigned(dir, ["snug.lan"], NOW);
    assert.notEqual(again.pair.key, named.pair.key);
    assert.equal(again.fingerprint, first.fingerprint);
  });
});

Deno.test("a leaf of another CA is not used", async () => {
  await inFolder(async (dir) => {
    const first = await selfSigned(dir, [], NOW);
    for (const file of ["ca.pem", "ca.key"]) await Deno.remove(`${dir}/${file}`);
    const other = await selfSigned(dir, [], NOW);
    assert.notEqual(other.fingerprint, first.fingerprint);
    const [leaf, ca] = chain(other.pair.cert);
    assert.ok(leaf.verify(ca.publicKey), "the leaf is signed by the CA that is shown");
  });
});
