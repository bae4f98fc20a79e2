/** A data folder that was put back raw: a snapshot of the machine that was rolled back, or a plain copy. */
import assert from "node:assert/strict";
import { cpSync } from "node:fs";
import { main } from "../../main.ts";
import { withFolder } from "../helpers/backups.ts";
import { must } from "../helpers/people_world.ts";
import type { RealDevice } from "../helpers/real_server.ts";
import { type TwoPeople, withTwoPeople } from "../helpers/two_people.ts";

/** Says something, and resolves once the server has taken it. */
async function say(from: RealDevice, to: string, text: string): Promise<() => Promise<unknown>> {
  const talk = must(await from.engine!.startConversation(to));
  must(await from.engine!.send(talk.id, text));
  const state = async () => (await from.engine!.messages(talk.id)).at(-1)?.state;
  await from.until(async () => await state() !== "sending");
  return state;
}

/** Says something that is shown; its receipt has come too, so that nothing is under way afterwards. */
async function passes(from: RealDevice, to: RealDevice, text: string): Promise<void> {
  const state = await say(from, nameOf(to), text);
  await shows(to, nameOf(from), text);
  await from.until(async () => await state() === "delivered");
}

function shows(device: RealDevice, from: string, text: string): Promise<void> {
  return device.until(async () => (await device.texts(from)).includes(text));
}

const nameOf = ({ engine }: RealDevice) => engine!.me.username;

/** `cp -r`: all that is in a folder, in the place of what was there. */
function copyFolder(from: string, to: string): void {
  cpSync(from, to, { recursive: true });
}

/** The command as its owner gives it. */
async function inPlace(folder: string): Promise<{ status: number; said: string }> {
  const said: string[] = [];
  const status = await main(["restore", "--in-place", "--data", folder], {
    env: () => undefined,
    print: (line) => said.push(line),
    writeLog: (line) => said.push(line),
    now: () => Date.now(),
    stop: new AbortController().signal,
  });
  return { status, said: said.join("\n") };
}

/** Nobody is there while the server is down, so that nobody waits longer and longer for it. */
async function whileDown(
  { server, ana, ben }: TwoPeople,
  body: () => void | Promise<void>,
): Promise<void> {
  for (const one of [ana, ben]) await one.close();
  await server.down();
  await body();
  await server.up();
  for (const one of [ana, ben]) await one.open();
}

/**
 * Two people talk, the folder is copied while something waits for Ben, they talk on, and the copy
 * takes the place of the folder. `before` the server starts on it.
 */
async function setBack(
  scene: TwoPeople,
  copy: string,
  before: (folder: string) => void | Promise<void> = () => {},
): Promise<void> {
  const { server: { folder }, ana, ben } = scene;
  // A stranger's first message gets no receipt.
  await say(ana, "ben", "one");
  await shows(ben, "ana", "one");
  await passes(ben, ana, "two");
  await ben.close();
  await say(ana, "ben", "waiting");
  await whileDown(scene, () => copyFolder(folder, copy));
  await shows(ben, "ana", "waiting");
  await passes(ana, ben, "three");
  await passes(ben, ana, "four");
  await whileDown(scene, async () => {
    await Deno.remove(folder, { recursive: true });
    copyFolder(copy, folder);
    await before(folder);
  });
}

Deno.test("a folder put back raw and made good in its place: both go on, nothing is doubled or missing", () =>
  withFolder((root) =>
    withTwoPeople(async (scene) => {
      const { server, ana, ben } = scene;
      // Twice is the same: whoever is not sure gives it again.
      await setBack(scene, `${root}/yesterday`, async (folder) => {
        for (let times = 0; times < 2; times++) {
          const { status, said } = await inPlace(folder);
          assert.equal(status, 0, said);
        }
      });
      await passes(ana, ben, "five");
      await passes(ben, ana, "six");
      const all = ["one", "two", "waiting", "three", "four", "five", "six"];
      assert.deepEqual(await ben.texts("ana"), all);
      assert.deepEqual(await ana.texts("ben"), all);
      const events = [...ana.events, ...ben.events];
      assert.deepEqual(events.filter(({ kind }) => kind === "warning" || kind === "gap"), []);
      const { status, said } = await inPlace(server.folder);
      assert.equal(status, 1);
      assert.match(said, /^snug: Another Snug is running on this data folder\. Stop it first/);
    })
  ));

Deno.test("why: on the same folder, started as it is, devices are taken for old copies of themselves", () =>
  withFolder((root) =>
    withTwoPeople(async (scene) => {
      await setBack(scene, `${root}/yesterday`);
      for (const one of [scene.ana, scene.ben]) {
        await one.until(() => one.engine!.connection === "restored");
      }
    })
  ));
