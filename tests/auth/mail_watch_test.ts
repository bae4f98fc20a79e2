import assert from "node:assert/strict";
import type { Letter } from "../../auth/letters.ts";
import { watchMailer } from "../../auth/mail_watch.ts";

const letter = {} as Letter;

Deno.test("the end waits for letters under way, those that fail too, and for nothing else", async () => {
  const [good, bad] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const answers = [good.promise, bad.promise];
  const mailer = watchMailer({ send: () => answers.shift()! });
  await mailer.settled(60_000);
  const sent = mailer.send(letter);
  const failed = assert.rejects(mailer.send(letter), /no mail server/);
  let over = false;
  const settled = mailer.settled(60_000).then(() => over = true);
  good.resolve();
  await sent;
  assert.equal(over, false);
  bad.reject(new Error("no mail server"));
  await settled;
  await failed;
  await mailer.settled(60_000);
});

Deno.test("a mail server that says nothing holds nobody up", async () => {
  const mailer = watchMailer({ send: () => new Promise(() => {}) });
  void mailer.send(letter);
  await mailer.settled(1);
});
