import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import project from "../deno.json" with { type: "json" };
import { type LimitName, LIMITS, limitVariable } from "../limits.ts";
import { main } from "../main.ts";
import type { CommandIo } from "../serve.ts";
import { SETTINGS } from "../settings.ts";

/** Runs one command line in this process and collects what it says. */
async function run(args: string[], env: Record<string, string> = {}, stop = AbortSignal.abort()) {
  const printed: string[] = [];
  const logged: string[] = [];
  const io: CommandIo = {
    env: (name) => env[name],
    print: (line) => printed.push(line),
    writeLog: (line) => logged.push(line),
    now: () => Date.now(),
    stop,
  };
  const status = await main(args, io);
  return { status, printed: printed.join("\n"), logged: logged.join("\n") };
}

Deno.test("version prints the version of the project file", async () => {
  for (const word of ["version", "--version"]) {
    const { status, printed } = await run([word]);
    assert.equal(status, 0);
    assert.equal(printed, `snug ${project.version}`);
  }
});

Deno.test("without a command it explains itself and exits 2, with --help 0", async () => {
  const bare = await run([]);
  assert.equal(bare.status, 2);
  for (const word of ["serve", "version"]) {
    assert.match(bare.printed, new RegExp(`^  ${word} `, "m"));
  }
  assert.deepEqual(await run(["--help"]), { ...bare, status: 0 });
});

Deno.test("an unknown command is one line and exit 2", async () => {
  for (const name of ["srve", "constructor", "__proto__", "a\nb"]) {
    const { status, logged } = await run([name]);
    assert.equal(status, 2);
    assert.match(logged, /^snug: .* is no command\. Try snug --help\.$/);
  }
});

Deno.test("serve --help explains every flag, its variable and every limit", async () => {
  const { status, printed } = await run(["serve", "--help"]);
  assert.equal(status, 0);
  for (const { flag, env } of Object.values(SETTINGS)) {
    assert.match(printed, new RegExp(`^  --${flag} `, "m"));
    assert.ok(printed.includes(env), env);
  }
  for (const name of Object.keys(LIMITS)) {
    assert.ok(printed.includes(limitVariable(name as LimitName)), name);
  }
});

Deno.test("a bad value stops the start with one line and exit 2", async () => {
  const { status, logged } = await run(["serve", "--tls", "maybe"]);
  assert.equal(status, 2);
  assert.equal(logged, "snug: --tls maybe: expected one of self-signed, acme, files, off.");
});

Deno.test("serve starts, says where it is and whom to trust, and stops with 0", async () => {
  const data = await Deno.makeTempDir();
  const args = ["serve", "--data", `${data}/new`, "--listen", "127.0.0.1:0"];
  const { status, printed, logged } = await run(args);
  assert.equal(status, 0);
  assert.match(printed, /^Snug \d+\.\d+\.\d+ is at https:\/\/localhost:\d+$/m);
  assert.match(printed, /Sign-up codes go to this console and .*new\/outbox/);
  assert.match(printed, /Its SHA-256: ([0-9A-F]{2}:){31}[0-9A-F]{2}$/m);
  assert.deepEqual(
    logged.split("\n").map((line) => JSON.parse(line).event),
    ["server.started", "server.stopped"],
  );
  await Deno.remove(data, { recursive: true });
});

Deno.test("a port that is taken is one line and exit 1", async () => {
  const taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = taken.addr as Deno.NetAddr;
  const args = ["serve", "--tls", "off", "--listen", `127.0.0.1:${port}`];
  const { status, logged } = await run(args, { SNUG_DATA: await Deno.makeTempDir() });
  taken.close();
  assert.equal(status, 1);
  assert.match(logged, new RegExp(`^snug: cannot listen on 127\\.0\\.0\\.1:${port}: .*in use`));
});

const ROOT = fileURLToPath(new URL("..", import.meta.url));

function spawn(...args: string[]): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args,
    cwd: ROOT,
    env: { NO_COLOR: "1" },
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).spawn();
}

async function untilSaid(stream: ReadableStream<Uint8Array>, text: string): Promise<string> {
  let heard = "";
  for await (const chunk of stream.pipeThrough(new TextDecoderStream() as TransformStream)) {
    heard += chunk;
    if (heard.includes(text)) break;
  }
  return heard;
}

for (const signal of ["SIGTERM", "SIGINT"] as const) {
  Deno.test(`${signal} stops the server in good order with exit 0, also when it comes twice`, async () => {
    const data = await Deno.makeTempDir();
    const serve = ["serve", "--data", data, "--tls", "off", "--listen", "127.0.0.1:0"];
    const child = spawn("run", "--frozen", "-A", "main.ts", ...serve);
    const [listen, rest] = child.stderr.tee();
    await untilSaid(listen, "server.started");
    child.kill(signal);
    child.kill(signal);
    assert.equal((await child.status).code, 0);
    assert.match(await untilSaid(rest, "server.stopped"), /"event":"server\.stopped"/);
    await Deno.remove(data, { recursive: true });
  });
}

Deno.test("a stray error or rejection does not end the process, and its words are not logged", async () => {
  const script = `
    import { guardProcess } from "${ROOT}main.ts";
    guardProcess({ now: () => 0, writeLog: (line) => console.error(line) });
    Promise.reject(new Error("hunter2"));
    setTimeout(() => { throw new TypeError("hunter2"); }, 0);
    setTimeout(() => Deno.exit(7), 1);
  `;
  const child = spawn("eval", "--ext=ts", script);
  const said = await new Response(child.stderr).text();
  assert.equal((await child.status).code, 7);
  assert.match(said, /"event":"process\.rejection","error":"Error"/);
  assert.match(said, /"event":"process\.error","error":"TypeError"/);
  assert.ok(!said.includes("hunter2"));
});
