/**
 * What a machine does to a server: a disk that takes nothing more, a lock held from outside, no file
 * descriptors left. Each time senders are told, nothing is lost, and it goes on without a restart.
 */
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { connect, type Socket } from "node:net";
import { once } from "node:events";
import { complete, crew, Watch } from "../helpers/lasting_crew.ts";
import type { LastingDevice } from "../helpers/lasting_device.ts";
import { RelayProcess } from "../helpers/relay_process.ts";
import { newSeed, seeded } from "../helpers/seeded.ts";

/** A turn of the server takes no longer, whatever is wrong. This machine may be busy with other things. */
const TURN_MS = 1_000;

interface Trouble {
  readonly server: RelayProcess;
  readonly port: number;
  readonly dir: string;
  readonly devices: readonly LastingDevice[];
  readonly watch: Watch;
}

/** Eight devices talk while `body` makes trouble; afterwards everything must have arrived. */
async function talking(dir: string, body: (trouble: Trouble) => Promise<void>): Promise<void> {
  const seed = newSeed();
  const watch = new Watch();
  const devices = crew(`${dir}/snug.db`, watch.run(seeded(seed), true));
  // An ignored SIGXFSZ lets writes over a size limit fail, as on a full disk, instead of killing.
  const server = new RelayProcess(["sh", "-c", "trap '' XFSZ; exec \"$@\"", "sh"]);
  let log = "";
  let over = false;
  try {
    server.ended.then((words) => over || watch.end(words));
    const port = await server.open({
      ...{ path: `${dir}/snug.db`, limits: { quietMilliseconds: 500 } },
    });
    for (const device of devices) device.connect(port, true);
    await watch.until(() => devices.every(({ accepted }) => accepted > 50));
    await body({ server, port, dir, devices, watch });
    const before = devices.map(({ accepted }) => accepted);
    await watch.until(() => devices.every(({ accepted }, at) => accepted > before[at]! + 50));
    for (const device of devices) device.hush();
    await watch.until(() => complete(devices));
  } finally {
    over = true;
    log = await server.kill();
    await Promise.all(devices.map((device) => device.disconnect()));
  }
  assert.deepEqual(watch.broken, [], `SNUG_SEED=${seed}\n${log}`);
  assert.doesNotMatch(log, /"level":"error"/, "trouble with the machine is no bug");
}

async function inFolder(body: (dir: string) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir({ prefix: "snug-faults-" });
  try {
    await body(dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

async function run(command: string, ...args: string[]): Promise<boolean> {
  try {
    return (await new Deno.Command(command, { args, stderr: "null" }).output()).success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** Every device is told "not now", and the server still gets through its turns. */
async function allRefused({ devices, watch }: Trouble): Promise<void> {
  const before = devices.map(({ refused }) => refused);
  await watch.until(() => devices.every(({ refused }, at) => refused > before[at]!));
  const slowest = Math.max(...await Promise.all(devices.map((device) => device.ping())));
  assert.ok(slowest < TURN_MS, `a turn took ${slowest} ms`);
}

const limit = (server: RelayProcess, what: string) =>
  run("prlimit", `--pid=${server.pid}`, what).then((done) => assert.ok(done, `prlimit ${what}`));

const HAS_PRLIMIT = await run("prlimit", "--version");
if (!HAS_PRLIMIT) console.log("skipped: there is no prlimit here, so no disk refuses writes");

Deno.test({
  name: "a disk that takes no more: senders are told, nothing is lost, it goes on by itself",
  ignore: !HAS_PRLIMIT,
  fn: () =>
    inFolder((dir) =>
      talking(dir, async (trouble) => {
        const { size } = await Deno.stat(`${dir}/snug.db-wal`);
        await limit(trouble.server, `--fsize=${size}:`);
        await allRefused(trouble);
        await limit(trouble.server, "--fsize=unlimited:");
      })
    ),
});

Deno.test({
  name: "a disk that takes not a byte, not even over old ones: the same",
  ignore: !HAS_PRLIMIT,
  fn: () =>
    inFolder((dir) =>
      talking(dir, async (trouble) => {
        await limit(trouble.server, "--fsize=0:");
        await allRefused(trouble);
        await limit(trouble.server, "--fsize=unlimited:");
      })
    ),
});

Deno.test("a real full disk of 32 MiB: senders are told, nothing is lost, it goes on by itself", () =>
  inFolder(async (dir) => {
    if (!await run("mount", "-t", "tmpfs", "-o", "size=32m", "snug-test", dir)) {
      return console.log("skipped: only root may mount a small disk");
    }
    try {
      await talking(dir, async (trouble) => {
        await fill(`${dir}/something else`);
        await allRefused(trouble);
        await Deno.remove(`${dir}/something else`);
      });
    } finally {
      assert.ok(await run("umount", dir));
    }
  }));

async function fill(path: string): Promise<void> {
  using file = await Deno.create(path);
  for (let size = 2 ** 20; size >= 1; size >>= 1) {
    const bytes = new Uint8Array(size);
    try {
      while (true) await file.write(bytes);
    } catch (error) {
      assert.match(String(error), /space/i);
    }
  }
}

Deno.test("a lock held from outside: senders are told at once, nobody waits for it", () =>
  inFolder((dir) =>
    talking(dir, async (trouble) => {
      const outside = new DatabaseSync(`${dir}/snug.db`);
      outside.exec("pragma busy_timeout = 2000");
      outside.exec("begin immediate");
      await allRefused(trouble);
      outside.exec("rollback");
      outside.close();
    })
  ));

Deno.test("somebody who reads for long holds up nobody", () =>
  inFolder((dir) =>
    talking(dir, async ({ devices, watch }) => {
      const outside = new DatabaseSync(`${dir}/snug.db`, { readOnly: true });
      outside.exec("begin");
      outside.prepare("select count(*) from envelopes").get();
      const before = devices.map(({ accepted }) => accepted);
      await watch.until(() => devices.every(({ accepted }, at) => accepted > before[at]! + 200));
      outside.close();
      assert.deepEqual(devices.map(({ refused }) => refused), devices.map(() => 0));
    })
  ));

/** Connections that ask for nothing. */
async function strangers(port: number, count: number): Promise<Socket[]> {
  const sockets = Array.from({ length: count }, () => connect({ port, host: "127.0.0.1" }));
  for (const socket of sockets) socket.on("error", () => {});
  // They are connected as soon as the system has them, taken by the server or not.
  await Promise.all(sockets.map((socket) => once(socket, "connect")));
  return sockets;
}

/** Connects as a client does that is refused: again and again. */
function getsIn(device: LastingDevice, port: number): boolean {
  if (!device.connecting && !device.online) device.connect(port, true);
  return device.online;
}

Deno.test({
  name: "no file descriptors left: who is in talks on, and the next gets in when there are some",
  ignore: !HAS_PRLIMIT,
  fn: () =>
    inFolder((dir) =>
      talking(dir, async ({ server, port, devices, watch }) => {
        const open = (await Array.fromAsync(Deno.readDir(`/proc/${server.pid}/fd`))).length;
        await limit(server, `--nofile=${open + 3}:`);
        const crowd = await strangers(port, 40);
        const before = devices.map(({ accepted }) => accepted);
        await watch.until(() => devices.every(({ accepted }, at) => accepted > before[at]! + 100));
        for (const socket of crowd) socket.destroy();
        const [device] = devices;
        await device!.disconnect();
        await watch.until(() => getsIn(device!, port));
      })
    ),
});
