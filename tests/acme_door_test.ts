import assert from "node:assert/strict";
import { openDoor } from "../acme_door.ts";
import { silentLog } from "../log.ts";
import { ACME_DOMAIN, acmeConfig } from "./helpers/acme.ts";
import { exchange, statusOf } from "./helpers/raw_http.ts";

const loose = { sanitizeOps: false, sanitizeResources: false };

async function ask(line: string, host = ACME_DOMAIN): Promise<string> {
  const answers = new Map([["question", "question.answer"]]);
  const authority = { directory: "https://localhost/", caFile: "", httpPort: 0 };
  const door = await openDoor(acmeConfig("/nowhere", authority), answers, silentLog);
  try {
    const end = "\r\nConnection: close\r\n\r\n";
    return await exchange(door.port, `${line} HTTP/1.1\r\nHost: ${host}${end}`);
  } finally {
    await door.close();
  }
}

Deno.test("the door answers the authority's question and nothing else", loose, async () => {
  const place = "/.well-known/acme-challenge/";
  const answer = await ask(`GET ${place}question`);
  assert.equal(statusOf(answer), 200);
  assert.match(answer, /question\.answer/);
  for (const other of ["", "other", "question/", "constructor"]) {
    assert.equal(statusOf(await ask(`GET ${place}${other}`)), 404, other);
  }
});

Deno.test(
  "everything else at the door is sent on to https, path and query kept",
  loose,
  async () => {
    const answer = await ask("GET /sign-in?next=/chat");
    assert.equal(statusOf(answer), 308);
    assert.match(answer, /^location: https:\/\/chat\.example\.org\/sign-in\?next=\/chat\r$/im);
    const double = await ask("GET /x//evil.example");
    assert.match(double, /^location: https:\/\/chat\.example\.org\/x\/\/evil\.example\r$/im);
  },
);

Deno.test(
  "a post at the door is not sent on, and a foreign name reaches nothing",
  loose,
  async () => {
    assert.equal(statusOf(await ask("POST /sign-in")), 405);
    assert.equal(statusOf(await ask("GET /", "evil.example")), 421);
    assert.equal(statusOf(await ask("GET //evil.example/")), 400);
  },
);
