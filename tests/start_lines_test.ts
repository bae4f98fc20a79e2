import assert from "node:assert/strict";
import decodeQR from "qr/decode.js";
import { readConfig } from "../config.ts";
import { type StartFacts, startLines, terminalQr } from "../start_lines.ts";

const LINK = "https://chat.example.org/invite#" + "a".repeat(43);
const FACTS: StartFacts = {
  ...{ version: "1", firstAccountLink: LINK, isEmpty: true, onTerminal: true },
  certificateLines: ["Certificate to trust: data/ca.pem", "Its SHA-256: AA:BB"],
};
const config = (...flags: string[]) => readConfig(flags, () => undefined);
const away = config(
  ...["--origin", "https://chat.example.org", "--tls", "off", "--trusted-proxy", "10.0.0.1"],
);

Deno.test("a first start says the address, the fingerprint, where codes go, the link as words and square, and what is next", () => {
  const lines = startLines(away, FACTS);
  const text = lines.join("\n");
  const order = [
    "is at https://chat.example.org",
    "Its SHA-256: AA:BB",
    "Sign-up codes go to this console",
  ];
  const places = [...order, `Make the first account at ${LINK}`, "█", "Then: invite"].map((words) =>
    text.indexOf(words)
  );
  assert.ok(places.every((at, i) => at > (places[i - 1] ?? -1)), text);
  assert.ok(lines.every((line) => [...line].length <= 130), "fits on a screen");
});

Deno.test("the square is for terminals; with accounts there is nothing to make", () => {
  assert.ok(!startLines(away, { ...FACTS, onTerminal: false }).join("").includes("█"));
  const later = startLines(away, { ...FACTS, isEmpty: false, firstAccountLink: null });
  assert.deepEqual(later.filter((line) => /first account|Then:/.test(line)), []);
});

Deno.test("what is next is said with the folder that was named", () => {
  const text = startLines(config("--data", "/srv/snug"), FACTS).join("\n");
  for (const command of ["admin invite", "backup FILE"]) {
    assert.ok(text.includes(`"snug ${command} --data /srv/snug"`), text);
  }
});

Deno.test("a server that listens for others under a name of this machine's own says what to do", () => {
  const said = (...flags: string[]) =>
    startLines(config(...flags), FACTS).filter((line) => /--origin or --domain/.test(line)).length;
  assert.equal(said("--listen", "0.0.0.0:8443"), 1);
  assert.equal(said("--listen", "[::]:8443"), 1);
  assert.equal(said("--listen", "0.0.0.0:8443", "--origin", "https://snug.lan:8443"), 0);
  assert.equal(said("--listen", "192.0.2.7:8443"), 0);
  assert.equal(said(), 0);
});

Deno.test("on loopback the first account needs no link, and the words say who gets the server", () => {
  const text = startLines(config(), { ...FACTS, firstAccountLink: null }).join("\n");
  assert.match(text, /Make the first account at https:\/\/localhost:8443\/sign-up\n/);
  assert.ok(text.includes("Whoever makes the first account runs this server."));
  assert.ok(!text.includes("█"));
});

Deno.test("the square has every dot: dark where the code is dark, with a light edge", () => {
  const lines = terminalQr("HELLO");
  // 21 dots and two more on each side, two rows a line.
  assert.equal(lines.length, 13);
  assert.ok(lines.every((line) => [...line].length === 25));
  assert.equal(lines[0], "█".repeat(25), "the edge is light");
  // The first finder: seven dark dots, so nothing is lit in the upper half of its first line.
  assert.equal([...lines[1]!].slice(2, 9).join(""), " ▄▄▄▄▄ ");
});

Deno.test("a phone reads the square", () => {
  const lines = terminalQr(LINK).map((line) => [...line]);
  const [width, height] = [lines[0]!.length * 4, lines.length * 8];
  const data = new Uint8Array(width * height * 4).fill(255);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const lit = (y % 8 < 4 ? "█▀" : "█▄").includes(lines[y >> 3]![x >> 2]!);
      if (!lit) data.fill(0, (y * width + x) * 4, (y * width + x) * 4 + 3);
    }
  }
  assert.equal(decodeQR({ width, height, data }), LINK);
});
