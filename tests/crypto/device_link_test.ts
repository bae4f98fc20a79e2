import assert from "node:assert/strict";
import {
  areKeysOf,
  bindKeys,
  enterChannel,
  formatLinkCode,
  linkFragment,
  type LinkMessage,
  linkSecret,
  makeLinkCode,
  makeLinkPairs,
  openChannel,
  parseLinkCode,
} from "../../crypto/device_link.ts";
import { makeDevicePairs } from "../../crypto/account.ts";
import { DecryptError } from "../../crypto/errors.ts";
import { fromHex, toHex, utf8 } from "../../protocol/encoding.ts";
import type { LinkKeys } from "../../protocol/link_api.ts";
import { bitFlips } from "../helpers/mutations.ts";

const ORIGIN = "https://chat.example.org";
const CODE = fromHex("00443214c74254b635cf");
/** By another implementation of PBKDF2 and HKDF. */
const KNOWN = "7fba120e362f16cd329c3267b324d501";

async function newDevice() {
  const [device, pairs] = [await makeDevicePairs("portable"), await makeLinkPairs()];
  const [sign, agree] = [device.sign.public, device.agree.public];
  const keys: LinkKeys = {
    ...{ sign, agree },
    ...{ ephemeral: pairs.ephemeral.public, kem: pairs.kem.public },
  };
  return { pairs, keys };
}

Deno.test("a code reads back, typed as people type and out of a link", async () => {
  assert.equal(formatLinkCode(CODE), "0123-4567-89AB-CDEF");
  assert.deepEqual(parseLinkCode(" o123 4567-89ab cdef "), { code: CODE, keys: null });
  const { keys } = await newDevice();
  const address = `${ORIGIN}/settings/link#${await linkFragment(CODE, keys)}`;
  const parsed = parseLinkCode(address);
  assert.deepEqual(parsed?.code, CODE);
  assert.ok(await areKeysOf(...await boundFor(CODE, keys), parsed!.keys));
  for (const typed of ["", "0123", "0123-4567-89AB-CDEU", `${address}x`, address.slice(0, -1)]) {
    assert.equal(parseLinkCode(typed), null, typed);
  }
});

async function boundFor(code: typeof CODE, keys: LinkKeys) {
  const secret = await linkSecret(code, ORIGIN);
  return [secret, await bindKeys(secret, keys)] as const;
}

Deno.test("what a code derives is fixed, and is another for another code or server", async () => {
  const here = await linkSecret(CODE, ORIGIN);
  assert.equal(toHex(here.request), KNOWN);
  const others = [
    await linkSecret(CODE, "https://chat.example.com"),
    await linkSecret(makeLinkCode(), ORIGIN),
  ];
  for (const other of others) {
    for (const part of ["request", "mac", "channel"] as const) {
      assert.notEqual(toHex(here[part]), toHex(other[part]));
    }
  }
});

Deno.test("both ends have one channel and show the same digits; each message opens as itself only", async () => {
  const { keys, pairs } = await newDevice();
  const secret = await linkSecret(CODE, ORIGIN);
  const { opening, channel } = await openChannel(secret, keys);
  const other = await enterChannel(secret, keys, pairs, opening);
  assert.match(channel.check, /^\d{6}$/);
  assert.equal(other.check, channel.check);
  const messages: LinkMessage[] = ["offer", "answer", "handed"];
  for (const message of messages) {
    const sealed = await channel.seal(message, utf8(`the ${message}`));
    assert.deepEqual(await other.open(message, sealed), utf8(`the ${message}`));
    for (const wrong of messages.filter((one) => one !== message)) {
      await assert.rejects(other.open(wrong, sealed), DecryptError);
    }
    for (const bent of bitFlips(sealed)) {
      await assert.rejects(other.open(message, bent), DecryptError);
    }
  }
});

Deno.test("attack: without the code nobody answers in the other's name, keys or no keys", async () => {
  const { keys, pairs } = await newDevice();
  const secret = await linkSecret(CODE, ORIGIN);
  const guess = await linkSecret(makeLinkCode(), ORIGIN);
  const { opening, channel } = await openChannel(guess, keys);
  const other = await enterChannel(secret, keys, pairs, opening);
  const sealed = await channel.seal("offer", utf8("you are mine"));
  await assert.rejects(other.open("offer", sealed), DecryptError);
});

Deno.test("attack: any key that is another is found by the MAC, and by the hash of a picture", async () => {
  const { keys } = await newDevice();
  const { keys: foreign } = await newDevice();
  const [secret, bound] = await boundFor(CODE, keys);
  const { keys: hash } = parseLinkCode(await linkFragment(CODE, keys))!;
  assert.ok(await areKeysOf(secret, bound, null));
  for (const name of ["sign", "agree", "ephemeral", "kem"] as const) {
    const swapped = { ...keys, [name]: foreign[name] };
    assert.ok(!await areKeysOf(secret, { ...bound, keys: swapped }, null), name);
    // Whoever has the code can make the MAC; the picture still says no.
    const again = await bindKeys(secret, swapped);
    assert.ok(await areKeysOf(secret, again, null));
    assert.ok(!await areKeysOf(secret, again, hash), name);
  }
});
