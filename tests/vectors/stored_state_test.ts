import assert from "node:assert/strict";
import { fromHex } from "../../protocol/encoding.ts";
import { fingerprint, makeParty, Side } from "../helpers/parties.ts";
import { freeze, thaw } from "../helpers/stored_state.ts";
import FORMAT_1 from "./own/session_state_1.json" with { type: "json" };

Deno.test("a session state stored by layout 1 still opens what was under way and answers", async () => {
  const side = new Side(await makeParty(), await thaw(FORMAT_1.state));
  for (const [index, envelope] of FORMAT_1.envelopes.entries()) {
    assert.equal(await side.receive(fromHex(envelope)), FORMAT_1.texts[index]);
  }
  assert.equal(side.state.missing, 0);
  assert.ok(await side.send("an answer"));
});

Deno.test("a stored state comes back as it was", async () => {
  const state = await thaw(FORMAT_1.state);
  assert.deepEqual(await freeze(state), FORMAT_1.state);
  const copy = await thaw(await freeze(state));
  assert.equal(await fingerprint(copy), await fingerprint(state));
});
