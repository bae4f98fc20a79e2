import assert from "node:assert/strict";
import encodeQR from "qr";
import decodeQR from "qr/decode.js";
import { shape } from "../../../client/web/qr.ts";
import { joinLink } from "../../../client/web/share.ts";

Deno.test("a code travels in the fragment, which no browser sends", () => {
  const link = new URL(joinLink("https://chat.example.org", "K7QF-9XWD-2MVP-8TNC"));
  assert.equal(link.pathname + link.search, "/join");
  assert.equal(link.hash, "#K7QF-9XWD-2MVP-8TNC");
});

Deno.test("the drawn code is read as the link by a reader that never saw it", () => {
  const link = joinLink("https://chat.example.org:8443", "K7QF-9XWD-2MVP-8TNC");
  const rows = encodeQR(link, "raw", { ecc: "medium", border: 4 });
  const drawn = new Set(
    [...shape(rows).matchAll(/M(\d+) (\d+)h1v1h-1z/g)].map((m) => `${m[1]} ${m[2]}`),
  );
  const [scale, width] = [4, rows.length * 4];
  const data = new Uint8Array(width * width * 4).fill(255);
  for (let y = 0; y < width; y++) {
    for (let x = 0; x < width; x++) {
      const dark = drawn.has(`${Math.floor(x / scale)} ${Math.floor(y / scale)}`);
      if (dark) data.fill(0, (y * width + x) * 4, (y * width + x) * 4 + 3);
    }
  }
  assert.equal(decodeQR({ width, height: width, data }), link);
});
