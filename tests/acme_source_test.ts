import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { openAcme } from "../acme_source.ts";
import { ACME_CERTIFICATE, issued } from "../acme_store.ts";
import type { CertificatePair } from "../listener.ts";
import { freePort } from "./e2e/server.ts";
import { ACME_DOMAIN, acmeConfig, patientIo, withPebble } from "./helpers/acme.ts";
import { withFolder } from "./helpers/backups.ts";
import { modeOf, namesIn } from "./helpers/files.ts";
import { pebbleTest } from "./helpers/pebble.ts";

pebbleTest(
  "a first certificate comes, is kept privately and used again at the next start",
  () =>
    withPebble(async (pebble, dataDir) => {
      const config = acmeConfig(dataDir, pebble);
      const { io, said, idle } = patientIo();
      const source = await openAcme(config, io);
      assert.equal(source.first, null);
      assert.match(
        source.lines[0]!,
        /^Asking localhost:\d+ for a certificate for chat\.example\.org/,
      );
      const taken: CertificatePair[] = [];
      const stop = source.watch((pair) => taken.push(pair));
      await idle();
      stop();
      assert.equal(taken.length, 1, said.join("\n"));
      const leaf = new X509Certificate(taken[0]!.cert);
      assert.equal(leaf.checkHost(ACME_DOMAIN), ACME_DOMAIN);
      assert.match(said[0]!, /^Certificate for chat\.example\.org, good until 20\d\d-/);
      assert.deepEqual(await namesIn(dataDir), ["acme-account.key", "acme.json", ACME_CERTIFICATE]);
      for (const name of await namesIn(dataDir)) {
        assert.equal(await modeOf(`${dataDir}/${name}`), 0o600);
      }
      const again = await openAcme(acmeConfig(dataDir, { ...pebble, httpPort: freePort() }), io);
      assert.deepEqual(again.first?.cert.trim(), taken[0]!.cert.trim());
      assert.equal(again.first?.key.trim(), taken[0]!.key.trim());
      again.watch(() => assert.fail("it is new"))();
    }),
);

pebbleTest(
  "after two thirds of its life it is renewed, by the same account and with a new key",
  () =>
    withPebble(async (pebble, dataDir) => {
      const { io, clock, idle, pass, said } = patientIo();
      const source = await openAcme(acmeConfig(dataDir, pebble), io);
      const taken: CertificatePair[] = [];
      const stop = source.watch((pair) => taken.push(pair));
      await idle();
      const { from, until } = issued(taken[0]!);
      const account = await Deno.readTextFile(`${dataDir}/acme-account.key`);
      pass(from + (until - from) * 2 / 3 - clock.now - 1000);
      await idle();
      assert.equal(taken.length, 1, "a second too early");
      pass(2_000);
      await idle();
      stop();
      assert.equal(taken.length, 2, said.join("\n"));
      assert.notEqual(taken[1]!.key, taken[0]!.key);
      assert.equal(await Deno.readTextFile(`${dataDir}/acme-account.key`), account);
    }),
);

pebbleTest(
  "a wrong port 80 and a wrong name are said in words, and tried again less and less often",
  () =>
    withPebble(async (pebble, dataDir) => {
      const elsewhere = { ...pebble, httpPort: freePort() };
      const { io, idle, pass, said, pauses } = patientIo();
      const source = await openAcme(acmeConfig(dataDir, elsewhere), io);
      const stop = source.watch(() => assert.fail("there can be none"));
      await idle();
      assert.match(
        said[0]!,
        /nobody answers at http:\/\/chat\.example\.org\/\. Point .* at this machine/,
      );
      assert.match(
        said[0]!,
        /let port 80 through the firewall to port \d+ here\. Trying again in a minute\./,
      );
      pass(60_000);
      await idle();
      assert.match(said[1]!, /Trying again in 5 minutes\.$/);
      stop();
      assert.deepEqual(pauses, [60_000, 300_000]);
      const kept = JSON.parse(await Deno.readTextFile(`${dataDir}/acme.json`));
      assert.equal(kept.failures, 2);
      assert.match(kept.problem, /nobody answers/);
    }),
);

pebbleTest(
  "port 80 that is answered by another program is said in words",
  () =>
    withPebble(async (pebble, dataDir) => {
      const other = Deno.serve(
        { hostname: "127.0.0.1", port: pebble.httpPort, onListen: () => {} },
        () => new Response("another server"),
      );
      const { io, idle, said } = patientIo();
      const source = await openAcme(acmeConfig(dataDir, { ...pebble, httpPort: freePort() }), io);
      const stop = source.watch(() => assert.fail("there can be none"));
      await idle();
      stop();
      assert.match(said[0]!, /something else answers http:\/\/chat\.example\.org\//);
      await other.shutdown();
    }),
);

pebbleTest(
  "a name that leads nowhere is said in words",
  () =>
    withPebble(async (pebble, dataDir) => {
      await pebble.forgetNames();
      const { io, idle, said } = patientIo();
      const source = await openAcme(acmeConfig(dataDir, pebble), io);
      const stop = source.watch(() => assert.fail("there can be none"));
      await idle();
      stop();
      assert.match(said[0]!, /chat\.example\.org leads to no address\. Add an A or AAAA record/);
    }),
);

pebbleTest(
  "an authority that is not trusted is said in words",
  () =>
    withPebble(async (pebble, dataDir) => {
      const config = acmeConfig(dataDir, pebble);
      const { io, idle, said } = patientIo();
      const strange = { ...config, acme: { ...config.acme!, caFile: undefined } };
      const source = await openAcme(strange, io);
      const stop = source.watch(() => assert.fail("there can be none"));
      await idle();
      stop();
      assert.match(said[0]!, /cannot be reached, or its own certificate is not trusted.*--acme-ca/);
    }),
);

Deno.test("a port 80 that is taken stops a server without a certificate, in words", () =>
  withFolder(async (root) => {
    const taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const httpPort = (taken.addr as Deno.NetAddr).port;
    const config = acmeConfig(root, { directory: "https://localhost/", caFile: "", httpPort });
    const open = openAcme(
      { ...config, acme: { ...config.acme!, caFile: undefined } },
      patientIo().io,
    );
    await assert.rejects(
      open,
      /^Error: cannot listen on 127\.0\.0\.1:\d+: the address is in use\./,
    );
    taken.close();
  }));

Deno.test("--acme-ca must be a certificate", () =>
  withFolder(async (root) => {
    const config = acmeConfig(root, { directory: "https://localhost/", caFile: root, httpPort: 1 });
    await assert.rejects(openAcme(config, patientIo().io), /--acme-ca .*: cannot be read as a PEM/);
  }));
