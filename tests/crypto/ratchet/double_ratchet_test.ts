import assert from "node:assert/strict";
import { generateAgreement } from "../../../crypto/agreement.ts";
import { DecryptError } from "../../../crypto/errors.ts";
import { randomBytes } from "../../../crypto/random.ts";
import {
  ratchetDecrypt,
  ratchetEncrypt,
  type SealedMessage,
} from "../../../crypto/ratchet/double_ratchet.ts";
import {
  countSkipped,
  initiatorRatchet,
  limitSkipped,
  type RatchetState,
  responderRatchet,
} from "../../../crypto/ratchet/state.ts";
import { utf8 } from "../../../protocol/encoding.ts";
import { randomId } from "../../../protocol/ids.ts";

const DAY = 86_400_000;
const BINDING = {
  session: randomId<"session">(),
  transcript: randomBytes(32),
  opening: new Uint8Array(),
};

class End {
  constructor(public state: RatchetState) {}

  async send(text = "text"): Promise<SealedMessage> {
    const plain = { content: utf8(text), context: "pairwise" } as const;
    const { state, message } = await ratchetEncrypt(this.state, BINDING, plain);
    this.state = state;
    return message;
  }

  async receive(message: SealedMessage, now = 0) {
    const opened = await ratchetDecrypt(this.state, BINDING, message, now);
    this.state = opened.state;
    return opened;
  }
}

async function pair(): Promise<[End, End]> {
  const prekey = await generateAgreement("portable");
  const secrets = {
    root: randomBytes(32),
    initiatorHeaderKey: randomBytes(32),
    responderHeaderKey: randomBytes(32),
  };
  return [
    new End(initiatorRatchet(secrets, prekey.public, "portable")),
    new End(responderRatchet(secrets, prekey, "portable")),
  ];
}

async function turn(a: End, b: End): Promise<void> {
  await b.receive(await a.send());
  await a.receive(await b.send());
}

Deno.test("a session decrypts a message that arrives after 999 others", async () => {
  const [alice, bob] = await pair();
  const late = await alice.send("late");
  for (let i = 0; i < 999; i++) await bob.receive(await alice.send());
  const opened = await bob.receive(late);
  assert.deepEqual([opened.content, opened.late], [utf8("late"), true]);
});

Deno.test("every turn changes root, ratchet and header keys on both sides", async () => {
  const [alice, bob] = await pair();
  const seen = new Set<string>();
  for (let i = 0; i < 4; i++) {
    await turn(alice, bob);
    const { root, own, sending, receiving } = alice.state;
    for (const key of [root, own!.public, sending?.headerKey, receiving!.headerKey]) {
      if (key) seen.add(String(key));
    }
  }
  assert.ok(seen.size >= 12);
});

Deno.test("the two directions never share a key", async () => {
  const [alice, bob] = await pair();
  await turn(alice, bob);
  await bob.receive(await alice.send());
  await alice.receive(await bob.send());
  await alice.send();
  const [ours, theirs] = [alice.state.sending!, alice.state.receiving!];
  assert.notDeepEqual(ours.headerKey, theirs.headerKey);
  assert.notDeepEqual(ours.chainKey, theirs.chainKey);
});

Deno.test("a responder that has received nothing cannot send", async () => {
  const [, bob] = await pair();
  await assert.rejects(bob.send(), TypeError);
});

Deno.test("only the newest 2,000 skipped keys of a session are kept, over all its chains", async () => {
  const [alice, bob] = await pair();
  const first = [];
  for (let i = 0; i < 1500; i++) first.push(await alice.send(`a${i}`));
  await bob.receive(await alice.send("turn"));
  await alice.receive(await bob.send());
  const second = [];
  for (let i = 0; i < 1000; i++) second.push(await alice.send(`b${i}`));
  await bob.receive(await alice.send("end"));
  assert.equal(countSkipped(bob.state), 2000);
  for (const index of [0, 999]) assert.ok(await bob.receive(second[index]!));
  for (const index of [500, 1499]) assert.ok(await bob.receive(first[index]!));
  await assert.rejects(bob.receive(first[499]!), DecryptError);
});

Deno.test("skipped keys go after 30 days, a day of clock error either way does no harm", async () => {
  const [alice, bob] = await pair();
  const [one, two] = [await alice.send("1"), await alice.send("2")];
  await bob.receive(await alice.send("3"), 100 * DAY);
  assert.ok(await bob.receive(one, 99 * DAY));
  await assert.rejects(bob.receive(two, 130 * DAY + 1), DecryptError);
  assert.equal(countSkipped(bob.state), 1);
  await bob.receive(await alice.send("4"), 131 * DAY);
  assert.equal(countSkipped(bob.state), 0);
});

Deno.test("5 older chains are kept; a message of the sixth is lost", async () => {
  const [alice, bob] = await pair();
  const held = [];
  for (let i = 0; i < 7; i++) {
    held.push(await alice.send(`held ${i}`));
    await turn(alice, bob);
  }
  // Six chains have ended short of a message; the seventh is the present one.
  assert.equal(bob.state.older.length, 5);
  await assert.rejects(bob.receive(held[0]!), DecryptError);
  for (const message of held.slice(1)) assert.equal((await bob.receive(message)).late, true);
  assert.deepEqual(bob.state.older, []);
});

Deno.test("limitSkipped keeps what is newest, whichever chain it is in", async () => {
  const [alice, bob] = await pair();
  await alice.send();
  await turn(alice, bob);
  const kept = await alice.send("newer");
  await bob.receive(await alice.send());
  assert.equal(countSkipped(bob.state), 2);
  bob.state = limitSkipped(bob.state, 1, 0);
  assert.equal(countSkipped(bob.state), 1);
  assert.ok(await bob.receive(kept));
});
