import assert from "node:assert/strict";
import { openHistory, sealHistory, type Stretch } from "../../client/history_file.ts";
import { conversationPage, escaped } from "../../client/history_page.ts";
import { encodeSegmentContent, type SegmentContent } from "../../client/archive_records.ts";
import { FormatError } from "../../protocol/errors.ts";
import { chat, scene } from "../helpers/history_scene.ts";
import { sha256 } from "../../crypto/kdf.ts";
import { concat } from "../../protocol/encoding.ts";
import { randomId } from "../../protocol/ids.ts";
import { must } from "../helpers/people_world.ts";

/** Argon2id takes half a second; here anything that depends on both will do. */
const quick: Stretch = (passphrase, salt) => sha256(concat(passphrase, salt));
const PASSPHRASE = "five words that nobody guesses";
const head = {
  ...{ account: randomId<"account">(), username: "ana", origin: "https://a.example", time: 1 },
};

function contentOf(text: string): SegmentContent {
  const [conversation, device] = [randomId<"account">(), randomId<"device">()];
  const names = { id: randomId<"message">(), from: head.account, device };
  const rest = { time: 5, place: 1, state: null, verified: false, sender: null, mention: false };
  const messages = [{ ...names, ...rest, text }];
  return { format: 1, conversation, accepted: true, person: null, messages };
}

async function* each(contents: readonly SegmentContent[]): AsyncGenerator<SegmentContent> {
  for (const content of contents) yield await Promise.resolve(content);
}

const contents = ["one", "two", "three"].map(contentOf);

Deno.test("a history comes out of its file as it went in", async () => {
  const file = must(await sealHistory(head, each(contents), PASSPHRASE, quick));
  assert.deepEqual(must(await openHistory(file, PASSPHRASE, quick)), { head, contents });
  const empty = must(await sealHistory(head, each([]), PASSPHRASE, quick));
  assert.deepEqual(must(await openHistory(empty, PASSPHRASE, quick)).contents, []);
});

Deno.test("a wrong passphrase and a short one are refused in words", async () => {
  const file = must(await sealHistory(head, each(contents), PASSPHRASE, quick));
  const wrong = await openHistory(file, "five words that somebody guesses", quick);
  assert.ok(!wrong.ok && wrong.code === "wrong-password");
  const short = await sealHistory(head, each(contents), "too short", quick);
  assert.ok(!short.ok && short.code === "weak-password");
});

Deno.test("attack: a history file with any byte changed, a piece cut off, left out or moved is refused", async () => {
  const file = must(await sealHistory(head, each(contents), PASSPHRASE, quick));
  for (let at = 0; at < file.length; at += 23) {
    const bent = file.slice();
    bent[at]! ^= 1;
    assert.equal((await openHistory(bent, PASSPHRASE, quick)).ok, false, `byte ${at}`);
  }
  const ends = [29];
  const view = new DataView(file.buffer);
  while (ends.at(-1)! < file.length) ends.push(ends.at(-1)! + 4 + view.getUint32(ends.at(-1)!));
  for (let i = 1; i + 1 < ends.length; i++) {
    const cut = file.slice(0, ends[i]);
    assert.equal((await openHistory(cut, PASSPHRASE, quick)).ok, false, `cut after piece ${i}`);
    const without = concat(file.slice(0, ends[i]), file.slice(ends[i + 1]));
    assert.equal((await openHistory(without, PASSPHRASE, quick)).ok, false, `without piece ${i}`);
  }
});

Deno.test("attack: a file whose times no calendar has is refused; a later time than now is not kept", async () => {
  const far = {
    ...contentOf("far"),
    messages: [{ ...contentOf("far").messages[0]!, time: 2 ** 53 - 1 }],
  };
  assert.throws(() => encodeSegmentContent(far), FormatError);
  const one = await scene();
  const { world, archive, ana } = one;
  const { account } = ana.keys;
  await chat(one, 1);
  const [talk] = await ana.engine!.conversations();
  const later = world.now() + 1_000_000_000;
  const [message] = contentOf("from the future").messages;
  const content = {
    ...contentOf(""),
    conversation: talk!.id,
    messages: [{ ...message!, time: later }],
  };
  assert.equal(await ana.engine!.history.take(head.account, [content], new Map()), 1);
  const row = (await ana.engine!.messages(talk!.id)).find(({ text }) => text === "from the future");
  assert.equal(row?.time, world.now());
  assert.equal(await ana.engine!.history.flush(), "done");
  assert.ok(archive.shelf(account).segments.length > 1);
  await world.closeAll();
});

Deno.test("attack: another person's file makes nobody verified and brings no key in the place of one that is known", async () => {
  const one = await scene();
  const { world, ana } = one;
  const stranger = await world.person("cleo");
  const { list } = world.server.accounts.get(stranger.keys.account)!;
  const { version, hash, previous } = list;
  const person = {
    ...{ username: "cleo", fullName: "Cleo", aik: list.aik, verified: true, blocked: false },
    ...{ decided: 99, list: { version, hash, head: "set" as const, previous } },
  };
  const content = { ...contentOf("trust me"), conversation: stranger.keys.account, person };
  await ana.engine!.history.take(head.account, [content], new Map());
  const talks = await ana.engine!.conversations();
  const talk = talks.find(({ id }) => id === stranger.keys.account);
  assert.ok(talk?.kind === "person");
  assert.equal(talk.verification, "unverified");
  await world.closeAll();
});

Deno.test("attack: a file that promises a piece of gigabytes, or pieces without end, is refused at once", async () => {
  const file = must(await sealHistory(head, each(contents), PASSPHRASE, quick));
  const huge = file.slice();
  new DataView(huge.buffer).setUint32(29, 0xffff_ffff);
  assert.equal((await openHistory(huge, PASSPHRASE, quick)).ok, false);
  const empty = concat(file.slice(0, 29), new Uint8Array(1_000_000));
  assert.equal((await openHistory(empty, PASSPHRASE, quick)).ok, false);
  // What makes it slow to guess is compiled in: a file has no say in how much memory opening it takes.
  assert.equal(file.slice(0, 29).length, "snug history".length + 1 + 16);
});

Deno.test("attack: what people wrote is text on the page, whatever it looks like", () => {
  const hostile = `</title><script>alert(1)</script><img src=x onerror="alert(1)">&amp;'\`\u202e`;
  const row = {
    ...{ id: randomId<"message">(), conversation: randomId<"account">(), kind: "text" as const },
    ...{ from: head.account, device: randomId<"device">(), mine: false, text: hostile },
    ...{ time: 1_767_268_800_000, verified: false, order: "1" },
  };
  const page = conversationPage({
    title: hostile,
    nameOf: () => hostile,
    messages: [row],
    time: 0,
  });
  assert.equal(/<script|<img|onerror="/.test(page), false);
  assert.ok(page.includes("default-src 'none'"));
  assert.ok(page.includes("2026-01-01 12:00"));
  assert.equal(escaped("a<b"), "<bdi>a&#60;b</bdi>");
});
