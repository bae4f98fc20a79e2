import assert from "node:assert/strict";
import { main } from "../main.ts";
import { withFolder } from "./helpers/backups.ts";
import { filesBelow } from "./helpers/canary.ts";
import { modeOf, namesIn } from "./helpers/files.ts";

async function install(args: string[], env: Record<string, string> = {}) {
  const printed: string[] = [];
  const logged: string[] = [];
  const status = await main(["install", ...args], {
    env: (name) => env[name],
    print: (line) => printed.push(line),
    writeLog: (line) => logged.push(line),
    now: () => 0,
    stop: new AbortController().signal,
  });
  return { status, printed, logged: logged.join("\n") };
}

/** Installs below a folder, with a small file in the place of the executable. */
async function installed(root: string, flags: string[]): Promise<string[]> {
  await Deno.writeTextFile(`${root}/program`, "#!/bin/true\n");
  const args = ["--root", `${root}/system`, "--program", `${root}/program`, ...flags];
  const { status, printed, logged } = await install(args);
  assert.equal(status, 0, logged);
  return printed;
}

const UNITS = "etc/systemd/system";

Deno.test("--dry-run says every step and takes none", () =>
  withFolder(async (root) => {
    const args = ["--dry-run", "--root", `${root}/system`, "--domain", "chat.example.org"];
    const { status, printed } = await install(args);
    assert.equal(status, 0);
    assert.equal(printed.length, 8);
    for (const line of printed.slice(0, -1)) assert.match(line, /^ \d\. (copy|write|make) /);
    assert.match(printed.at(-1)!, /^Nothing was done/);
    assert.deepEqual(await namesIn(root), []);
  }));

Deno.test("it does what --dry-run says, and a second time changes no settings", () =>
  withFolder(async (root) => {
    const flags = ["--domain", "chat.example.org"];
    const dry = await install(["--dry-run", "--root", `${root}/system`, ...flags]);
    const done = await installed(root, flags);
    const written = (lines: string[]) => lines.filter((line) => /^ \d\. (write|make)/.test(line));
    assert.deepEqual(written(done), written(dry.printed));
    const files = filesBelow(`${root}/system`).map(({ name }) => name).sort();
    assert.deepEqual(files, [
      "etc/snug/snug.env",
      `${UNITS}/snug-backup.service`,
      `${UNITS}/snug-backup.timer`,
      `${UNITS}/snug.service`,
      "etc/sysusers.d/snug.conf",
      "usr/local/bin/snug",
    ]);
    const system = `${root}/system`;
    assert.equal(await modeOf(`${system}/usr/local/bin/snug`), 0o755);
    assert.equal(await modeOf(`${system}/etc/snug`), 0o700);
    assert.equal(await modeOf(`${system}/etc/snug/snug.env`), 0o600);
    await Deno.writeTextFile(`${system}/etc/snug/snug.env`, "SNUG_SMTP_URL=smtp://mine\n");
    await installed(root, ["--domain", "other.example.org"]);
    const kept = await Deno.readTextFile(`${system}/etc/snug/snug.env`);
    assert.equal(kept, "SNUG_SMTP_URL=smtp://mine\n");
    const unit = await Deno.readTextFile(`${system}/${UNITS}/snug.service`);
    assert.match(
      unit,
      /^ExecStart=\/usr\/local\/bin\/snug serve --data \/var\/lib\/snug --domain other/m,
    );
  }));

Deno.test("only a server below 1024 gets the one capability that it needs", () =>
  withFolder(async (root) => {
    await installed(root, ["--domain", "chat.example.org"]);
    const file = `${root}/system/${UNITS}/snug.service`;
    const low = await Deno.readTextFile(file);
    assert.match(low, /^CapabilityBoundingSet=CAP_NET_BIND_SERVICE$/m);
    assert.match(low, /^NoNewPrivileges=yes$/m);
    assert.match(low, /^RestartPreventExitStatus=2$/m, "a bad value is not tried again for ever");
    const proxied = "--domain chat.example.org --tls off --listen 127.0.0.1:8080 " +
      "--trusted-proxy 127.0.0.1";
    await installed(root, proxied.split(" "));
    const high = await Deno.readTextFile(file);
    assert.match(high, /^CapabilityBoundingSet=$/m);
    assert.match(high, /^PrivateUsers=yes$/m);
  }));

