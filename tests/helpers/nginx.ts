/** A real nginx in a folder of its own, with the configuration that docs/self_hosting.md shows. */
import { selfSigned } from "../../certificate.ts";

const PLACES = ["/usr/sbin/nginx", "/usr/bin/nginx", "/usr/local/sbin/nginx"];
const PROGRAM = PLACES.find((place) => {
  try {
    return Deno.statSync(place).isFile;
  } catch {
    return false;
  }
});

/** Registers a test, or says that it is skipped where there is no nginx. */
export function nginxTest(name: string, body: () => Promise<void>): void {
  Deno.test({
    name: PROGRAM ? name : `${name} (skipped: no nginx here; apt-get install nginx)`,
    ignore: PROGRAM === undefined,
    sanitizeOps: false,
    sanitizeResources: false,
    fn: body,
  });
}

export interface Nginx {
  readonly origin: string;
  /** The certificate to trust. */
  readonly caFile: string;
  stop(): Promise<void>;
}

/** The block that people copy, from the page that they copy it from. */
async function documented(): Promise<string> {
  const page = await Deno.readTextFile(new URL("../../docs/self_hosting.md", import.meta.url));
  const block = /```nginx\n([\s\S]*?)```/.exec(page)?.[1];
  if (block === undefined) throw new Error("docs/self_hosting.md shows no nginx configuration");
  return block;
}

/**
 * Starts it in front of `backend`, a port of this machine. `client` is the address that visitors
 * seem to come from; by default their own.
 */
export async function startNginx(
  folder: string,
  port: number,
  backend: number,
  client?: string,
): Promise<Nginx> {
  const { pair, caFile } = await selfSigned(`${folder}/tls`, [], Date.now());
  await Deno.writeTextFile(`${folder}/chain.pem`, pair.cert);
  await Deno.writeTextFile(`${folder}/chain.key`, pair.key, { mode: 0o600 });
  const site = (await documented())
    .replace("listen 443 ssl", `listen 127.0.0.1:${port} ssl`)
    .replace(/ssl_certificate +\S+;/, `ssl_certificate ${folder}/chain.pem;`)
    .replace(/ssl_certificate_key +\S+;/, `ssl_certificate_key ${folder}/chain.key;`)
    .replace("server_name chat.example.org", "server_name localhost")
    .replace("127.0.0.1:8080", `127.0.0.1:${backend}`)
    .replace("$remote_addr", client ?? "$remote_addr");
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
    .map((name) => `${name}_temp_path ${folder}/${name};`);
  const config = [
    `pid ${folder}/nginx.pid; error_log ${folder}/error.log; worker_processes 1;`,
    ...(Deno.uid() === 0 ? ["user root;"] : []),
    "events { worker_connections 256; }",
    `http { access_log off; ${temporary.join(" ")}`,
    site,
    "}",
  ];
  await Deno.writeTextFile(`${folder}/nginx.conf`, config.join("\n"));
  const args = ["-p", folder, "-c", `${folder}/nginx.conf`, "-e", `${folder}/error.log`];
  const run = (extra: string[]) =>
    new Deno.Command(PROGRAM!, { args: [...args, ...extra], stdin: "null" });
  const checked = await run(["-t"]).output();
  if (!checked.success) throw new Error(new TextDecoder().decode(checked.stderr));
  // As a daemon it returns once it listens.
  const { success } = await run([]).output();
  if (!success) throw new Error(await Deno.readTextFile(`${folder}/error.log`));
  return {
    origin: `https://localhost:${port}`,
    caFile,
    async stop() {
      await run(["-s", "stop"]).output();
    },
  };
}
