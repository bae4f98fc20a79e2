import assert from "node:assert/strict";
import { selfSigned } from "../certificate.ts";
import { createLog } from "../log.ts";
import { readConfig } from "../config.ts";
import { checkFiles } from "../doctor_machine.ts";
import { main } from "../main.ts";
import { type CommandIo, startServer } from "../serve.ts";
import { VERSION } from "../version.ts";
import { makeDatabase, withFolder } from "./helpers/backups.ts";
import { openSmtpSink } from "./helpers/smtp_sink.ts";

interface Found {
  readonly check: string;
  readonly state: "ok" | "warn" | "fail";
  readonly words: string;
  readonly cure: string;
}

/** There node:http never sends the answer to a refused upgrade, and a mail sink never closes. */
const OLD = Deno.version.deno.startsWith("2.4.");
// node:net keeps handles for a moment after close.
const loose = { sanitizeOps: false, sanitizeResources: false };

function commandIo(env: Record<string, string>, printed: string[], now = Date.now()): CommandIo {
  return {
    env: (name) => env[name],
    print: (line) => printed.push(line),
    writeLog: (line) => printed.push(line),
    now: () => now,
    stop: new AbortController().signal,
  };
}

async function doctor(env: Record<string, string>, args: string[] = [], now = Date.now()) {
  const printed: string[] = [];
  const io = commandIo({ SNUG_LIMIT_CONNECTIONS: "100", ...env }, printed, now);
  const status = await main(["doctor", "--json", ...args], io);
  const said = JSON.parse(printed.join("\n")) as { ok: boolean; findings: Found[] };
  assert.equal(status, said.ok ? 0 : 1);
  for (const { state, cure } of said.findings) assert.equal(cure === "", state === "ok");
  return (check: string) => said.findings.find((one) => one.check === check);
}

/** A data folder as a server leaves it, on a port of its own. */
async function withServer(
  body: (env: Record<string, string>, stop: () => Promise<void>) => Promise<void>,
): Promise<void> {
  await withFolder(async (root) => {
    const free = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = free.addr as Deno.NetAddr;
    free.close();
    const env = {
      SNUG_DATA: `${root}/data`,
      SNUG_TLS: "off",
      SNUG_LISTEN: `127.0.0.1:${port}`,
      SNUG_ORIGIN: `http://localhost:${port}`,
    };
    const io = commandIo(env, []);
    const log = createLog({ level: "error", now: io.now, write: () => {} });
    const server = await startServer(readConfig([], io.env), log, io);
    let running = true;
    const stop = async () => {
      if (running) await server.close();
      running = false;
    };
    try {
      await body(env, stop);
    } finally {
      await stop();
    }
  });
}

Deno.test({
  name: "beside a running server everything is ok, and the socket is found to work",
  ...loose,
  fn: () =>
    withServer(async (env, stop) => {
      const running = await doctor(env);
      for (
        const check of ["data folder", "database", "secrets", "clock", "open files", "port", "mail"]
      ) assert.equal(running(check)?.state, "ok", check);
      assert.equal(running("server")?.words, `Snug ${VERSION} answers at ${env.SNUG_ORIGIN}`);
      assert.equal(running("socket")?.state, OLD ? "warn" : "ok");
      const elsewhere = await doctor({ ...env, SNUG_ORIGIN: "http://localhost:1" });
      assert.equal(elsewhere("server")?.state, "fail");
      await stop();
      const stopped = await doctor(env);
      assert.equal(stopped("port")?.state, "warn");
      assert.match(stopped("port")!.cure, /snug serve/);
      assert.equal(stopped("server"), undefined);
    }),
});

Deno.test({
  name: "what is wrong in the data folder is said with its cure",
  ...loose,
  fn: () =>
    withServer(async (env, stop) => {
      await stop();
      const dataDir = env.SNUG_DATA!;
      await Deno.chmod(dataDir, 0o755);
      await Deno.chmod(`${dataDir}/secrets.json`, 0o644);
      await Deno.mkdir(`${dataDir}/unfinished-abc`);
      const open = await doctor(env);
      assert.match(open("data folder")!.cure, /^chmod 700 /);
      assert.match(open("secrets")!.cure, /^chmod 600 /);
      makeDatabase(dataDir);
      await Deno.remove(`${dataDir}/secrets.json`);
      const lost = await doctor(env);
      assert.equal(lost("secrets")?.state, "fail");
      assert.match(lost("secrets")!.cure, /last backup/);
      await Deno.writeTextFile(`${dataDir}/snug.db`, "not a database at all ".repeat(500));
      const damaged = await doctor(env);
      assert.equal(damaged("database")?.state, "fail");
      assert.match(damaged("database")!.words, /damaged/);
      const none = await doctor({ ...env, SNUG_DATA: `${dataDir}/none` });
      assert.equal(none("data folder")?.state, "warn");
      const file = await doctor({ ...env, SNUG_DATA: `${dataDir}/snug.db` });
      assert.equal(file("data folder")?.state, "fail");
    }),
});

