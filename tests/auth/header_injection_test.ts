import assert from "node:assert/strict";
import { createChannels } from "../../auth/channels.ts";
import { createSmtpChannel } from "../../auth/mail.ts";
import { createSmsChannel } from "../../auth/sms.ts";
import { fakeRandom, makeWorld, Visitor } from "../helpers/account_world.ts";
import { signUp } from "../helpers/members.ts";
import { openSmsSink } from "../helpers/sms_sink.ts";
import { headersOf, openSmtpSink } from "../helpers/smtp_sink.ts";

const SECRET = "a secret of 16 or more";
const FORMS = [
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

Deno.test({
  name:
    "attack: twelve CR/LF forms in every field of every form that leads to a letter or a message add no header, no recipient and no word",
  // node:net and node:http keep handles for a moment after close.
  sanitizeOps: false,
  sanitizeResources: false,
  async fn() {
    const mails = await openSmtpSink();
    const world = await makeWorld({
      limits: {
        codesPerIpHour: 10_000,
        codesPerAddressHour: 10_000,
        codeResendSeconds: 0,
        nameChecksPerIpHour: 10_000,
      },
    });
    const messages = await openSmsSink({ secret: SECRET, now: world.clock.now });
    const wait = () => Promise.resolve();
    const sms = createSmsChannel({
      ...{ url: messages.url, secret: SECRET, now: world.clock.now, random: fakeRandom("s"), wait },
    });
    const smtp = createSmtpChannel({ url: `smtp://127.0.0.1:${mails.port}`, from: "a@b.example" });
    const memory = world.mailer.send.bind(world.mailer);
    const real = createChannels({ smtp, sms, outbox: { send: memory, close() {} } });
    const ana = await signUp(world, "ana", new Visitor(world, "browser"));
    const both = async (letter: Parameters<typeof memory>[0]) => {
      await memory(letter);
      await real.send(letter);
    };
    world.mailer.send = both;

    for (const evil of FORMS) {
      const good = { username: "eve", fullName: "Eve", contact: "eve@example.org" };
      for (const field of ["username", "fullName", "contact", "invite"] as const) {
        const form = { ...good, [field]: `${field === "invite" ? "" : good[field]}${evil}` };
        await new Visitor(world, "browser").form("/sign-up", form);
      }
      for (const contact of [`ana@example.org${evil}`, `+491701234567${evil}`, `${evil}a@b.co`]) {
        await new Visitor(world, "browser").form("/sign-up", { ...good, contact });
        await new Visitor(world, "browser").form("/forgot", { contact });
        await ana.visitor.form("/settings/contact", { contact });
      }
      const languages = { "accept-language": evil.replace(/[^\x20-\x7e]/g, "") };
      await new Visitor(world, "browser").form("/forgot", { contact: ana.contact }, languages);
      await ana.visitor.form("/settings/contact", { contact: "+49 170 1234567" });
      await ana.visitor.form("/settings/contact/codes", { old: evil, new: evil });
      await ana.visitor.form("/settings/profile", { fullName: `Ana${evil}` });
    }
    await ana.visitor.form("/settings/contact", { contact: "new@example.org" });
    const [old, next] = [world.mailer.code(ana.contact), world.mailer.code("new@example.org")];
    await ana.visitor.form("/settings/contact/codes", { old, new: next });

    // Twelve of each: the form with a strange name, the forgotten password, the old address.
    assert.ok(mails.letters.length > 3 * FORMS.length, String(mails.letters.length));
    assert.ok(messages.requests.length >= FORMS.length);
    for (const { to, raw } of mails.letters) {
      assert.equal(to.length, 1);
      assert.match(to[0]!, /^(ana|eve|new)@example\.org$/);
      const names = headersOf(raw).map((line) => line.split(":")[0]!.toLowerCase());
      assert.equal(names.filter((name) => name === "subject").length, 1);
      assert.ok(!names.some((name) => ["bcc", "cc", "reply-to"].includes(name)));
      assert.doesNotMatch(raw, /evil\.org|<script>|\bEve\b/);
    }
    for (const { to, text, signed } of messages.requests) {
      assert.deepEqual([to, signed], ["+491701234567", true]);
      assert.doesNotMatch(text, /[\r\n]|evil/);
    }
    smtp.close();
    await mails.close();
    await messages.close();
    world.close();
  },
});
