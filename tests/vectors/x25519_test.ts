import assert from "node:assert/strict";
import { agree, importAgreement } from "../../crypto/agreement.ts";
import { KeyError } from "../../crypto/errors.ts";
import { toHex } from "../../protocol/encoding.ts";
import { type Case, hex, rfc, wycheproof } from "./load.ts";

type Judgement = "any" | "refused" | "agreed";

/** The two refusals that Snug makes where RFC 7748 leaves a choice; other "acceptable" cases must agree. */
function expected({ flags, result }: Case): Judgement {
  const has = (flag: string) => (flags as string[]).includes(flag);
  if (has("NonCanonicalPublic") || has("ZeroSharedSecret") || has("LowOrderPublic")) {
    return "refused";
  }
  return result === "invalid" ? "refused" : "agreed";
}

wycheproof(
  "x25519 agrees with Wycheproof or refuses the key",
  "x25519_test.json",
  async (vector) => {
    const pair = await importAgreement(hex(vector["private"]), "sealed");
    const agreed = agree(pair.private, hex(vector["public"]));
    if (expected(vector) === "refused") return await assert.rejects(agreed, KeyError);
    assert.equal(toHex(await agreed), vector["shared"]);
  },
);

rfc("x25519 gives the values of RFC 7748 section 5.2", "x25519_rfc7748.json", async (vector) => {
  const pair = await importAgreement(hex(vector["scalar"]), "sealed");
  const u = hex(vector["u"]);
  // Section 5 has the top bit ignored; Snug refuses a key that has it set, and agrees without it.
  if (u[31]! > 127) await assert.rejects(agree(pair.private, u), KeyError);
  u[31]! &= 127;
  assert.equal(toHex(await agree(pair.private, u)), vector["out"]);
});
