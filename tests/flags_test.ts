/** Every flag of `snug serve` with what can be wrong with it: one clear line, and nothing damaged. */
import assert from "node:assert/strict";
import { main } from "../main.ts";
import { type SettingName, settingNames, SETTINGS } from "../settings.ts";
import { withFolder } from "./helpers/backups.ts";
import { filesBelow } from "./helpers/canary.ts";
import { namesIn } from "./helpers/files.ts";

/** One wrong command line. `{root}` is an empty folder, `{port}` a port that is taken. */
interface Wrong {
  readonly args: string;
  readonly words: RegExp;
  /** 2 for what makes no sense, 1 for what this machine does not have. */
  readonly status: 1 | 2;
  readonly env?: Readonly<Record<string, string>>;
}

const bad = (args: string, words: RegExp, env: Record<string, string> = {}): Wrong => ({
  args,
  words,
  status: 2,
  env,
});
const lacking = (args: string, words: RegExp): Wrong => ({ args, words, status: 1 });

const DOMAIN = "--domain chat.example.org";
const BACKUPS = "--backup-every 1d --backup-recipient";
const RECIPIENT = `snug-recipient-${"A".repeat(48)}`;

const ROWS: Readonly<Record<SettingName, readonly Wrong[]>> = {
  data: [
    lacking("--data {root}/file", /file: (it is there already|that is no folder)/),
    lacking("--data {root}/file/below", /below: that is no folder/),
    lacking(`--data ${"x".repeat(300)}`, /: that name is too long/),
  ],
  listen: [
    bad("--listen 8443", /--listen 8443: expected HOST:PORT/),
    bad("--listen 127.0.0.1:70000", /expected HOST:PORT/),
    lacking(
      "--listen 127.0.0.1:{port}",
      /cannot listen on 127\.0\.0\.1:\d+: the address is in use/,
    ),
    lacking("--listen 192.0.2.1:9 --tls self-signed", /does not have that address/),
  ],
  tls: [bad("--tls on", /--tls on: expected one of self-signed, acme, files, off/)],
  domain: [
    bad("--domain localhost", /--domain localhost: expected a name such as/),
    bad("--domain a_b.org", /expected a name such as/),
  ],
  origin: [
    bad("--origin chat", /--origin chat: expected a bare address/),
    bad("--origin https://chat.example.org/path", /expected a bare address/),
  ],
  registration: [bad("--registration maybe", /expected one of open, invite, closed/)],
  memberInvites: [bad(`--${SETTINGS.memberInvites.flag} maybe`, /expected/)],
  smtp: [
    bad("--smtp http://user:hunter2@host", /--smtp: expected/),
    bad("--smtp nonsense-hunter2", /--smtp: expected/),
    bad("--smtp smtp://user:hunter2%zz@host --mail-from a@b.org", /--smtp: .*per cent.* %25/),
  ],
  mailFrom: [bad("--mail-from nobody", /--mail-from nobody: expected an address/)],
  tlsCert: [
    bad("--tls-cert c.pem", /needs both --tls-cert and --tls-key/),
    bad(
      "--tls-cert {root}/none --tls-key {root}/file",
      /--tls-cert \S+none: there is no such file/,
    ),
    bad("--tls-cert {root}/file --tls-key {root}/none", /--tls-key \S+none: there is no such file/),
    bad("--tls-cert {root} --tls-key {root}/file", /--tls-cert \S+: that is a folder/),
    bad("--tls-cert {root}/file --tls-key {root}/file", /cannot be read as PEM files/),
  ],
  tlsKey: [bad("--tls-key k.pem", /--tls-cert and --tls-key need --tls files/)],
  acmeDirectory: [
    bad(`${DOMAIN} --acme-directory http://ca.example.org/`, /expected an https:\/\/ address/),
    bad("--acme-directory https://ca.example.org/", /--acme-directory needs --tls acme/),
  ],
  acmeEmail: [bad(`${DOMAIN} --acme-email nobody`, /--acme-email nobody: expected an address/)],
  acmeHttpListen: [
    bad(`${DOMAIN} --acme-http-listen 80`, /--acme-http-listen 80: expected HOST:PORT/),
    lacking(`${DOMAIN} --acme-http-listen 127.0.0.1:{port}`, /the address is in use/),
  ],
  acmeCa: [
    bad(`${DOMAIN} --acme-ca {root}/none`, /--acme-ca .*none: cannot be read as a PEM/),
    bad(`${DOMAIN} --acme-ca {root}/file`, /cannot be read as a PEM/),
  ],
  trustedProxy: [
    bad("--trusted-proxy proxy", /--trusted-proxy proxy: expected an address range/),
    bad("--trusted-proxy 10.0.0.0/", /--trusted-proxy 10.0.0.0\/: expected an address range/),
    bad("--trusted-proxy 10.0.0.0/8/8", /expected an address range/),
  ],
  smsWebhook: [
    bad("--sms-webhook http://sms.example.org", /--sms-webhook: expected an https/),
    bad("--sms-webhook https://sms.example.org", /needs SNUG_SMS_SECRET/),
  ],
  metricsToken: [bad("--metrics-token hunter2", /--metrics-token: 16 characters or more/)],
  queueOverflow: [bad("--queue-overflow spill", /expected one of refuse, drop-oldest/)],
  backupEvery: [
    bad("--backup-every daily", /--backup-every daily: expected 10m to 366d/, {
      SNUG_BACKUP_RECIPIENT: RECIPIENT,
    }),
    bad("--backup-every 1m", /expected 10m to 366d/, { SNUG_BACKUP_RECIPIENT: RECIPIENT }),
    bad("--backup-every 1d", /needs --backup-recipient/),
  ],
  backupRecipient: [
    bad("--backup-recipient x", /--backup-recipient needs --backup-every/),
    bad(`${BACKUPS} ${RECIPIENT}`, /--backup-recipient: expected what snug backup --new-key/),
  ],
  backupDir: [bad("--backup-dir {root}/b", /--backup-dir needs --backup-every/)],
  backupKeep: [
    bad("--backup-keep 3", /--backup-keep needs --backup-every/),
    bad(`${BACKUPS} ${RECIPIENT} --backup-keep 0`, /--backup-keep 0: expected 1 to 1000/),
  ],
  logLevel: [bad("--log-level loud", /expected one of debug, info, warn, error/)],
};

