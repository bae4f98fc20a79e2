import assert from "node:assert/strict";
import project from "../../deno.json" with { type: "json" };
import { billOfMaterials, DEVELOPMENT, type Lock, nameAndVersion } from "../../tools/sbom.ts";

const lock = JSON.parse(
  await Deno.readTextFile(new URL("../../deno.lock", import.meta.url)),
) as Lock;

interface Component {
  readonly name: string;
  readonly group?: string;
  readonly purl: string;
  readonly scope: string;
  readonly hashes: readonly { readonly content: string }[];
}

const bill = billOfMaterials(project, lock);
const components = bill["components"] as Component[];
const scopeOf = (name: string) =>
  components.find((each) => [each.group, each.name].filter(Boolean).join("/") === name)?.scope;

Deno.test("the bill names every package of the lock file once, with its hash", () => {
  assert.equal(bill["bomFormat"], "CycloneDX");
  assert.equal(components.length, Object.keys(lock.npm).length);
  for (const { purl, hashes } of components) {
    assert.match(purl, /^pkg:npm\/(%40[a-z0-9._-]+\/)?[a-z0-9._-]+@\d+\.\d+\.\d+[^_]*$/i);
    assert.match(hashes[0]!.content, /^[0-9a-f]{128}$/);
  }
});

Deno.test("what is delivered is told from what only tests and the build use", () => {
  for (const name of ["hono", "ws", "acme-client", "axios", "@noble/hashes"]) {
    assert.equal(scopeOf(name), "required", name);
  }
  for (const name of DEVELOPMENT) {
    assert.ok(name in project.imports, `${name} is a package of ours`);
    assert.equal(scopeOf(name), "excluded", name);
  }
});

Deno.test("the same lock makes the same bill, another version another one", () => {
  assert.deepEqual(billOfMaterials(project, lock), bill);
  const other = billOfMaterials({ ...project, version: "9.9.9" }, lock);
  assert.notEqual(other["serialNumber"], bill["serialNumber"]);
});

Deno.test("names and versions are read with scopes and peers", () => {
  assert.deepEqual(nameAndVersion("@hono/node-server@2.1.8_hono@4.13.19"), [
    "@hono/node-server",
    "2.1.8",
  ]);
  assert.deepEqual(nameAndVersion("ws@8.23.0"), ["ws", "8.23.0"]);
});
