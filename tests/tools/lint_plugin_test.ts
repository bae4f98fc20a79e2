import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import plugin from "../../tools/lint_plugin.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** The ids of the rules that `code` breaks when it stands in `file`. */
function broken(file: string, code: string): string[] {
  const found = Deno.lint.runPlugin(plugin, `${ROOT}${file}`, code);
  return [...new Set(found.map(({ id }) => id.replace("snug/", "")))];
}

Deno.test("a console in the product is found, in the terminal client it is allowed", () => {
  const code = `console.log(1);`;
  assert.deepEqual(broken("hub/a.ts", code), ["no-console"]);
  assert.deepEqual(broken("client/terminal/a.ts", code), []);
  assert.deepEqual(broken("tests/a_test.ts", code), []);
});

Deno.test("predictable random numbers are found everywhere", () => {
  assert.deepEqual(broken("tests/a_test.ts", `Math.random();`), ["no-math-random"]);
});

Deno.test("every way from a string to HTML or code is found", () => {
  assert.deepEqual(broken("client/web/a.ts", `a.innerHTML = b;`), ["no-html-sink"]);
  assert.deepEqual(broken("client/web/a.ts", `a.insertAdjacentHTML("x", b);`), ["no-html-sink"]);
  assert.deepEqual(broken("views/a.tsx", `<p dangerouslySetInnerHTML={x} />;`), [
    "no-html-in-jsx",
  ]);
  assert.deepEqual(broken("client/a.ts", `new Function("x");`), ["no-new-function"]);
  assert.deepEqual(broken("views/a.tsx", `<p onclick="x()" style="a" />;`), ["no-inline-handler"]);
});

Deno.test("loose types and default exports are found", () => {
  assert.deepEqual(broken("hub/a.ts", `f(x as any);`), ["no-as-any"]);
  assert.deepEqual(broken("hub/a.ts", `export default 1;`), ["no-default-export"]);
});

Deno.test("a path that is wrong in a folder with a blank in its name is found", () => {
  const code = `new URL("..", import.meta.url).pathname;`;
  assert.deepEqual(broken("tools/a.ts", code), ["no-pathname-of-file"]);
  assert.deepEqual(broken("tools/a.ts", `new URL("..", import.meta.url).href;`), []);
  assert.deepEqual(broken("client/a.ts", `new URL(address).pathname;`), []);
});

Deno.test("the clock is read by the composition root only", () => {
  assert.deepEqual(broken("auth/a.ts", `Date.now();`), ["no-date-now"]);
  assert.deepEqual(broken("auth/a.ts", `new Date();`), ["no-new-date"]);
  assert.deepEqual(broken("auth/a.ts", `new Date(now());`), []);
  assert.deepEqual(broken("main.ts", `Date.now();`), []);
});

Deno.test("SQL made of pieces is found", () => {
  assert.deepEqual(broken("db/a.ts", "db.prepare(`select ${x}`);"), ["no-sql-template"]);
  assert.deepEqual(broken("db/a.ts", `db.exec("select " + x);`), ["no-sql-template"]);
  assert.deepEqual(broken("db/a.ts", "db.prepare(`select 1 where a = ?`);"), []);
});

Deno.test("protocol and crypto touch nothing outside them", () => {
  for (const name of ["Deno.env", "fetch(x)", "document.body", "setTimeout(f)"]) {
    assert.deepEqual(broken("crypto/a.ts", `${name};`), ["no-platform"], name);
  }
  assert.deepEqual(broken("crypto/a.ts", `const a = { fetch: 1 }; a.fetch;`), []);
  assert.deepEqual(broken("client/a.ts", `fetch(x);`), []);
});

Deno.test("a form that could put a secret into an address is found", () => {
  assert.deepEqual(broken("views/a.tsx", `<form />;`), ["safe-forms"]);
  assert.deepEqual(broken("views/a.tsx", `<form method="get" />;`), ["safe-forms"]);
  assert.deepEqual(broken("views/a.tsx", `<form method="post" />;`), []);
  assert.deepEqual(broken("views/a.tsx", `<input type="password" name="p" />;`), ["safe-forms"]);
  assert.deepEqual(broken("views/a.tsx", `<input type="password" id="p" />;`), []);
});
