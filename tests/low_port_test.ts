/** What somebody reads who starts a server on port 443 without being root. */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { withFolder } from "./helpers/backups.ts";
import { namesIn } from "./helpers/files.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const PORT = 443;

/** Takes the one right away that makes root root here; nobody else has it anyway. */
const WITHOUT = ["setpriv", "--bounding-set=-net_bind_service", "--inh-caps=-net_bind_service"];

function command([program, ...args]: readonly string[], cwd: string): Deno.Command {
  return new Deno.Command(program!, { args, cwd, env: { NO_COLOR: "1" }, stdin: "null" });
}

const isFree = await Deno.readTextFile("/proc/sys/net/ipv4/ip_unprivileged_port_start")
  .then((first) => Number(first) <= PORT, () => false);
const canDrop = Deno.uid() === null || Deno.uid() !== 0 ||
  await command([...WITHOUT, "true"], ROOT).output().then(({ success }) => success, () => false);
const skipped = Deno.build.os !== "linux"
  ? "only Linux keeps ports below 1024"
  : isFree
  ? "everybody may use port 443 here"
  : canDrop
  ? null
  : "no setpriv here";

Deno.test({
  name: `a port below 1024 that may not be used is one line with the cure, and exit 1${
    skipped === null ? "" : ` (skipped: ${skipped})`
  }`,
  ignore: skipped !== null,
  fn: () =>
    withFolder(async (root) => {
      const program = [
        Deno.execPath(),
        "run",
        "--quiet",
        "--frozen",
        "--no-check",
        "-A",
        "main.ts",
      ];
      const args = ["serve", "--data", `${root}/data`, "--listen", `127.0.0.1:${PORT}`];
      const drop = Deno.uid() === 0 ? WITHOUT : [];
      const { code, stderr, stdout } = await command([...drop, ...program, ...args], ROOT).output();
      const said = new TextDecoder().decode(stderr).trim();
      assert.match(
        said,
        /^snug: cannot listen on 127\.0\.0\.1:443: only root may use ports below 1024\. .*"sudo setcap cap_net_bind_service=\+ep \S+", .*Ports below 1024\)\.$/,
      );
      assert.equal(code, 1);
      assert.ok(
        !new TextDecoder().decode(stdout).includes("is at"),
        "it does not say that it runs",
      );
      assert.ok(!(await namesIn(`${root}/data`)).includes("admin.sock"), "nothing is left open");
    }),
});

/** A port below 1024 that somebody listens on, or null where none is free. */
function lowListener(): Deno.Listener | null {
  for (let port = 1_023; port > 600; port--) {
    try {
      return Deno.listen({ hostname: "127.0.0.1", port });
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    }
  }
  return null;
}

Deno.test({
  name: `the doctor finds a server on a port that its own user may not have${
    skipped === null ? "" : ` (skipped: ${skipped})`
  }`,
  ignore: skipped !== null || Deno.uid() !== 0,
  fn: () =>
    withFolder(async (root) => {
      const listener = lowListener();
      assert.ok(listener !== null, "some port is free");
      const { port } = listener.addr as Deno.NetAddr;
      const program = [Deno.execPath(), "run", "--quiet", "--frozen", "--no-check", "-A"];
      const args = ["doctor", "--data", `${root}/data`, "--tls", "off", "--json"];
      const doctor = async () => {
        const line = [...WITHOUT, ...program, "main.ts", ...args, "--listen", `127.0.0.1:${port}`];
        const { stdout } = await command(line, ROOT).output();
        const { findings } = JSON.parse(new TextDecoder().decode(stdout));
        return findings.find(({ check }: { check: string }) => check === "port");
      };
      const taking = listener.accept().then((connection) => connection.close());
      assert.equal((await doctor()).state, "ok");
      await taking;
      listener.close();
      const nobody = await doctor();
      assert.equal(nobody.state, "fail");
      assert.match(nobody.words, /this user may not listen/);
    }),
});