Deno.test("what would be wrong in a unit, or secret in one, is one line and exit 2", async () => {
  const bad: [string[], RegExp][] = [
    [["--root"], /--root needs a value/],
    [["--sideways"], /--sideways is not a flag of snug install/],
    [["--domain", "localhost"], /expected a name such as/],
    [["--domain", "a.org", "--data", "/elsewhere"], /keeps everything in \/var\/lib\/snug/],
    [
      ["--smtp", "smtp://u:hunter2@localhost"],
      /put SNUG_SMTP_URL into \/etc\/snug\/snug\.env/,
    ],
    [["--tls-cert", "/a b.pem", "--tls-key", "/k"], /signs that a unit file reads otherwise/],
    [["--tls-cert", "/a$b.pem", "--tls-key", "/k"], /signs that a unit file reads otherwise/],
  ];
  for (const [args, words] of bad) {
    const { status, logged } = await install(["--dry-run", ...args]);
    assert.equal(status, 2, args.join(" "));
    assert.match(logged, words);
    assert.ok(!logged.includes("\n") && !logged.includes("hunter2"));
  }
});

Deno.test("a unit that somebody wrote by hand is not written over, and nothing else is done", () =>
  withFolder(async (root) => {
    const unit = `${root}/system/${UNITS}/snug.service`;
    await Deno.mkdir(`${root}/system/${UNITS}`, { recursive: true });
    await Deno.writeTextFile(unit, "[Service]\nExecStart=/opt/mine\n");
    await Deno.writeTextFile(`${root}/program`, "");
    const flags = ["--root", `${root}/system`, "--program", `${root}/program`];
    for (const more of [[], ["--dry-run"]]) {
      const { status, logged } = await install([...flags, ...more, "--domain", "chat.example.org"]);
      assert.equal(status, 1);
      assert.match(logged, /snug\.service was not written by snug install: move it away first\.$/);
      assert.equal(await Deno.readTextFile(unit), "[Service]\nExecStart=/opt/mine\n");
      assert.deepEqual(await namesIn(`${root}/system`), ["etc"]);
    }
  }));

Deno.test("run from source it says which program it wants", () =>
  withFolder(async (root) => {
    const { status, logged } = await install(["--root", root]);
    assert.equal(status, 2);
    assert.match(logged, /Run it from the executable, or name that with --program FILE/);
    assert.deepEqual(await namesIn(root), []);
  }));

Deno.test("a folder that cannot be written to is one line and exit 1", () =>
  withFolder(async (root) => {
    await Deno.writeTextFile(`${root}/program`, "");
    await Deno.writeTextFile(`${root}/file`, "");
    const args = ["--root", `${root}/file`, "--program", `${root}/program`];
    const { status, logged } = await install(args);
    assert.equal(status, 1);
    assert.match(logged, /^snug: copy .*: (that is no folder|it is there already)\.$/);
  }));

/** The program of systemd that judges units, where it is. */
const ANALYZE = await new Deno.Command("systemd-analyze", { args: ["--version"] }).output()
  .then(({ success }) => success, () => false);

Deno.test({
  name: `systemd takes the units, and finds the service hardened${
    ANALYZE ? "" : " (skipped: no systemd-analyze here)"
  }`,
  ignore: !ANALYZE,
  fn: () =>
    withFolder(async (root) => {
      await installed(root, ["--domain", "chat.example.org"]);
      const folder = `${root}/system/${UNITS}`;
      // It looks for the programs that units start.
      for (const name of await namesIn(folder)) {
        const text = await Deno.readTextFile(`${folder}/${name}`);
        const here = text.replaceAll("/usr/local/bin/snug", "/bin/true");
        await Deno.writeTextFile(`${folder}/${name}`, here);
      }
      const analyze = async (...args: string[]) => {
        const output = await new Deno.Command("systemd-analyze", { args, cwd: folder }).output();
        const text = new TextDecoder();
        return { ...output, said: text.decode(output.stdout) + text.decode(output.stderr) };
      };
      for (const name of await namesIn(folder)) {
        const { said } = await analyze("verify", "--man=no", `${folder}/${name}`);
        assert.deepEqual(said.split("\n").filter((line) => line.includes("snug")), [], name);
      }
      for (const name of ["snug.service", "snug-backup.service"]) {
        const args = ["security", "--no-pager", "--offline=yes", "--threshold=30"];
        const { said, success } = await analyze(...args, `${folder}/${name}`);
        assert.ok(success, said);
        assert.match(said, /exposure level for snug(-backup)?\.service: [0-2]\.\d/);
      }
    }),
});
