/** A real certificate authority on this machine: Debian's pebble, where it is installed. */
import { dirname } from "node:path";
import { selfSigned } from "../../certificate.ts";
import { freePort } from "../e2e/server.ts";

const NAMES = ["pebble", "pebble-challtestsrv"] as const;

/** Registers a test, or says that it is skipped where there is no pebble. */
export function pebbleTest(name: string, body: () => Promise<void>): void {
  Deno.test({
    name: hasPebble ? name : `${name} (skipped: no pebble here; apt-get install pebble)`,
    ignore: !hasPebble,
    // node:http keeps handles for a moment after close, acme-client its timers.
    sanitizeOps: false,
    sanitizeResources: false,
    fn: body,
  });
}

const hasPebble = NAMES.every((name) => {
  const places = (Deno.env.get("PATH") ?? "").split(":");
  return places.some((place) => {
    try {
      return Deno.statSync(`${place}/${name}`).isFile;
    } catch {
      return false;
    }
  });
});

/** A running authority. */
export interface Pebble {
  readonly directory: string;
  /** Certificate of the authority's own server, for `--acme-ca`. */
  readonly caFile: string;
  /** The port the authority takes for port 80. */
  readonly httpPort: number;
  /** The certificate that everything it signs ends in, PEM. */
  root(): Promise<string>;
  /** From now on no name leads anywhere. */
  forgetNames(): Promise<void>;
  stop(): Promise<void>;
}

/** Starts one whose names all lead to 127.0.0.1. */
export async function startPebble(folder: string): Promise<Pebble> {
  const [listen, manage, dns, dnsManage, httpPort] = Array.from({ length: 5 }, freePort);
  const own = await selfSigned(`${folder}/authority`, [], Date.now());
  await Deno.writeTextFile(`${folder}/authority.pem`, own.pair.cert);
  await Deno.writeTextFile(`${folder}/authority.key`, own.pair.key, { mode: 0o600 });
  const config = {
    pebble: {
      listenAddress: `127.0.0.1:${listen}`,
      managementListenAddress: `127.0.0.1:${manage}`,
      certificate: `${folder}/authority.pem`,
      privateKey: `${folder}/authority.key`,
      httpPort,
      tlsPort: freePort(),
      ocspResponderURL: "",
      externalAccountBindingRequired: false,
    },
  };
  await Deno.writeTextFile(`${folder}/pebble.json`, JSON.stringify(config));
  const names = run("pebble-challtestsrv", [
    ...["-dns01", `127.0.0.1:${dns}`, "-management", `127.0.0.1:${dnsManage}`],
    ...["-http01", "", "-https01", "", "-tlsalpn01", "", "-defaultIPv6", ""],
  ]);
  const authority = run(
    "pebble",
    ["-config", `${folder}/pebble.json`, "-dnsserver", `127.0.0.1:${dns}`],
    { PEBBLE_VA_NOSLEEP: "1", PEBBLE_WFE_NONCEREJECT: "20" },
  );
  await authority.said("Listening on");
  await names.said("Starting management server");
  const client = Deno.createHttpClient({ caCerts: [await Deno.readTextFile(own.caFile)] });
  const ask = async (url: string) => {
    const init: RequestInit & { client: Deno.HttpClient } = { client };
    return await (await fetch(url, init)).text();
  };
  return {
    directory: `https://localhost:${listen}/dir`,
    caFile: own.caFile,
    httpPort: httpPort!,
    root: () => ask(`https://localhost:${manage}/roots/0`),
    async forgetNames() {
      const url = `http://127.0.0.1:${dnsManage}/set-default-ipv4`;
      await (await fetch(url, { method: "POST", body: '{"ip":""}' })).body?.cancel();
    },
    async stop() {
      client.close();
      await Promise.all([authority.end(), names.end()]);
    },
  };
}

function run(command: string, args: string[], env: Record<string, string> = {}) {
  const child = new Deno.Command(command, {
    args,
    env,
    cwd: dirname(args.find((arg) => arg.endsWith(".json")) ?? "/tmp/x"),
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  let text = "";
  const waiting: [string, () => void][] = [];
  const read = async (stream: ReadableStream<Uint8Array>) => {
    const decoder = new TextDecoder();
    for await (const chunk of stream) {
      text += decoder.decode(chunk, { stream: true });
      for (const [words, resolve] of waiting) if (text.includes(words)) resolve();
    }
  };
  const done = Promise.all([read(child.stdout), read(child.stderr)]);
  return {
    said: (words: string) =>
      new Promise<void>((resolve, reject) => {
        waiting.push([words, resolve]);
        if (text.includes(words)) resolve();
        done.then(() => reject(new Error(`${command} ended:\n${text}`)), reject);
      }),
    async end() {
      try {
        child.kill("SIGTERM");
      } catch (error) {
        // It has ended by itself.
        if (!(error instanceof TypeError)) throw error;
      }
      await child.status;
      await done;
    },
  };
}
