import assert from "node:assert/strict";
import { createSeeds } from "../../auth/totp.ts";
import { utf8 } from "../../protocol/encoding.ts";
import { randomId } from "../../protocol/ids.ts";
import { fakeRandom, NOON, ORIGIN } from "../helpers/account_world.ts";
import { appOf } from "../helpers/guarded.ts";

const random = fakeRandom("seeds");
const seeds = createSeeds({ codeKey: random(32) }, { origin: ORIGIN, random });
const account = randomId<"account">();

Deno.test("the codes are those of RFC 6238, appendix B, in six digits", () => {
  const seed = utf8("12345678901234567890");
  const vectors: [number, string][] = [
    [59, "287082"],
    [1_111_111_109, "081804"],
    [1_111_111_111, "050471"],
    [1_234_567_890, "005924"],
    [2_000_000_000, "279037"],
    [20_000_000_000, "353130"],
  ];
  for (const [seconds, code] of vectors) {
    assert.equal(seeds.stepOf(seed, code, seconds * 1_000), Math.floor(seconds / 30));
  }
});

Deno.test("attack: clock skew beyond one step is refused, one step either side is taken", () => {
  const seed = seeds.make();
  const shown = seeds.show(seed, "ana");
  const app = appOf({ clock: { now: () => NOON } } as Parameters<typeof appOf>[0], shown.secret);
  const step = NOON / 30_000;
  const read = [-3, -2, -1, 0, 1, 2, 3].map((off) => seeds.stepOf(seed, app.code(off), NOON));
  assert.deepEqual(read, [null, null, step - 1, step, step + 1, null, null]);
});

Deno.test("a seed opens for its account only, and for nobody without the key", async () => {
  const seed = seeds.make();
  const sealed = await seeds.seal(seed, account);
  assert.deepEqual(await seeds.open(sealed, account), seed);
  await assert.rejects(seeds.open(sealed, randomId<"account">()));
  const other = createSeeds({ codeKey: random(32) }, { origin: ORIGIN, random });
  await assert.rejects(other.open(sealed, account));
  for (const at of [1, 13, sealed.length - 1]) {
    const bent = sealed.slice();
    bent[at]! ^= 1;
    await assert.rejects(seeds.open(bent, account));
  }
});

Deno.test("an app is told the server's name, the person's, and a seed of 160 bits", () => {
  const { uri, secret } = seeds.show(seeds.make(), "ana");
  const { protocol, pathname, searchParams } = new URL(uri);
  assert.equal(protocol, "otpauth:");
  assert.match(decodeURIComponent(pathname), /chat\.example\.org:ana$/);
  assert.equal(searchParams.get("secret"), secret);
  assert.match(secret, /^[A-Z2-7]{32}$/);
  assert.equal(searchParams.get("issuer"), "chat.example.org");
});
