/** `snug serve --domain` as people start it, against a real authority. */
import assert from "node:assert/strict";
import { ACME_DOMAIN } from "../helpers/acme.ts";
import { withFolder } from "../helpers/backups.ts";
import { modeOf } from "../helpers/files.ts";
import { pebbleTest, startPebble } from "../helpers/pebble.ts";
import { exchange, statusOf } from "../helpers/raw_http.ts";
import { freePort, startServer } from "./server.ts";

/** The status of /health behind a certificate that must be the authority's. */
async function health(port: number, root: string): Promise<number | undefined> {
  const tcp = await Deno.connect({ hostname: "127.0.0.1", port });
  const tls = await Deno.startTls(tcp, {
    hostname: ACME_DOMAIN,
    caCerts: [root],
    alpnProtocols: ["http/1.1"],
  });
  const request =
    `GET /health HTTP/1.1\r\nHost: ${ACME_DOMAIN}:${port}\r\nConnection: close\r\n\r\n`;
  await tls.write(new TextEncoder().encode(request));
  return statusOf(await new Response(tls.readable).text());
}

pebbleTest(
  "serve --domain gets a certificate by itself, says so, and has it after a restart",
  () =>
    withFolder(async (folder) => {
      const pebble = await startPebble(folder);
      const root = await pebble.root();
      const port = freePort();
      const options = {
        data: `${folder}/data`,
        port,
        tls: "acme",
        origin: `https://${ACME_DOMAIN}:${port}`,
        flags: [
          ...["--domain", ACME_DOMAIN, "--acme-directory", pebble.directory],
          ...["--acme-ca", pebble.caFile, "--acme-http-listen", `127.0.0.1:${pebble.httpPort}`],
        ],
      } as const;
      const server = await startServer(options);
      await server.says(/Certificate for chat\.example\.org, good until 20\d\d-\d\d-\d\d/);
      // A build with Deno before 2.9 says that it has to be started again first.
      if (!server.log().includes("takes it up when it is started again")) {
        assert.equal(await health(port, root), 200);
      }
      const get = `GET /chat HTTP/1.1\r\nHost: ${ACME_DOMAIN}\r\nConnection: close\r\n\r\n`;
      const plain = await exchange(pebble.httpPort, get);
      assert.equal(statusOf(plain), 308);
      assert.match(plain, new RegExp(`location: https://${ACME_DOMAIN}:${port}/chat`, "i"));
      assert.equal(await modeOf(`${folder}/data/acme-account.key`), 0o600);
      assert.equal(await server.stop(), 0, server.log());
      await pebble.stop();
      const again = await startServer(options);
      assert.equal(await health(port, root), 200, "without asking anybody");
      assert.equal(await again.stop(), 0, again.log());
    }),
);
