/** When everything that people said at a real server is where it goes, and nothing moves any more. */
import assert from "node:assert/strict";
import { IN_VAIN, type RealDevice, type RealServer } from "./real_server.ts";

/**
 * Resolves when no device has anything to send or to read, and the server's queues are empty. An envelope is always
 * with its sender, in a queue, or read and acknowledged; so nothing is on its way when both ends were empty around a
 * look at the queues, and nothing was taken by the server meanwhile.
 * @throws after four minutes in which it did not come to that
 */
export async function quiet(server: RealServer, devices: readonly RealDevice[]): Promise<void> {
  const open = devices.filter(({ engine }) => engine !== null);
  const end = performance.now() + IN_VAIN;
  while (performance.now() < end) {
    const before = await server.queued();
    if (!await allQuiet(open)) continue;
    const { waiting, accepted } = await server.queued();
    if (waiting > 0 || accepted !== before.accepted || !await allQuiet(open)) continue;
    if ((await server.queued()).accepted === accepted) return;
  }
  const states = await Promise.all(open.map((device) => device.pending()));
  assert.fail(`never quiet: ${JSON.stringify({ ...await server.queued(), states })}`);
}

async function allQuiet(devices: readonly RealDevice[]): Promise<boolean> {
  return (await Promise.all(devices.map((device) => device.isQuiet()))).every((one) => one);
}

/** Resolves when nothing waits for anybody. @throws after four minutes in which something did */
export async function emptied(server: RealServer): Promise<void> {
  const end = performance.now() + IN_VAIN;
  while ((await server.queued()).waiting > 0) assert.ok(performance.now() < end, "it still waits");
}
