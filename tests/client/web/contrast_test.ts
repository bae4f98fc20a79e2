/** The tokens in static/style.css, light and dark, against WCAG 2.2: 4.5 for text, 3 for fields and marks. */
import assert from "node:assert/strict";
import { TINTS } from "../../../client/web/names.ts";

const css = await Deno.readTextFile(new URL("../../../static/style.css", import.meta.url));
const chatCss = await Deno.readTextFile(new URL("../../../static/chat.css", import.meta.url));

type Tokens = ReadonlyMap<string, string>;

function tokens(block: string): Tokens {
  return new Map([...block.matchAll(/--([a-z-]+): (#[0-9a-f]{6});/g)].map((m) => [m[1]!, m[2]!]));
}

const [lightBlock = "", darkBlock = ""] = css.split("@media (prefers-color-scheme: dark)");
const light = tokens(lightBlock);
const dark = new Map([...light, ...tokens(darkBlock)]);

/** Relative luminance of sRGB, WCAG 2.2. */
function luminance(color: string): number {
  const parts = [1, 3, 5].map((at) => {
    const part = parseInt(color.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * parts[0]! + 0.7152 * parts[1]! + 0.0722 * parts[2]!;
}

function contrast(a: string, b: string): number {
  const [dim, bright] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (bright! + 0.05) / (dim! + 0.05);
}

/** Least contrast, what is written, and what it is written on. */
const PAIRS: readonly (readonly [number, string, string])[] = [
  [4.5, "ink soft faint ember ok warn bad", "paper card sunk"],
  [4.5, "on-ember", "ember ember-deep"],
  [4.5, "on-glow soft-on-glow bad", "glow"],
  [3, "field-line ember", "paper card sunk"],
];

for (const [theme, set] of [["light", light], ["dark", dark]] as const) {
  Deno.test(`every text of the ${theme} theme can be read on what it stands on`, () => {
    for (const [least, fronts, backs] of PAIRS) {
      for (const front of fronts.split(" ")) {
        for (const back of backs.split(" ")) {
          const ratio = contrast(set.get(front)!, set.get(back)!);
          assert.ok(ratio >= least, `${front} on ${back}: ${ratio.toFixed(2)} < ${least}`);
        }
      }
    }
  });
}

Deno.test("white initials can be read on both colours of every avatar", () => {
  const tints = [...chatCss.matchAll(/\.tint-\d+ \{[^}]*?(#[0-9a-f]{6}), (#[0-9a-f]{6})/g)];
  assert.equal(tints.length, TINTS);
  for (const [, from, to] of tints) {
    for (const color of [from!, to!]) {
      assert.ok(contrast("#ffffff", color) >= 4.5, `${color}: ${contrast("#ffffff", color)}`);
    }
  }
});

Deno.test("the dark theme gives every colour a value of its own", () => {
  const own = tokens(darkBlock);
  assert.deepEqual([...own.keys()].sort(), [...light.keys()].sort());
});

Deno.test("by night the colours are others, and nothing else", async () => {
  const shape = (block: string) =>
    new Map([...block.matchAll(/(--[a-z-]+): ([^;]+);/g)].map(([, name, value]) => {
      return [name!, value!.replace(/#[0-9a-f]+|rgb\([^)]*\)/g, "a colour")];
    }));
  const byNight = shape(nightBlock());
  for (const [name, value] of byNight) assert.equal(value, shape(lightBlock).get(name), name);
  const rest = nightBlock().replace(/--[a-z-]+: [^;]+;/g, "").replace(/\s/g, "");
  assert.equal(rest, "{:root{}}", "tokens of one rule");
  for (const [path, text] of await sources(["static", "client/web", "views", "routes"])) {
    const asked = text.split("prefers-color-scheme").length - 1;
    const allowed = path === "static/style.css" ? 1 : path === "static/chat.html" ? 2 : 0;
    assert.equal(asked, allowed, `${path} asks for the theme`);
  }
});

/** What stands in the braces of the media query. */
function nightBlock(): string {
  return darkBlock.slice(0, darkBlock.indexOf("\n}\n") + 2);
}

async function sources(folders: readonly string[]): Promise<Map<string, string>> {
  const root = new URL("../../../", import.meta.url);
  const texts = new Map<string, string>();
  for (const folder of folders) {
    for await (const { name, isFile } of Deno.readDir(new URL(folder, root))) {
      if (!isFile || !/\.(css|html|tsx?)$/.test(name)) continue;
      texts.set(`${folder}/${name}`, await Deno.readTextFile(new URL(`${folder}/${name}`, root)));
    }
  }
  return texts;
}

Deno.test("every sender's name can be read in both themes", async () => {
  const roomsCss = await Deno.readTextFile(new URL("../../../static/rooms.css", import.meta.url));
  const pattern = /\.who-\d+ \{\s*color: light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)/g;
  const names = [...roomsCss.matchAll(pattern)];
  assert.equal(names.length, TINTS);
  for (const [, byDay, byNight] of names) {
    assert.ok(contrast(byDay!, light.get("paper")!) >= 4.5, `${byDay} by day`);
    assert.ok(contrast(byNight!, dark.get("paper")!) >= 4.5, `${byNight} by night`);
  }
});
