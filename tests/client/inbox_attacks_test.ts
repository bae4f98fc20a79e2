/** Envelopes made to cost the receiver more than the sender: look-ups are limited, and others wait behind. */
import assert from "node:assert/strict";
import { randomBytes } from "../../crypto/random.ts";
import { encodeEnvelope, type Opening } from "../../protocol/envelope.ts";
import { randomId } from "../../protocol/ids.ts";
import { type Device, say, talkTo, texts, twoPeople, warnings } from "../helpers/people_world.ts";

/** An opening that no handshake made; what matters is whom and which list it names. */
function openingBy({ keys }: Device, named: Partial<Opening> = {}) {
  const opening: Opening = {
    ...{ account: keys.account, aik: keys.aik, device: keys.device },
    ...{ sign: keys.sign.public, agree: keys.agree.public, listVersion: 1 },
    ...{ listHash: randomBytes(32), ephemeral: randomBytes(32), signedPrekey: 1, oneTime: null },
    kem: { kind: "last", id: 1, ciphertext: randomBytes(1_088) },
    supersedes: [],
    ...named,
  };
  const envelope = encodeEnvelope({
    ...{ kind: "opening", session: randomId(), opening },
    ...{ salt: randomBytes(16), header: randomBytes(68), ciphertext: randomBytes(272) },
  });
  return { account: keys.account, device: keys.device, envelope };
}

const LIES: Readonly<Record<string, () => Partial<Opening>>> = {
  "people who do not exist": () => ({ account: randomId() }),
  "lists that do not exist": () => ({ listVersion: 7 }),
  "account keys that do not exist": () => ({ aik: randomBytes(32) }),
};

for (const [what, lie] of Object.entries(LIES)) {
  Deno.test(`attack: a stranger whose openings name ${what} uses up no look-ups and stops nobody`, async () => {
    const { world, ana, ben } = await twoPeople();
    const mallory = await world.person("mallory");
    const before = world.server.requests.length;
    for (let i = 0; i < 40; i++) {
      world.server.relay.forge(ben.keys.device, openingBy(mallory, lie()));
    }
    await world.settle();
    const asked = world.server.requests.slice(before)
      .filter((request) => request.startsWith("GET /api/accounts/"));
    assert.ok(asked.length <= 8, `${asked.length} look-ups`);
    await say(ana, await talkTo(ana, "ben"), "still here");
    await world.settle();
    assert.deepEqual(await texts(ben, ana), ["still here"]);
    assert.equal(world.server.relay.queue(ben.keys.device).waiting.length, 0);
    assert.equal(warnings(ben).length, 40, "each is set aside and said");
    await world.closeAll();
  });
}
