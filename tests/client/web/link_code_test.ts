import assert from "node:assert/strict";
import { readLinkCode } from "../../../client/web/link_code.ts";
import { safetyCode } from "../../../client/web/safety_code.ts";

const HASH = "A".repeat(43);
const CODE = `ABCD-2345-EFGH-6789.${HASH}`;
const ORIGIN = "https://chat.example";

Deno.test("a scanned code of this server is taken, whole", () => {
  const read = readLinkCode(`${ORIGIN}/settings/link#${CODE}`, ORIGIN);
  assert.deepEqual(read, { kind: "code", code: CODE });
});

Deno.test("a code of another server is named, and goes to nobody", () => {
  const read = readLinkCode(`https://other.example:8443/settings/link#${CODE}`, ORIGIN);
  assert.deepEqual(read, { kind: "elsewhere", host: "other.example:8443" });
});

Deno.test("attack: what is scanned is a link code with its keys' hash, or nothing", () => {
  for (
    const text of [
      ...["", "hello", safetyCode("1".repeat(60)), `${ORIGIN}/chat#${CODE}`],
      ...[`${ORIGIN}/settings/link`, `${ORIGIN}/settings/link#ABCD-2345-EFGH-6789`],
      ...[`${ORIGIN}/settings/link#ABCD.${HASH}`, `javascript:alert(1)#${CODE}`],
    ]
  ) assert.deepEqual(readLinkCode(text, ORIGIN), { kind: "other" }, text);
});
