import assert from "node:assert/strict";
import { createLetterWriter } from "../../auth/letters.ts";
import { createOutboxChannel } from "../../auth/mail.ts";
import { fakeRandom, NOON, ORIGIN } from "../helpers/account_world.ts";
import { modeOf, namesIn } from "../helpers/files.ts";
import { headersOf } from "../helpers/smtp_sink.ts";

const letters = createLetterWriter(ORIGIN);
const ANA = { kind: "email", address: "ana@example.org", language: "en" } as const;
const FROM = "snug@chat.example.org";

Deno.test("without a mail server the code is on the console and in a file for the owner only", async () => {
  const folder = await Deno.makeTempDir();
  const printed: string[] = [];
  const channel = createOutboxChannel({
    folder: `${folder}/outbox`,
    from: FROM,
    now: () => NOON,
    random: fakeRandom("outbox"),
    print: (line) => printed.push(line),
  });
  await channel.send(letters.code(ANA, "sign-up", "012345", 10));
  await channel.send(letters.alreadyHere(ANA));
  assert.deepEqual(printed, ["Code for ana@example.org: 012345"]);
  const files = await namesIn(`${folder}/outbox`);
  assert.equal(files.length, 2);
  for (const name of files) {
    assert.match(name, /^2026-01-02T12-00-00\.000Z-[\w-]{8}\.eml$/);
    assert.equal(await modeOf(`${folder}/outbox/${name}`), 0o600);
  }
  assert.equal(await modeOf(`${folder}/outbox`), 0o700);
  const mails = await Promise.all(
    files.map((name) => Deno.readTextFile(`${folder}/outbox/${name}`)),
  );
  const mail = mails.find((text) => text.includes("012345"))!;
  assert.ok(headersOf(mail).includes("Subject: 012345 is your Snug code"));
  assert.match(mail, /^Date: Fri, 02 Jan 2026 12:00:00 \+0000\r$/m);
  await channel.send(
    letters.code({ ...ANA, kind: "phone", address: "+491701234567" }, "sign-up", "543210", 10),
  );
  assert.equal(printed[1], "Code for +491701234567: 543210");
  const texts = (await namesIn(`${folder}/outbox`)).filter((name) => name.endsWith(".txt"));
  const text = await Deno.readTextFile(`${folder}/outbox/${texts[0]}`);
  assert.match(
    text,
    /^To: \+491701234567\n\n543210 is your Snug code to sign up at chat\.example\.org\./,
  );
  assert.equal(await modeOf(`${folder}/outbox/${texts[0]}`), 0o600);
  channel.close();
  await Deno.remove(folder, { recursive: true });
});

Deno.test("letters are plain words: nothing in them was typed by anybody", () => {
  const { subject, text, html } = letters.code(ANA, "sign-up", "012345", 10);
  assert.ok(text.includes("chat.example.org") && html.includes("012345"));
  assert.ok(![subject, text, html].some((part) => part.includes("ana@")));
  assert.doesNotMatch(html, /<(script|img|a|link|style)/);
});
