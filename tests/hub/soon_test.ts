import assert from "node:assert/strict";
import { Soon } from "../../hub/soon.ts";

Deno.test("what is set runs once, in order, and can set more", async () => {
  const soon = new Soon(1);
  const ran: number[] = [];
  await new Promise<void>((resolve) => {
    soon.set(() => ran.push(1));
    soon.set(() => {
      ran.push(2);
      soon.set(resolve);
    });
  });
  assert.deepEqual(ran, [1, 2]);
});

Deno.test({
  name: "all that are set are given up, not only the last: none keeps the process",
  sanitizeOps: true,
  sanitizeResources: true,
  fn: async () => {
    const soon = new Soon(1);
    const never = () => assert.fail("it was given up");
    soon.set(never);
    soon.set(never);
    soon.clear();
    // Due after what was given up.
    await new Promise<void>((resolve) => soon.set(resolve));
  },
});
