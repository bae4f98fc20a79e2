import assert from "node:assert/strict";
import { ConfigError, readConfig } from "../config.ts";
import { LIMITS } from "../limits.ts";

function read(args: string[] = [], env: Record<string, string> = {}) {
  return readConfig(args, (name) => env[name]);
}

function refused(args: string[], env: Record<string, string>, words: RegExp) {
  assert.throws(() => read(args, env), (error: unknown) => {
    assert.ok(error instanceof ConfigError);
    assert.match(error.message, words);
    assert.ok(!error.message.includes("\n"), "one line");
    return true;
  });
}

Deno.test("with no flags it is a private server on this machine", () => {
  const config = read();
  assert.equal(config.dataDir, "./data");
  assert.deepEqual(config.listen, { hostname: "127.0.0.1", port: 8443 });
  assert.equal(config.tls, "self-signed");
  assert.equal(config.origin, "https://localhost:8443");
  assert.equal(config.registration, "open");
  assert.equal(config.mailFrom, "snug@localhost");
  assert.equal(config.limits.queueEnvelopes, 10_000);
  assert.ok(Object.isFrozen(config) && Object.isFrozen(config.limits));
});

Deno.test("a flag beats the environment, the environment beats the default", () => {
  const env = { SNUG_DATA: "/from/env", SNUG_REGISTRATION: "closed" };
  assert.equal(read([], env).dataDir, "/from/env");
  const config = read(["--data", "/from/flag"], env);
  assert.equal(config.dataDir, "/from/flag");
  assert.equal(config.registration, "closed");
  assert.equal(read(["--", "--data=/inline"]).dataDir, "/inline");
});

Deno.test("off loopback nobody may sign up without an invite", () => {
  assert.equal(read(["--listen", "0.0.0.0:8443"]).registration, "invite");
  assert.equal(read(["--listen", "[::1]:8443"]).registration, "open");
  const proxied = "--tls off --trusted-proxy 127.0.0.1 --origin https://chat.example.org";
  assert.equal(read(proxied.split(" ")).registration, "invite", "a proxy is not loopback");
});

Deno.test("a domain listens on 443 with its own files, or behind a proxy", () => {
  const files = ["--tls-cert", "c.pem", "--tls-key", "k.pem"];
  const own = read(["--domain", "Chat.Example.org", ...files]);
  assert.equal(own.origin, "https://chat.example.org");
  assert.equal(own.tls, "files");
  assert.deepEqual(own.listen, { hostname: "::", port: 443 });
  const proxied = read(
    "--domain chat.example.org --tls off --listen 127.0.0.1:8080 --trusted-proxy 127.0.0.1"
      .split(" "),
  );
  assert.equal(proxied.origin, "https://chat.example.org");
});

Deno.test("a domain alone means a certificate from an authority", () => {
  const config = read(["--domain", "Chat.Example.org"]);
  assert.equal(config.tls, "acme");
  assert.equal(config.origin, "https://chat.example.org");
  assert.deepEqual(config.acme, {
    domain: "chat.example.org",
    directory: "https://acme-v02.api.letsencrypt.org/directory",
    email: undefined,
    httpListen: { hostname: "::", port: 80 },
    caFile: undefined,
  });
  assert.equal(read().acme, undefined);
});

Deno.test("what asks for certificates is refused where none is asked for", () => {
  for (const flag of ["directory", "email", "http-listen", "ca"]) {
    refused([`--acme-${flag}`, "x"], {}, new RegExp(`--acme-${flag} needs --tls acme`));
  }
  const asked = (flag: string, value: string) => ["--domain", "a.example.org", flag, value];
  refused(asked("--acme-directory", "http://a.org/dir"), {}, /expected an https:\/\/ address/);
  refused(asked("--acme-directory", "https://u:hunter2@a.org"), {}, /expected an https/);
  refused(asked("--acme-email", "nobody"), {}, /--acme-email nobody: expected an address/);
  refused(asked("--acme-http-listen", "80"), {}, /--acme-http-listen 80: expected HOST:PORT/);
});

Deno.test("an origin may differ from the address listened on", () => {
  const args = "--tls off --listen 127.0.0.1:9000 --origin http://localhost:7000/".split(" ");
  assert.equal(read(args).origin, "http://localhost:7000");
});

