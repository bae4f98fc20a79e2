import assert from "node:assert/strict";
import { ChatError } from "../../../client/terminal/errors.ts";
import { chatHelp, readOptions } from "../../../client/terminal/options.ts";

const noEnv = () => undefined;

Deno.test("flags win over the environment, and both over the defaults", () => {
  const env = (name: string) =>
    ({ SNUG_SERVER: "https://env.example", HOME: "/home/ana" })[name] as string | undefined;
  assert.deepEqual(readOptions(["--json"], env), {
    json: true,
    origin: "https://env.example",
    profile: "/home/ana/.snug",
    ca: null,
    fingerprint: null,
  });
  const given = ["--", "--server=https://flag.example/x", "--profile", "/p", "--ca", "/ca.pem"];
  assert.deepEqual(readOptions(given, env), {
    json: false,
    origin: "https://flag.example",
    profile: "/p",
    ca: "/ca.pem",
    fingerprint: null,
  });
});

Deno.test("a bad flag stops with one clear line", () => {
  const cases: [string[], RegExp][] = [
    [["--serve", "x"], /is no flag/],
    [["extra"], /is no flag/],
    [["--server"], /needs a value/],
    [["--profile", "p", "--server", "ftp://x"], /--server/],
    [["--profile", "p", "--server", "http://chat.example.org"], /Use https/],
    [["--profile", "p", "--ca", "a", "--fingerprint", "b"], /not both/],
    [[], /--profile/],
  ];
  for (const [args, words] of cases) {
    assert.throws(() => readOptions(args, noEnv), (error) => {
      return error instanceof ChatError && words.test(error.words) && !error.words.includes("\n");
    });
  }
  for (const host of ["localhost:8443", "127.0.0.1", "[::1]:1"]) {
    assert.doesNotThrow(() => readOptions(["--profile", "p", "--server", `http://${host}`], noEnv));
  }
});

Deno.test("the help names every flag and its environment variable", () => {
  for (const name of ["server", "profile", "ca", "fingerprint"]) {
    assert.match(chatHelp(), new RegExp(`--${name} .*\\[SNUG_${name.toUpperCase()}\\]`));
  }
});
