/** What `snug doctor` says about a certificate that an authority signs. */
import assert from "node:assert/strict";
import { keepIssued, keepTries, type Tries } from "../acme_store.ts";
import { selfSigned } from "../certificate.ts";
import { readConfig } from "../config.ts";
import { checkMachine } from "../doctor_machine.ts";
import { checkNetwork } from "../doctor_network.ts";
import { withFolder } from "./helpers/backups.ts";

const DAY = 86_400_000;
const NOW = Date.UTC(2026, 10, 21);
const DOMAIN = "chat.example.org";
const FACTS = { accounts: 0, bytes: 0, newest: 0 };

function configFor(dataDir: string, listen = "127.0.0.1:0") {
  const flags =
    `--data ${dataDir} --domain ${DOMAIN} --acme-directory https://ca.example.org/dir ` +
    `--listen ${listen} --acme-http-listen ${listen}`;
  const env: Record<string, string> = { SNUG_LIMIT_CONNECTIONS: "100" };
  return readConfig(flags.split(" "), (name) => env[name]);
}

async function certificate(dataDir: string, now: number) {
  const findings = await checkMachine(configFor(dataDir), FACTS, now);
  return findings.find(({ check }) => check === "certificate")!;
}

function tries(changes: Partial<Tries> = {}): Tries {
  const directory = "https://ca.example.org/dir";
  return {
    directory,
    domain: DOMAIN,
    failures: 0,
    failedAt: [],
    quietUntil: 0,
    problem: "",
    ...changes,
  };
}

Deno.test("a certificate that never came is said with the reason of the last try", () =>
  withFolder(async (root) => {
    const fresh = await certificate(root, NOW);
    assert.deepEqual([fresh.state, fresh.cure], ["warn", "Start the server: it asks for one."]);
    await keepTries(root, tries({ failures: 3, problem: "nobody answers." }));
    const tried = await certificate(root, NOW);
    assert.deepEqual([tried.state, tried.words, tried.cure], [
      "warn",
      "none yet for chat.example.org",
      "nobody answers.",
    ]);
  }));

Deno.test("one that should have been renewed is a warning, one that ended a failure", () =>
  withFolder(async (root) => {
    const { pair } = await selfSigned(`${root}/authority`, [DOMAIN], NOW);
    await keepIssued(root, pair);
    await keepTries(root, tries());
    const good = await certificate(root, NOW + 200 * DAY);
    assert.equal(good.state, "ok");
    assert.match(good.words, /^for chat\.example\.org, 19\d days left$/);
    const late = await certificate(root, NOW + 300 * DAY);
    assert.equal(late.state, "warn");
    assert.match(late.words, /it should have been renewed$/);
    assert.equal((await certificate(root, NOW + 400 * DAY)).state, "fail");
  }));

Deno.test("a certificate of another authority or name is none", () =>
  withFolder(async (root) => {
    const { pair } = await selfSigned(`${root}/authority`, [DOMAIN], NOW);
    await keepIssued(root, pair);
    for (const other of [{ domain: "other.example.org" }, { directory: "https://staging/dir" }]) {
      await keepTries(root, tries(other));
      assert.match((await certificate(root, NOW)).words, /^none yet for/);
    }
  }));

Deno.test("what was kept of the tries and was damaged is as if it were not there", () =>
  withFolder(async (root) => {
    await Deno.writeTextFile(`${root}/acme.json`, '{"domain":');
    assert.match((await certificate(root, NOW)).words, /^none yet for/);
  }));

Deno.test(
  "port 80 is looked at where an authority asks there",
  { sanitizeOps: false, sanitizeResources: false },
  () =>
    withFolder(async (root) => {
      const free = Deno.listen({ hostname: "127.0.0.1", port: 0 });
      const { port } = free.addr as Deno.NetAddr;
      free.close();
      const findings = await checkNetwork(configFor(root, `127.0.0.1:${port}`), "", "0.0.0");
      const found = findings.find(({ check }) => check === "port 80");
      assert.deepEqual([found?.state, found?.cure], ["warn", "Start the server: snug serve"]);
    }),
);
