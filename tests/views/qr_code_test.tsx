import assert from "node:assert/strict";
import { decodeQR } from "qr/decode.js";
import { QrCode } from "../../views/qr_code.tsx";

const URI = "otpauth://totp/chat.example.org:ana?issuer=chat.example.org&secret=" +
  "GQTDWCVLRQNBUS4GVILHN6MOJUATNKBY&algorithm=SHA1&digits=6&period=30";

/** The drawing as a camera would see it: `scale` pixels a dot. */
function picture(svg: string, scale: number) {
  const side = Number(/viewBox="0 0 (\d+) /.exec(svg)![1]);
  const width = side * scale;
  const data = new Uint8ClampedArray(width * width * 4).fill(255);
  for (const [, x, y] of svg.matchAll(/M(\d+) (\d+)h1v1h-1z/g)) {
    for (let i = 0; i < scale * scale; i++) {
      const [px, py] = [Number(x) * scale + i % scale, Number(y) * scale + Math.floor(i / scale)];
      data.fill(0, (py * width + px) * 4, (py * width + px) * 4 + 3);
    }
  }
  return { width, height: width, data };
}

Deno.test("a camera reads out of the drawing what was put into it", () => {
  const svg = String(<QrCode text={URI} label="QR code" />);
  assert.equal(decodeQR(picture(svg, 4)), URI);
});

Deno.test("the drawing has no style, no script and not the text itself", () => {
  const svg = String(<QrCode text={URI} label="QR code" />);
  assert.ok(!/style=|<script|otpauth|GQTD/.test(svg));
  assert.match(svg, /role="img" aria-label="QR code"/);
});
