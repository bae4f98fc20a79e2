/** All that a first start writes, in a folder and an environment with nothing in them. */
import assert from "node:assert/strict";
import { withFolder } from "../helpers/backups.ts";
import { namesIn } from "../helpers/files.ts";
import { freePort, startServer } from "./server.ts";

/** Each line once, in this order. */
const LINES = [
  /^Snug \d+\.\d+\.\d+ is at https:\/\/localhost:\d+$/,
  /^Certificate to trust: \S+\/data\/ca\.pem$/,
  /^Its SHA-256: ([0-9A-F]{2}:){31}[0-9A-F]{2}$/,
  /^Other devices learn to trust it at https:\/\/localhost:\d+\/certificate$/,
  /^Sign-up codes go to this console and \S+\/data\/outbox$/,
  /^Make the first account at https:\/\/localhost:\d+\/sign-up$/,
  /^Whoever makes the first account runs this server\.$/,
  /^Then: invite people under Settings, or with "snug admin invite --data \S+\/data";$/,
  /^look for what is missing with "snug doctor" and the flags of this start; and make a backup$/,
  /^with "snug backup FILE --data \S+\/data"\.$/,
];

Deno.test("a first start says what is needed and nothing else, and makes its own files only", () =>
  withFolder(async (root) => {
    const data = `${root}/data`;
    const server = await startServer({ data, port: freePort(), tls: "self-signed" });
    await server.says(/"server\.started"/);
    assert.equal(await server.stop(), 0);
    const lines = server.log().split("\n").filter((line) => line !== "");
    const logged = lines.filter((line) => line.startsWith("{")).map((line) => JSON.parse(line));
    assert.deepEqual(logged.map(({ event }) => event), ["server.started", "server.stopped"]);
    const said = lines.filter((line) => !line.startsWith("{"));
    assert.equal(said.length, LINES.length, said.join("\n"));
    for (const [at, line] of LINES.entries()) assert.match(said[at]!, line);
    assert.deepEqual(await namesIn(root), ["data"]);
    assert.deepEqual(
      await namesIn(data),
      "ca.key ca.pem secrets.json server.key server.pem snug.db snug.db-lock".split(" "),
    );
  }));
