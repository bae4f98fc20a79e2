import assert from "node:assert/strict";
import settings from "../../deno.json" with { type: "json" };
import { V8_FLAGS } from "../../tools/compile.ts";

Deno.test("who serves from source collects memory as the executable does", () => {
  const commands = Object.values(settings.tasks).map((task) =>
    typeof task === "string" ? task : task.command
  );
  const serving = commands.filter((command) => / main\.ts( serve)?$/.test(command));
  assert.equal(serving.length, 2);
  for (const command of serving) assert.ok(command.includes(` ${V8_FLAGS} main.ts`));
});
