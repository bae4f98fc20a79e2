import assert from "node:assert/strict";
import {
  createLetterWriter,
  LANGUAGES,
  type LetterWords,
  readLanguage,
} from "../../auth/letters.ts";
import { ORIGIN } from "../helpers/account_world.ts";

const FACTS = { code: "012345", host: "chat.example.org", minutes: 10 };

/** Everything a language says, by name. */
function said(
  words: LetterWords,
): [string, { subject: string; lines: readonly string[]; short?: string }][] {
  const { host } = FACTS;
  return [
    ...Object.entries(words.code).map(([name, write]) => [`code ${name}`, write(FACTS)] as const),
    ["alreadyHere", words.alreadyHere(host)] as const,
    ["noAccount", words.noAccount(host)] as const,
    ...Object.entries(words.news).map(([name, write]) => [`news ${name}`, write(host)] as const),
  ].map(([name, written]) => [name, written]);
}

const ENGLISH = said(LANGUAGES["en"]!);

Deno.test("every language has every letter, and says every one of them in its own words", () => {
  assert.deepEqual(Object.keys(LANGUAGES), ["en", "de"]);
  for (const [language, words] of Object.entries(LANGUAGES)) {
    const letters = said(words);
    assert.deepEqual(letters.map(([name]) => name), ENGLISH.map(([name]) => name), language);
    assert.equal(new Set(letters.map(([, { lines }]) => lines.join())).size, letters.length);
    if (language === "en") continue;
    for (const [i, [name, { subject, lines }]] of letters.entries()) {
      assert.notEqual(subject, ENGLISH[i]![1].subject, `${language} ${name}`);
      assert.notDeepEqual(lines, ENGLISH[i]![1].lines, `${language} ${name}`);
    }
  }
});

Deno.test("a code is in the subject, in the letter and in one short message; every letter names the host", () => {
  for (const words of Object.values(LANGUAGES)) {
    for (const [name, { subject, lines, short }] of said(words)) {
      assert.ok(lines.join(" ").includes(FACTS.host), name);
      assert.ok(!/[\r\n<>]/.test(subject + (short ?? "")), name);
      if (!name.startsWith("code")) continue;
      assert.ok(subject.startsWith(FACTS.code) && lines.some((line) => line.includes(FACTS.code)));
      // 160 characters of the GSM alphabet are one message.
      assert.ok(short!.includes(FACTS.code) && short!.length <= 160, `${name}: ${short!.length}`);
      assert.match(short!, /^[\x20-\x7eäöüÄÖÜß]*$/);
    }
  }
});

Deno.test("the language is the first wish that can be met", () => {
  const wishes: [string | null, string][] = [
    [null, "en"],
    ["", "en"],
    ["de", "de"],
    ["de-AT,en;q=0.5", "de"],
    ["en;q=0.5, de;q=0.7", "de"],
    ["fr-FR, fr, it", "en"],
    ["fr, de;q=0.1", "de"],
    ["de;q=0, en", "en"],
    ["DE", "de"],
    ["*", "en"],
    ["__proto__, constructor, toString", "en"],
    ["de;q=2", "de"],
    [`${"x,".repeat(50_000)}de`, "en"],
  ];
  for (const [header, language] of wishes) {
    assert.equal(readLanguage(header), language, String(header).slice(0, 40));
  }
});

Deno.test("a language that was taken out again falls back to English", () => {
  const letters = createLetterWriter(ORIGIN);
  const to = { kind: "email", address: "ana@example.org", language: "tlh" } as const;
  const letter = letters.news(to, "new-device");
  assert.match(letter.html, /lang="en"/);
  assert.match(letter.subject, /^A new device/);
});
