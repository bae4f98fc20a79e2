/**
 * `kill -9` at random instants under load. The server's process dies, another one starts on the same
 * file, and eight devices that never forget compare what they get with what was accepted.
 */
import assert from "node:assert/strict";
import { complete, crew, Watch } from "../helpers/lasting_crew.ts";
import { RelayProcess } from "../helpers/relay_process.ts";
import { newSeed, seeded } from "../helpers/seeded.ts";

const KILLS = Deno.env.get("SNUG_SLOW") === "1" ? 1_000 : 200;
/** The server dies at most so many milliseconds after the devices begin to connect. */
const MOST_MS = 90;

Deno.test(`${KILLS} times killed under load: everything accepted arrives, once, in order`, async () => {
  const seed = newSeed();
  const chance = seeded(seed);
  const dir = await Deno.makeTempDir({ prefix: "snug-crash-" });
  const path = `${dir}/snug.db`;
  const watch = new Watch();
  const devices = crew(path, watch.run(chance));
  const accepted = () => devices.reduce((sum, device) => sum + device.accepted, 0);
  let next = new RelayProcess();
  try {
    for (let kill = 0; kill < KILLS && watch.broken.length === 0; kill++) {
      const server = next;
      next = new RelayProcess();
      const port = await server.open({ path });
      for (const device of devices) device.connect(port, true);
      // On a slow machine some instants are all before the first message: this one is after it.
      if (accepted() < kill) await watch.until(() => accepted() >= kill);
      await new Promise((resolve) => setTimeout(resolve, chance(MOST_MS)));
      const log = await server.kill();
      await Promise.all(devices.map((device) => device.disconnect()));
      if (log !== "") watch.broken.push(`after kill ${kill}: ${log}`);
    }
    const port = await next.open({ path });
    for (const device of devices) device.connect(port, false);
    await watch.until(() => complete(devices));
  } finally {
    await next.kill();
    await Promise.all(devices.map((device) => device.disconnect()));
  }
  assert.deepEqual(watch.broken, [], `SNUG_SEED=${seed}`);
  assert.ok(
    accepted() >= KILLS - 1,
    `${accepted()} accepted: that was no load (SNUG_SEED=${seed})`,
  );
  console.log(`${KILLS} kills, ${accepted()} messages accepted, seed ${seed}`);
  await Deno.remove(dir, { recursive: true });
});