Deno.test("plain http is refused where browsers give no cryptography", () => {
  refused(["--tls", "off", "--listen", "192.0.2.7:80"], {}, /localhost or behind/);
  refused("--tls off --origin http://chat.example.org".split(" "), {}, /localhost or behind/);
  const proxy = ["--trusted-proxy", "10.0.0.0/8"];
  refused(["--tls", "off", "--origin", "http://a.example.org", ...proxy], {}, /https --origin/);
  refused(["--origin", "http://localhost:8443"], {}, /expected https/);
});

Deno.test("every bad value is one clear line", () => {
  refused(["--data"], {}, /--data needs a value: DIR/);
  refused(["--colour", "red"], {}, /--colour is not a flag/);
  refused(["serve"], {}, /serve is not a flag/);
  refused(["--tls", "on"], {}, /--tls on: expected one of self-signed, acme, files, off/);
  refused(["--tls", "acme"], {}, /--tls acme needs --domain/);
  refused(["--tls", "files"], {}, /needs both/);
  refused(["--tls-cert", "c.pem"], {}, /needs both/);
  refused(["--tls", "off", "--tls-cert", "c.pem"], {}, /need --tls files/);
  for (const listen of ["8443", "localhost", "a:b", "127.0.0.1:70000", "[::1]"]) {
    refused(["--listen", listen], {}, /expected HOST:PORT/);
  }
  for (const domain of ["localhost", "a b.org", "-a.org", "a..org"]) {
    refused(["--domain", domain], {}, /expected a name/);
  }
  for (const origin of ["chat", "https://a.org/path", "https://u@a.org", "ftp://a.org"]) {
    refused(["--origin", origin], {}, /expected a bare address/);
  }
  for (const range of ["10.0.0.0/33", "10.0.0/8", "proxy", "::1/129", "10.0.0.0/x"]) {
    refused(["--trusted-proxy", range], {}, /expected an address range/);
  }
  refused(["--mail-from", "a@b\r\nBcc: c@d"], {}, /expected an address/);
  refused([], { SNUG_LIMIT_SOCKETS: "many" }, /SNUG_LIMIT_SOCKETS=many: expected 1 to/);
  refused([], { SNUG_LIMIT_CODE_TRIES: "21" }, /expected 1 to 20 tries/);
});

Deno.test("a mail server off this machine needs a sender, and its password is never repeated", () => {
  const smtp = "smtp://user:hunter2@mail.example.org";
  const files = ["--tls-cert", "c.pem", "--tls-key", "k.pem"];
  refused(["--smtp", smtp, "--domain", "a.example.org", ...files], {}, /--mail-from is required/);
  assert.equal(read(["--smtp", smtp]).smtpUrl, smtp);
  assert.throws(() => read(["--smtp", "http://user:hunter2@host"]), (error: Error) => {
    return !error.message.includes("hunter2");
  });
});

Deno.test("the SMS webhook needs https and a secret", () => {
  const secret = { SNUG_SMS_SECRET: "0123456789abcdef" };
  refused(["--sms-webhook", "http://sms.example.org"], secret, /https/);
  refused(["--sms-webhook", "https://sms.example.org"], {}, /SNUG_SMS_SECRET/);
  const config = read(["--sms-webhook", "https://sms.example.org"], secret);
  assert.equal(config.smsWebhook?.secret, "0123456789abcdef");
});

Deno.test("only the configured ranges are trusted proxies", () => {
  const { isTrustedProxy } = read(["--trusted-proxy", "10.1.0.0/16, fd00::/8,192.0.2.1"]);
  assert.ok(isTrustedProxy("10.1.2.3"));
  assert.ok(isTrustedProxy("fd12::1"));
  assert.ok(isTrustedProxy("192.0.2.1"));
  for (const other of ["10.2.0.1", "192.0.2.2", "::1", "", "proxy"]) {
    assert.ok(!isTrustedProxy(other), other);
  }
  assert.ok(!read().isTrustedProxy("127.0.0.1"));
});

Deno.test("every limit is a setting with a default inside its own bounds", () => {
  for (const [name, row] of Object.entries(LIMITS)) {
    assert.ok(row.min <= row.value && row.value <= row.max, name);
  }
  assert.equal(read([], { SNUG_LIMIT_QUEUE_ENVELOPES: "2" }).limits.queueEnvelopes, 2);
});
