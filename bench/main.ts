/**
 * `deno task bench [NAME…] [--option…]`: every benchmark here, or the named ones, one after the other
 * and each in a process of its own, so that one's garbage is not another's pause. One JSON line a
 * figure. Options go to each benchmark.
 */
import { fileURLToPath } from "node:url";
import { V8_FLAGS } from "../tools/compile.ts";

const HERE = fileURLToPath(new URL(".", import.meta.url));

const all = [...Deno.readDirSync(HERE)].flatMap(({ name }) =>
  /^(.+)_bench\.ts$/.exec(name)?.[1] ?? []
);
const names = Deno.args.filter((word) => !word.startsWith("--"));
const options = Deno.args.filter((word) => word.startsWith("--"));
const unknown = names.filter((name) => !all.includes(name));
if (unknown.length > 0) {
  console.error(`no benchmark ${unknown.join(", ")}; there are ${all.sort().join(", ")}`);
  Deno.exit(2);
}

let status = 0;
for (const name of names.length > 0 ? names : all.sort()) {
  const { success } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "--quiet", "--frozen", "--allow-all", V8_FLAGS],
      ...[`${HERE}${name}_bench.ts`, ...options],
    ],
    stdin: "null",
    stdout: "inherit",
    stderr: "inherit",
  }).output();
  if (!success) status = 1;
}
Deno.exit(status);
