import assert from "node:assert/strict";
import { LineClient } from "../../../client/terminal/line_client.ts";
import type { ChatSession } from "../../../client/terminal/session.ts";
import type { AccountId, DeviceId } from "../../../protocol/ids.ts";
import { FakeEngine } from "../../helpers/fake_engine.ts";
import { fakeId } from "../../helpers/fake_scenario.ts";

/** A terminal that talks with Ben, and what it has printed since. */
async function talking() {
  const engine = new FakeEngine({ people: [{ username: "ben", name: "Ben" }] }, () => 0);
  const printed: string[] = [];
  const signIn = () => Promise.resolve({ ok: false, code: "wrong-password", words: "Wrong." });
  const own = { open: () => Promise.resolve(), watchReset: () => {}, signIn };
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

Deno.test("a new device of one's own is asked about, and the question is answered at the terminal", async () => {
  const { engine, printed, client } = await talking();
  const device = fakeId<DeviceId>("a new one");
  const other = fakeId<DeviceId>("one that left");
  const asked = [
    { device, words: "Your account has a new device.", gone: false },
    { device: other, words: "A device came and went.", gone: true },
  ];
  engine.standing = asked;
  const own = { device, kind: "browser", made: 0, name: "", seen: null, current: false } as const;
  engine.devices = () => Promise.resolve([own]);
  for (const { gone, ...one } of asked) {
    engine.tell({ kind: "warning", what: gone ? "own-device-gone" : "own-new-device", ...one });
  }
  const [name, left] = [device.slice(0, 6), other.slice(0, 6)];
  assert.deepEqual(printed, [
    "· Your account has a new device.",
    `· Was it you? /that-was-me ${name}; /remove-device ${name} takes it out.`,
    "· A device came and went.",
    `· Was it you? /that-was-me ${left}.`,
  ]);
  await client.take("/that-was-me");
  assert.equal(printed.at(-1), `· Say which: ${name}, ${left}`);
  await client.take(`/that-was-me ${left}`);
  assert.match(printed.at(-1)!, /not asked about it any more/);
  assert.ok(engine.calls.includes(`acceptDevice ${other}`), engine.calls.join());
  await client.take(`/remove-device ${name}`);
  assert.match(printed.at(-1)!, /Type yes/);
  await client.take("no");
  assert.ok(!engine.calls.some((call) => call.startsWith("revokeDevice")));
  await client.take(`/remove-device ${name}`);
  await client.take("yes");
  assert.ok(engine.calls.includes(`revokeDevice ${device}`), engine.calls.join());
});

Deno.test("a password that begins with a slash is taken as one, and not printed", async () => {
  const { printed, client } = await talking();
  await client.take("/sign-in ana");
  await client.take("/my secret words");
  assert.ok(!printed.join().includes("my secret"), printed.join());
  assert.match(printed.join(), /is being stretched/);
});
