import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { RealServer } from "../helpers/real_server.ts";

const loose = { sanitizeOps: false, sanitizeResources: false };

async function withServer(
  tls: "off" | "self-signed",
  body: (ask: (path: string) => Promise<Response>, server: RealServer) => Promise<void>,
): Promise<void> {
  const server = await RealServer.start(tls);
  const caCerts = tls === "off" ? [] : [await Deno.readTextFile(server.caFile)];
  using client = Deno.createHttpClient({ caCerts, http2: false });
  const init: RequestInit & { client: Deno.HttpClient } = { client };
  try {
    await body((path) => fetch(server.origin + path, init), server);
  } finally {
    await server.end();
  }
}

Deno.test(
  "a self-signed server shows its fingerprint, with steps for every system",
  loose,
  () =>
    withServer("self-signed", async (ask, server) => {
      const answer = await ask("/certificate");
      assert.equal(answer.status, 200);
      const text = await answer.text();
      const shown = text.replace(/<[^>]+>/g, " ").replace(/\s+/g, " ");
      assert.ok(shown.includes(server.fingerprint.replaceAll(":", " ")), "as it was printed");
      for (const name of ["iPhone", "Android", "Windows", "Mac", "Linux"]) {
        assert.ok(shown.includes(name), name);
      }
      assert.match(text, /aria-label="The same fingerprint as a QR code"/);
      assert.ok(!text.includes("<script"), "it needs no script");
      const signIn = await (await ask("/sign-in")).text();
      assert.match(signIn, /<a href="\/certificate">Make this device trust it<\/a>/);
    }),
);

Deno.test(
  "the certificate is downloaded in the two forms that systems take, and no key with it",
  loose,
  () =>
    withServer("self-signed", async (ask, server) => {
      const own = new X509Certificate(await Deno.readTextFile(server.caFile));
      const crt = await ask("/certificate/snug.crt");
      assert.equal(crt.headers.get("content-type"), "application/x-x509-ca-cert");
      assert.equal(crt.headers.get("content-disposition"), 'attachment; filename="snug.crt"');
      const der = new X509Certificate(new Uint8Array(await crt.arrayBuffer()));
      assert.equal(der.fingerprint256, own.fingerprint256);
      assert.ok(der.ca);
      const pem = await ask("/certificate/snug.pem");
      assert.equal(pem.headers.get("content-type"), "application/x-pem-file");
      const text = await pem.text();
      assert.equal(new X509Certificate(text).fingerprint256, own.fingerprint256);
      assert.ok(!text.includes("PRIVATE KEY"));
    }),
);

Deno.test(
  "a server without a certificate of its own has no such page",
  loose,
  () =>
    withServer("off", async (ask) => {
      for (const path of ["/certificate", "/certificate/snug.crt", "/certificate/snug.pem"]) {
        const answer = await ask(path);
        await answer.body?.cancel();
        assert.equal(answer.status, 404, path);
      }
      assert.ok(!(await (await ask("/sign-in")).text()).includes("/certificate"));
    }),
);
