import assert from "node:assert/strict";
import { clientAddress, countingKey } from "../../routes/client_address.ts";

const proxy = (address: string) => address === "10.0.0.1" || address === "10.0.0.2";
const nobody = () => false;

Deno.test("a forged X-Forwarded-For is ignored without a trusted proxy", () => {
  assert.equal(clientAddress("192.0.2.1", "203.0.113.9", nobody), "192.0.2.1");
  assert.equal(clientAddress("192.0.2.1", "203.0.113.9", proxy), "192.0.2.1");
});

Deno.test("behind a trusted proxy the last address it added counts, not what the client wrote", () => {
  assert.equal(clientAddress("10.0.0.1", "1.1.1.1, 203.0.113.9", proxy), "203.0.113.9");
  assert.equal(clientAddress("10.0.0.1", "1.1.1.1, 203.0.113.9, 10.0.0.2", proxy), "203.0.113.9");
});

Deno.test("attack: a header that is too long to read still ends with what the proxy added", () => {
  const forged = "9.9.9.9," + " ".repeat(992);
  for (const long of [forged, forged + "8.8.8.8", "1.2.3.4, ".repeat(1_000)]) {
    assert.equal(clientAddress("10.0.0.1", `${long}, 203.0.113.9`, proxy), "203.0.113.9");
  }
});

Deno.test("a proxy that sends nonsense is counted itself", () => {
  for (const header of [undefined, null, "", "unknown", "1.2.3.4:80", "<script>"]) {
    assert.equal(clientAddress("10.0.0.1", header, proxy), "10.0.0.1");
  }
});

Deno.test("an IPv4 address is the same by way of IPv6", () => {
  assert.equal(clientAddress("::ffff:192.0.2.1", null, nobody), "192.0.2.1");
});

Deno.test("all addresses of one IPv6 network count as one", () => {
  const home = "2001:db8:1:2::/64";
  assert.equal(countingKey("2001:db8:1:2:aaaa::1"), home);
  assert.equal(countingKey("2001:0db8:0001:0002:ffff:ffff:ffff:ffff"), home);
  assert.equal(countingKey("2001:db8:1:3::1"), "2001:db8:1:3::/64");
  assert.equal(countingKey("::1"), "0:0:0:0::/64");
  assert.equal(countingKey("192.0.2.1"), "192.0.2.1");
});
