/** Dockerfile and compose.yaml: what can be held without a container runtime. */
import assert from "node:assert/strict";
import { readConfig } from "../config.ts";

const read = (name: string) => Deno.readTextFile(new URL(`../${name}`, import.meta.url));

/** Instructions of a Dockerfile, continued lines joined, comments left out. */
function instructions(text: string): [word: string, rest: string][] {
  return text.replace(/\\\n\s*/g, "").split("\n")
    .filter((line) => /^[A-Z]/.test(line))
    .map((line) => [line.split(" ")[0]!, line.slice(line.indexOf(" ") + 1)]);
}

const image = instructions(await read("Dockerfile"));
const last = image.slice(image.findLastIndex(([word]) => word === "FROM"));
const valueOf = (word: string) => last.find(([each]) => each === word)?.[1] ?? "";

Deno.test("every base image has a version, and nothing is fetched while building but packages", () => {
  for (const [word, rest] of image) {
    if (word === "FROM") assert.match(rest, /^\S+:(?!latest)\S+( AS \w+)?$/);
    assert.notEqual(word, "ADD");
    assert.ok(!/curl|wget|https?:/.test(rest), rest);
  }
});

Deno.test("the image runs one program, by number and not as root, with nothing secret in it", () => {
  assert.match(valueOf("USER"), /^[1-9]\d+:[1-9]\d+$/);
  assert.deepEqual(JSON.parse(valueOf("ENTRYPOINT")), ["/usr/local/bin/snug"]);
  assert.equal(valueOf("STOPSIGNAL"), "SIGTERM");
  assert.ok(!/PASS|SECRET|TOKEN|KEY/i.test(valueOf("ENV")));
  const copied = last.filter(([word]) => word === "COPY");
  assert.equal(copied.length, 1);
  assert.match(copied[0]![1], /--from=build .*dist\/snug/);
});

Deno.test("what the image and the compose file start is what snug serve takes", async () => {
  const [command, ...flags] = JSON.parse(valueOf("CMD")) as string[];
  assert.equal(command, "serve");
  assert.deepEqual(readConfig(flags, () => undefined).listen, { hostname: "::", port: 8443 });
  const compose = await read("compose.yaml");
  const [serve, ...theirs] = JSON.parse(/^ +command: (\[.*\])$/m.exec(compose)![1]!) as string[];
  assert.equal(serve, "serve");
  const env: Record<string, string> = {};
  for (const [, name = "", value = ""] of compose.matchAll(/^ +(SNUG_\w+): (.*)$/gm)) {
    env[name] = value.replace(/\$\{SNUG_DOMAIN[^}]*\}/, "chat.example.org").replace(/\$\{.*\}/, "");
  }
  const config = readConfig(theirs, (name) => env[name]);
  assert.equal(config.tls, "acme");
  assert.equal(config.origin, "https://chat.example.org");
  const ports = [...compose.matchAll(/^ +- "(\d+):(\d+)"$/gm)].map((
    [, out, inside],
  ) => [out, inside]);
  assert.deepEqual(ports, [
    ["443", String(config.listen.port)],
    ["80", String(config.acme!.httpListen.port)],
  ]);
});

Deno.test("the container may write to its data only, and has no capability", async () => {
  const compose = await read("compose.yaml");
  assert.match(compose, /^ +read_only: true$/m);
  assert.match(compose, /^ +cap_drop: \[ALL\]$/m);
  assert.match(compose, /^ +- no-new-privileges:true$/m);
  assert.ok(!/privileged: true|cap_add|network_mode: host|docker\.sock/.test(compose));
  assert.ok(!/\t/.test(compose), "YAML has no tabs");
});