async function serve(args: readonly string[], env: Readonly<Record<string, string>>) {
  const logged: string[] = [];
  const status = await main(["serve", ...args], {
    env: (name) => env[name],
    print: () => {},
    writeLog: (line) => logged.push(line),
    now: () => Date.now(),
    stop: AbortSignal.abort(),
    program: import.meta.url,
  });
  return { status, logged };
}

async function check({ args, env, status, words }: Wrong): Promise<void> {
  await withFolder(async (root) => {
    await Deno.writeTextFile(`${root}/file`, "not what it should be\n");
    const taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = taken.addr as Deno.NetAddr;
    const line = args.replaceAll("{root}", root).replaceAll("{port}", String(port)).split(" ");
    const flags = line.includes("--listen") ? line : ["--listen", "127.0.0.1:0", ...line];
    const said = await serve(flags, { SNUG_DATA: `${root}/data`, ...env });
    taken.close();
    const lines = said.logged.filter((line) => !line.startsWith("{"));
    assert.equal(lines.length, 1, `${args}: ${said.logged.join("\n")}`);
    assert.match(lines[0]!, words);
    assert.match(lines[0]!, /^snug: [^\n]+$/);
    assert.ok(!lines[0]!.includes("hunter2"), "no secret is repeated");
    assert.equal(said.status, status, args);
    const made = (await namesIn(root)).filter((name) => name !== "file");
    if (status === 2) assert.deepEqual(made, [], `${args}: nothing is made for a bad value`);
    assert.equal(await Deno.readTextFile(`${root}/file`), "not what it should be\n");
  });
}

const loose = { sanitizeOps: false, sanitizeResources: false };

for (const name of settingNames()) {
  Deno.test(`--${SETTINGS[name].flag}: everything that is wrong is one line`, loose, async () => {
    assert.ok(ROWS[name]?.length > 0, "a flag without a row");
    for (const wrong of ROWS[name]) await check(wrong);
    const flag = `--${SETTINGS[name].flag}`;
    await check(bad(flag, new RegExp(`${flag} needs a value`)));
    await check(bad(`${flag}=`, new RegExp(`${flag} needs a value`)));
  });
}

/** What may stand in a data folder that is not as it should be. */
const FOLDERS: readonly [words: string, name: string, content: string, said: RegExp][] = [
  [
    "a database that is none",
    "snug.db",
    "no database at all, but long enough to be one".repeat(99),
    /data\/snug\.db: it is damaged/,
  ],
  ["secrets without their database", "secrets.json", "{", /snug\.db is missing or empty, but/],
];

for (const [words, name, content, said] of FOLDERS) {
  Deno.test(`${words}: one line, and left as it was`, loose, () =>
    withFolder(async (root) => {
      const data = `${root}/data`;
      await Deno.mkdir(data, { mode: 0o700 });
      await Deno.writeTextFile(`${data}/${name}`, content);
      const { status, logged } = await serve(["--data", data, "--listen", "127.0.0.1:0"], {});
      assert.equal(status, 1);
      assert.equal(logged.length, 1, logged.join("\n"));
      assert.match(logged[0]!, said);
      assert.equal(await Deno.readTextFile(`${data}/${name}`), content);
    }));
}

Deno.test(
  "a folder of somebody else is one line and exit 1",
  loose,
  () =>
    withFolder(async (root) => {
      const args = ["--data", "/proc/snug", "--listen", "127.0.0.1:0"];
      const { status, logged } = await serve(args, {});
      assert.equal(status, 1);
      assert.match(
        logged[0]!,
        /^snug: \/proc\/snug: (this user may not|there is no such|the disk is)/,
      );
      assert.deepEqual(filesBelow(root), []);
    }),
);

Deno.test(
  "a full disk at the start is one line, and what was there is still there",
  loose,
  () =>
    withFolder(async (root) => {
      const mount = (...args: string[]) =>
        new Deno.Command("mount", { args, stdout: "null", stderr: "null" }).output()
          .then(({ success }) => success, () => false);
      if (!await mount("-t", "tmpfs", "-o", "size=200k", "none", root)) {
        console.log("skipped: no right to mount a small disk");
        return;
      }
      try {
        await Deno.writeTextFile(`${root}/mine`, "kept");
        const { status, logged } = await serve(["--data", root, "--listen", "127.0.0.1:0"], {});
        assert.equal(status, 1);
        assert.match(logged.at(-1)!, /the disk is full/);
        assert.equal(await Deno.readTextFile(`${root}/mine`), "kept");
      } finally {
        await new Deno.Command("umount", { args: ["-l", root] }).output();
      }
    }),
);
