import assert from "node:assert/strict";
import { LineClient } from "../../../client/terminal/line_client.ts";
import type { ChatSession } from "../../../client/terminal/session.ts";
import type { AccountId } from "../../../protocol/ids.ts";
import { FakeEngine } from "../../helpers/fake_engine.ts";
import { fakeId } from "../../helpers/fake_scenario.ts";

/** A terminal that talks with Ben, and what it has printed since. */
async function talking() {
  const engine = new FakeEngine({ people: [{ username: "ben", name: "Ben" }] }, () => 0);
  const printed: string[] = [];
  const own = { open: () => Promise.resolve(), watchReset: () => {} };
  const session = { engine, ...own } as unknown as ChatSession;
  const client = new LineClient(session, (line) => void printed.push(line), () => {});
  await client.begin("https://chat.example");
  await client.take("/to ben");
  printed.length = 0;
  return { engine, printed, client };
}

Deno.test("a disk that fails while a message is marked as read does not end the terminal", async () => {
  const { engine, printed } = await talking();
  engine.markRead = () => Promise.reject(new Error("disk full"));
  engine.receive("ben", "hello");
  await new Promise((resolve) => setTimeout(resolve, 0));
  assert.match(printed.join(), /hello/);
});

Deno.test("missing messages are said once: the conversation's own line says it already", async () => {
  const { engine, printed } = await talking();
  const conversation = fakeId<AccountId>("ben");
  const text = "2 messages from Ben did not arrive here.";
  engine.receive("ben", text, { kind: "line", line: "missing" });
  engine.tell({ kind: "gap", conversation, count: 2 });
  assert.deepEqual(printed, [`· ${text}`]);
  engine.tell({ kind: "gap", count: 1 });
  assert.deepEqual(printed.slice(1), ["· 1 message did not arrive."]);
});

Deno.test("a changed key is accepted at the second asking, by the number that was shown", async () => {
  const { engine, printed, client } = await talking();
  const ben = fakeId<AccountId>("ben");
  engine.swapKey("ben", "1".repeat(60));
  await client.take("/accept");
  assert.match(printed.join("\n"), /11111 11111[\s\S]*type \/accept once more/);
  engine.swapKey("ben", "2".repeat(60));
  await client.take("/accept");
  assert.match(printed.at(-1)!, /changed once more/);
  assert.deepEqual(engine.calls.filter((call) => call.startsWith("acceptChange")), [
    `acceptChange ${ben} ${"1".repeat(60)}`,
  ]);
  await client.take("/block");
  assert.match(printed.at(-1)!, /Ben @ben .*is blocked/);
  await client.take("/unblock");
  assert.deepEqual(engine.calls.slice(-2).map((call) => call.split(" ")[0]), ["block", "unblock"]);
});
