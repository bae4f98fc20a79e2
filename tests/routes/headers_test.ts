/** The headers of every answer of the whole server: every route, every file, whatever it answers. */
import assert from "node:assert/strict";
import { CAMERA_PERMISSIONS, commonHeaders } from "../../routes/policy.ts";
import manifest from "../../static/dist/assets.json" with { type: "json" };
import { makeRoleWorld } from "../helpers/role_world.ts";
import { pathOf, ROWS } from "./role_rows.ts";

const OPAQUE = manifest["opaque_worker.js"].path;
const CAMERAS = ["/chat", "/sign-in/link", "/settings/link"];
/** Of account pages: their forms must say where they come from. */
const OWN_REFERRER = "same-origin";

function check(path: string, headers: Headers): string[] {
  const wrong: string[] = [];
  const say = (words: string) => wrong.push(`${path}: ${words}`);
  for (const [name, expected] of Object.entries(commonHeaders(false))) {
    const found = headers.get(name);
    const camera = name === "permissions-policy" && found === CAMERA_PERMISSIONS &&
      CAMERAS.includes(path);
    const form = name === "referrer-policy" && found === OWN_REFERRER;
    if (found !== expected && !camera && !form) say(`${name} is ${found}`);
  }
  const policy = headers.get("content-security-policy") ?? "none";
  if (!policy.startsWith("default-src 'none'; ")) say(policy);
  if (!policy.includes("frame-ancestors 'none'")) say(policy);
  const unsafe = policy.match(/'[a-z-]*unsafe[a-z-]*'/g) ?? [];
  const allowed = path === OPAQUE ? ["'wasm-unsafe-eval'"] : [];
  if (unsafe.join() !== allowed.join()) say(policy);
  const isPage = headers.get("content-type")?.startsWith("text/html") ?? false;
  const types = /; require-trusted-types-for 'script'; trusted-types (htmx )?snug$/;
  if (isPage && !types.test(policy)) say(policy);
  if (!headers.has("cache-control")) say("no cache-control");
  return wrong;
}

Deno.test("every answer of every route and file carries the strict headers", async () => {
  const roles = await makeRoleWorld();
  const wrong: string[] = [];
  for (const role of ["anonymous", "member", "admin"] as const) {
    const { world, visitor } = await roles.enter(role);
    for (const [route, row] of Object.entries(ROWS)) {
      const [method = "", pattern = ""] = route.split(" ");
      const path = row.sends(roles.things).path ?? pathOf(pattern, roles.things);
      for (const accept of ["text/html", "application/cbor", "*/*"]) {
        const { headers } = await visitor.request(path, { method, headers: { accept } });
        wrong.push(...check(path, headers));
      }
    }
    for (const path of [...roles.files, "/", "/nowhere", "/static/nothing.js"]) {
      wrong.push(...check(path, (await visitor.request(path)).headers));
    }
    world.close();
  }
  roles.close();
  assert.deepEqual([...new Set(wrong)], []);
});

Deno.test("one file is given WebAssembly: the worker of OPAQUE", () => {
  const able = Object.entries(manifest).filter(([, { policy }]) => policy === "wasm-worker");
  assert.deepEqual(able.map(([name]) => name), ["opaque_worker.js"]);
});
