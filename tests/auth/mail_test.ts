import assert from "node:assert/strict";
import { createLetterWriter } from "../../auth/letters.ts";
import { createSmtpChannel } from "../../auth/mail.ts";
import { selfSigned } from "../../certificate.ts";
import { codeOf, makeWorld, ORIGIN, value, Visitor } from "../helpers/account_world.ts";
import { headersOf, openSmtpSink } from "../helpers/smtp_sink.ts";

const letters = createLetterWriter(ORIGIN);
const ANA = { kind: "email", address: "ana@example.org", language: "en" } as const;
const FROM = "snug@chat.example.org";
/** A TLS server hangs in Deno 2.4.2 (the sink's side, not ours). */
const tlsSinkWorks = !Deno.version.deno.startsWith("2.4.");
// node:net keeps handles for a moment after close.
const loose = { sanitizeOps: false, sanitizeResources: false };

Deno.test({
  name: "a code goes by SMTP: text and HTML, the code in the subject, no name in any header",
  ...loose,
  async fn() {
    const sink = await openSmtpSink();
    const channel = createSmtpChannel({ url: `smtp://127.0.0.1:${sink.port}`, from: FROM });
    await channel.send(letters.code(ANA, "sign-up", "012345", 10));
    const [letter] = sink.letters;
    assert.deepEqual([letter!.from, letter!.to], [FROM, ["ana@example.org"]]);
    const headers = headersOf(letter!.raw);
    assert.ok(headers.includes("Subject: 012345 is your Snug code"));
    assert.ok(headers.includes("To: ana@example.org"));
    assert.ok(headers.includes(`From: Snug <${FROM}>`));
    assert.ok(headers.includes("Auto-Submitted: auto-generated"));
    assert.match(letter!.raw, /Content-Type: text\/plain/);
    assert.match(letter!.raw, /Content-Type: text\/html/);
    assert.match(letter!.raw, /good for 10 minutes/);
    channel.close();
    await sink.close();
  },
});

Deno.test({
  name: "several letters share a few kept connections",
  ...loose,
  async fn() {
    const sink = await openSmtpSink();
    const channel = createSmtpChannel({ url: `smtp://127.0.0.1:${sink.port}`, from: FROM });
    const to = Array.from({ length: 20 }, (_, i) => `p${i}@example.org`);
    await Promise.all(to.map((address) => channel.send(letters.alreadyHere({ ...ANA, address }))));
    assert.deepEqual(sink.letters.map((letter) => letter.to[0]).sort(), to.sort());
    channel.close();
    await sink.close();
  },
});

Deno.test({
  name:
    "STARTTLS and TLS from the first byte, with a user and a password; a stranger's certificate is refused",
  ignore: !tlsSinkWorks,
  ...loose,
  async fn() {
    const folder = await Deno.makeTempDir();
    const { pair, caFile } = await selfSigned(folder, [], Date.now());
    const ca = await Deno.readTextFile(caFile);
    for (const secure of [false, true]) {
      const sink = await openSmtpSink({
        ...pair,
        secure,
        authOptional: false,
        onAuth({ username, password }, _session, done) {
          if (username === "u@x" && password === "p:/@%") done(null, { user: username });
          else done(new Error("no"));
        },
      });
      const scheme = secure ? "smtps" : "smtp";
      const url = (login: string) => `${scheme}://${login}@localhost:${sink.port}`;
      const right = createSmtpChannel({ url: url("u%40x:p%3A%2F%40%25"), from: FROM, ca });
      await right.send(letters.code(ANA, "sign-up", "012345", 10));
      assert.deepEqual([sink.letters[0]!.user, sink.letters[0]!.secure], ["u@x", true]);
      right.close();
      for (
        const bad of [
          createSmtpChannel({ url: url("u%40x:wrong"), from: FROM, ca }),
          createSmtpChannel({ url: url("u%40x:p%3A%2F%40%25"), from: FROM }),
        ]
      ) {
        await assert.rejects(() => bad.send(letters.code(ANA, "sign-up", "012345", 10)));
        bad.close();
      }
      assert.equal(sink.letters.length, 1);
      await sink.close();
    }
    await Deno.remove(folder, { recursive: true });
  },
});

Deno.test({
  name:
    "attack: twelve CR/LF forms in every field that comes near mail add no header and no recipient",
  ...loose,
  async fn() {
    const forms = [
      "\r\nBcc: eve@evil.org",
      "\nBcc: eve@evil.org",
      "\rBcc: eve@evil.org",
      "%0d%0aBcc: eve@evil.org",
      "%0aBcc:eve@evil.org",
      "\r\n\r\n<script>",
      "\u0000\r\nBcc: eve@evil.org",
      "\u2028Bcc: eve@evil.org",
      "\u0085Bcc: eve@evil.org",
      "\u560d\u560aBcc: eve@evil.org",
      ",eve@evil.org",
      "=?utf-8?q?=0D=0ABcc:_eve@evil.org?=",
    ];
    const sink = await openSmtpSink();
    const world = await makeWorld({ limits: { codesPerIpHour: 1_000 } });
    const channel = createSmtpChannel({ url: `smtp://127.0.0.1:${sink.port}`, from: FROM });
    world.mailer.send = (letter) => channel.send(letter);
    for (const [i, evil] of forms.entries()) {
      const good = { username: `ana_${i}`, fullName: "Ana", contact: `ana${i}@example.org` };
      const visitor = new Visitor(world);
      value(await visitor.api.signUp({ ...good, fullName: `Ana${evil}` }));
      for (
        const contact of [
          `ana@example.org${evil}`,
          `ana${evil}@example.org`,
          `${evil}${good.contact}`,
        ]
      ) {
        assert.equal(codeOf(await visitor.api.signUp({ ...good, contact })), "bad-contact");
      }
      const name = await new Visitor(world).api.signUp({ ...good, username: `ana${evil}` });
      assert.equal(codeOf(name), "bad-username");
      await assert.rejects(() =>
        channel.send(letters.alreadyHere({ ...ANA, address: `ana@example.org${evil}` }))
      );
    }
    assert.equal(sink.letters.length, forms.length);
    for (const letter of sink.letters) {
      assert.equal(letter.to.length, 1);
      assert.match(letter.to[0]!, /^ana\d+@example\.org$/);
      const names = headersOf(letter.raw).map((line) => line.split(":")[0]!.toLowerCase());
      assert.equal(names.filter((name) => name === "subject").length, 1);
      assert.ok(!names.some((name) => ["bcc", "cc", "reply-to"].includes(name)));
      assert.ok(!letter.raw.includes("evil.org") && !letter.raw.includes("<script>"));
    }
    channel.close();
    await sink.close();
    world.close();
  },
});