Deno.test("a certificate that ends, or is for another name, is found", () =>
  withFolder(async (root) => {
    const now = Date.UTC(2026, 10, 21);
    await selfSigned(root, [], now);
    const env = { SNUG_DATA: root, SNUG_LISTEN: "127.0.0.1:1" };
    const day = 86_400_000;
    const certificate = async (at: number, more: Record<string, string> = {}) =>
      (await doctor({ ...env, ...more }, [], at))("certificate")!;
    assert.deepEqual(await certificate(now), {
      check: "certificate",
      state: "ok",
      words: "for localhost, 397 days left",
      cure: "",
    });
    assert.equal((await certificate(now + 380 * day)).state, "warn");
    assert.match((await certificate(now + 398 * day)).words, /^it ended on 2027-12-23/);
    assert.match((await certificate(now - 7 * day)).words, /^it begins only on 2026-11-20/);
    const other = await certificate(now, { SNUG_ORIGIN: "https://chat.example.org:1" });
    assert.equal(other.words, "it is not for chat.example.org");
    const files = { SNUG_TLS_CERT: `${root}/server.pem`, SNUG_TLS_KEY: `${root}/server.key` };
    assert.equal((await certificate(now, files)).state, "ok");
    const mixed = { ...files, SNUG_TLS_KEY: `${root}/ca.key` };
    assert.equal((await certificate(now, mixed)).state, "fail");
    assert.equal((await certificate(now, { ...files, SNUG_TLS_KEY: "/none" })).state, "fail");
  }));

Deno.test("a limit of open files that cannot be found out is not taken for none", () => {
  assert.equal(checkFiles(10).state, "ok");
  const unknown = checkFiles(10, "/none/null");
  assert.equal(unknown.words, "not known: /none/null cannot be opened");
  assert.notEqual(unknown.cure, "");
});

Deno.test("a clock that went back is found", () =>
  withFolder(async (root) => {
    const env = { SNUG_DATA: root, SNUG_LISTEN: "127.0.0.1:1", SNUG_TLS: "off" };
    assert.equal((await doctor(env, [], 0))("clock")?.state, "fail");
    assert.equal((await doctor(env, [], Date.UTC(2027, 0, 1)))("clock")?.state, "ok");
  }));

Deno.test({
  name: "mail is tried without sending any, and sent only where asked",
  ...loose,
  fn: () =>
    withFolder(async (root) => {
      const sink = await openSmtpSink();
      const env = {
        SNUG_DATA: root,
        SNUG_LISTEN: "127.0.0.1:1",
        SNUG_TLS: "off",
        SNUG_SMTP_URL: `smtp://127.0.0.1:${sink.port}`,
      };
      assert.equal((await doctor(env))("mail")?.words, "the mail server lets us in");
      assert.equal(sink.letters.length, 0);
      const sent = await doctor(env, ["--mail-to", "you@example.org"]);
      assert.equal(sent("mail")?.words, "the test letter was taken");
      assert.deepEqual(sink.letters.map(({ to }) => to), [["you@example.org"]]);
      if (!OLD) await sink.close();
      const gone = await doctor({ ...env, SNUG_SMTP_URL: "smtp://127.0.0.1:1" });
      assert.equal(gone("mail")?.state, "fail");
      assert.match(gone("mail")!.words, /cannot be reached/);
    }),
});

Deno.test("bad flags are one line and exit 2", async () => {
  for (
    const [args, words] of [
      [["--mail-to", "nobody"], /--mail-to: expected an address/],
      [["--mail-to"], /--mail-to: expected an address/],
      [["--mail-to=a@b\nBcc: c@d"], /--mail-to: expected an address/],
      [["--sideways"], /--sideways is not a flag of snug doctor/],
      [["--listen", "nowhere"], /expected HOST:PORT/],
    ] as const
  ) {
    const printed: string[] = [];
    assert.equal(await main(["doctor", ...args], commandIo({}, printed)), 2);
    assert.match(printed.join("\n"), words);
    assert.equal(printed.length, 1);
  }
});
