import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { connect } from "node:tls";
import { openAcme } from "../acme_source.ts";
import { issued } from "../acme_store.ts";
import type { CertificatePair } from "../listener.ts";
import { ACME_DOMAIN, acmeConfig, patientIo, withPebble } from "./helpers/acme.ts";
import { whileListening } from "./helpers/listening.ts";
import { pebbleTest } from "./helpers/pebble.ts";

/** A socket to an echo behind TLS, by hand, so that the certificate it was opened with is known. */
async function openSocket(port: number, root: string) {
  const tcp = await Deno.connect({ hostname: "127.0.0.1", port });
  const tls = await Deno.startTls(tcp, {
    hostname: ACME_DOMAIN,
    caCerts: [root],
    alpnProtocols: ["http/1.1"],
  });
  await tls.write(new TextEncoder().encode(
    `GET /echo HTTP/1.1\r\nHost: ${ACME_DOMAIN}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
      `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${btoa("sixteen bytes ok")}\r\n\r\n`,
  ));
  const read = async () => {
    const buffer = new Uint8Array(4096);
    return buffer.subarray(0, await tls.read(buffer) ?? 0);
  };
  assert.match(new TextDecoder().decode(await read()), /^HTTP\/1\.1 101 /);
  return {
    /** One masked text frame of one letter (RFC 6455 section 5.2), and its echo. */
    async echo(letter: string): Promise<string> {
      await tls.write(new Uint8Array([0x81, 0x81, 0, 0, 0, 0, letter.charCodeAt(0)]));
      const frame = await read();
      return String.fromCharCode(frame[2] ?? 0);
    },
    close: () => tls.close(),
  };
}

/** node:https there cannot change its certificate. */
const OLD_RUNTIME = /^2\.[0-8]\./.test(Deno.version.deno);

function leafOf({ cert }: CertificatePair): string {
  return new X509Certificate(cert).fingerprint256;
}

/** SHA-256 of the certificate that a new connection is shown. */
function shownLeaf(port: number, ca: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: "127.0.0.1", port, ca, servername: ACME_DOMAIN }, () => {
      resolve(new X509Certificate(socket.getPeerCertificate().raw).fingerprint256);
      socket.destroy();
    });
    socket.on("error", reject);
  });
}

pebbleTest(
  "a renewed certificate is taken up, and a socket that was open stays open",
  () =>
    withPebble(async (pebble, dataDir) => {
      const { io, clock, idle, pass } = patientIo();
      const source = await openAcme(acmeConfig(dataDir, pebble), io);
      const first = Promise.withResolvers<CertificatePair>();
      let take: (pair: CertificatePair) => void = first.resolve;
      const stop = source.watch((pair) => take(pair));
      const certificate = await first.promise;
      await idle();
      const echo = () =>
        Promise.resolve({
          accept: (open: { on: CallableFunction; send: CallableFunction }) =>
            open.on("message", (said: unknown) => open.send(String(said))),
        });
      const doors = new Map([["/echo", echo as never]]);
      await whileListening({ certificate, hosts: [ACME_DOMAIN], doors }, async (listener) => {
        const root = await pebble.root();
        const socket = await openSocket(listener.port, root);
        assert.equal(await socket.echo("a"), "a");
        let [renewed, changes, newest] = [0, false, certificate];
        take = (pair) => {
          newest = pair;
          renewed++;
          assert.notEqual(pair.cert, certificate.cert);
          changes = listener.replaceCertificate(pair);
        };
        const { from, until } = issued(certificate);
        pass(from + (until - from) * 0.7 - clock.now);
        await idle();
        assert.equal(renewed, 1);
        assert.equal(changes, !OLD_RUNTIME);
        if (changes) assert.equal(await shownLeaf(listener.port, root), leafOf(newest));
        assert.equal(await socket.echo("b"), "b");
        const later = await openSocket(listener.port, root);
        assert.equal(await later.echo("c"), "c");
        assert.equal(await socket.echo("d"), "d");
        for (const each of [socket, later]) each.close();
      });
      stop();
    }),
);
