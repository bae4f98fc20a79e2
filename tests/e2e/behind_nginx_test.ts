/** The configuration of docs/self_hosting.md in a real nginx, in front of a real server. */
import assert from "node:assert/strict";
import { readConfig } from "../../config.ts";
import { silentLog } from "../../log.ts";
import { startServer as startHere } from "../../serve.ts";
import { challengeRequest } from "../../protocol/api.ts";
import { encode } from "../../protocol/codec.ts";
import { idFrom } from "../../protocol/ids.ts";
import { withFolder } from "../helpers/backups.ts";
import { nginxTest, startNginx } from "../helpers/nginx.ts";
import { person } from "./people.ts";
import { freePort, startServer } from "./server.ts";
import { passes, signUpIn } from "./talk.ts";

nginxTest(
  "two people talk through nginx, and the proxy's own address opens no metrics",
  () =>
    withFolder(async (folder) => {
      const [outside, inside] = [freePort(), freePort()];
      const data = `${folder}/data`;
      const origin = `https://localhost:${outside}`;
      const flags = ["--trusted-proxy", "127.0.0.1", "--registration", "open"];
      const server = await startServer({ data, port: inside, origin, flags });
      const nginx = await startNginx(folder, outside, inside);
      try {
        const place = { origin, data, profiles: folder, flags: ["--ca", nginx.caFile] };
        const [ana, ben] = [
          await signUpIn(place, person("ana")),
          await signUpIn(place, person("ben")),
        ];
        await passes(ana, ben, "ben", "through the proxy");
        await passes(ben, ana, "ana", "and back");
        for (const each of [ana, ben]) assert.equal(await each.quit(), 0);
        const ask = await askFor(nginx.caFile);
        assert.equal(await ask(`${origin}/health`), 200);
        assert.equal(await ask(`${origin}/metrics`), 404);
      } finally {
        await nginx.stop();
        assert.equal(await server.stop(), 0, server.log());
      }
    }),
);

/** Statuses of requests by a client that trusts nginx's certificate. */
async function askFor(caFile: string | null) {
  const caCerts = caFile === null ? [] : [await Deno.readTextFile(caFile)];
  const client = Deno.createHttpClient({ caCerts, poolMaxIdlePerHost: 0 });
  return async (url: string, init: RequestInit = {}): Promise<number> => {
    const asked: RequestInit & { client: Deno.HttpClient } = { ...init, client };
    const answer = await fetch(url, asked);
    await answer.body?.cancel();
    return answer.status;
  };
}

/** A device asks to log in: counted by address, whoever it is. */
function question(origin: string, forged?: string): RequestInit {
  return {
    method: "POST",
    headers: {
      origin,
      "content-type": "application/cbor",
      ...(forged === undefined ? {} : { "x-forwarded-for": forged }),
    },
    body: encode(challengeRequest, { device: idFrom<"device">(new Uint8Array(16)) }),
  };
}

/** A server that allows two such questions an hour from one address. */
async function withStrictServer(
  proxy: string,
  body: (inside: number, outside: number) => Promise<void>,
): Promise<void> {
  await withFolder(async (folder) => {
    const [outside, inside] = [freePort(), freePort()];
    const flags =
      `--data ${folder} --tls off --listen 127.0.0.1:${inside} --trusted-proxy ${proxy} ` +
      `--origin https://localhost:${outside}`;
    const env: Record<string, string> = { SNUG_LIMIT_CHALLENGES_PER_IP_HOUR: "2" };
    const io = {
      env: (name: string) => env[name],
      print: () => {},
      writeLog: () => {},
      now: () => Date.now(),
      stop: new AbortController().signal,
    };
    const server = await startHere(readConfig(flags.split(" "), io.env), silentLog, io);
    try {
      await body(inside, outside);
    } finally {
      await server.close();
    }
  });
}

nginxTest(
  "visitors are counted by the address nginx writes, whatever they write themselves",
  () =>
    withStrictServer("127.0.0.1", async (inside, outside) => {
      await withFolder(async (folder) => {
        const nginx = await startNginx(folder, outside, inside, "203.0.113.7");
        await using _ended = { [Symbol.asyncDispose]: () => nginx.stop() };
        const ask = await askFor(nginx.caFile);
        const url = `${nginx.origin}/api/login/challenge`;
        const tries: number[] = [];
        for (const forged of ["198.51.100.1", "198.51.100.2", "198.51.100.3, 127.0.0.1"]) {
          tries.push(await ask(url, question(nginx.origin, forged)));
        }
        assert.deepEqual(tries, [200, 200, 429]);
      });
      await withFolder(async (folder) => {
        const nginx = await startNginx(folder, outside, inside, "203.0.113.8");
        await using _ended = { [Symbol.asyncDispose]: () => nginx.stop() };
        const ask = await askFor(nginx.caFile);
        const status = await ask(`${nginx.origin}/api/login/challenge`, question(nginx.origin));
        assert.equal(status, 200, "another visitor has limits of their own");
      });
    }),
);

Deno.test(
  "a forged X-Forwarded-For from elsewhere than the trusted proxy changes nothing",
  { sanitizeOps: false, sanitizeResources: false },
  () =>
    withStrictServer("192.0.2.1", async (inside, outside) => {
      const ask = await askFor(null);
      const tries: number[] = [];
      for (const forged of ["198.51.100.1", "198.51.100.2", "198.51.100.3"]) {
        const asked = question(`https://localhost:${outside}`, forged);
        tries.push(await ask(`http://localhost:${inside}/api/login/challenge`, asked));
      }
      assert.deepEqual(tries, [200, 200, 429]);
    }),
);
