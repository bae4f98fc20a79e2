import assert from "node:assert/strict";
import { newRecoveryCodes, readRecoveryCode, recoveryCodeMac } from "../../auth/recovery_codes.ts";
import { readFactorCode } from "../../auth/second_factor.ts";
import { randomId } from "../../protocol/ids.ts";
import { fakeRandom } from "../helpers/account_world.ts";

const random = fakeRandom("recovery codes");

Deno.test("ten codes of 70 bits, all different, without characters to misread", () => {
  const codes = newRecoveryCodes(random);
  assert.equal(new Set(codes).size, 10);
  for (const code of codes) assert.match(code, /^[0-9a-hjkmnp-tv-z]{7}-[0-9a-hjkmnp-tv-z]{7}$/);
});

Deno.test("a code is read as people type it: any case, spaces, look-alikes", () => {
  assert.equal(readRecoveryCode("0123abc-1def567"), "0123abc1def567");
  assert.equal(readRecoveryCode("  O123ABC IDEF567 "), "0123abc1def567");
  for (const wrong of ["", "0123abc", "0123abc-1def56u", "0".repeat(61), "0123abc-1def5678"]) {
    assert.equal(readRecoveryCode(wrong), null, wrong);
  }
});

Deno.test("six digits are the app's, anything else of the right shape is a recovery code", () => {
  assert.deepEqual(readFactorCode(" 123 456 "), { kind: "app", code: "123456" });
  assert.equal(readFactorCode("0123abc-1def567")?.kind, "recovery");
  for (const wrong of ["", "12345", "1234567", "x".repeat(10_000)]) {
    assert.equal(readFactorCode(wrong), null);
  }
});

Deno.test("one code is kept differently for two accounts, and with the hyphen or without alike", () => {
  const key = random(32);
  const [ana, ben] = [randomId<"account">(), randomId<"account">()];
  assert.deepEqual(
    recoveryCodeMac(key, ana, "0123abc-1def567"),
    recoveryCodeMac(key, ana, "0123abc1def567"),
  );
  assert.notDeepEqual(
    recoveryCodeMac(key, ana, "0123abc1def567"),
    recoveryCodeMac(key, ben, "0123abc1def567"),
  );
});
