/** Rooms in the terminal for people, over the whole server. */
import assert from "node:assert/strict";
import { LineClient } from "../../../client/terminal/line_client.ts";
import type { ChatSession } from "../../../client/terminal/session.ts";
import type { RealDevice } from "../../helpers/real_server.ts";
import { withThree } from "../../helpers/room_scene.ts";

/** A terminal over a device's engine, and what it has printed. */
async function terminalOf(device: RealDevice) {
  const printed: string[] = [];
  const own = { open: () => Promise.resolve(), watchReset: () => {} };
  const session = { engine: device.engine, ...own };
  const client = new LineClient(
    session as unknown as ChatSession,
    (line) => void printed.push(line),
    () => {},
  );
  await client.begin("https://chat.example");
  const shows = (words: RegExp) => device.until(() => words.test(printed.join("\n")));
  return { printed, shows, type: (line: string) => client.take(line) };
}

Deno.test("people make a room in a terminal, look before they join, talk, and leave", () =>
  withThree(async (scene) => {
    const [ana, ben] = [await terminalOf(scene.ana), await terminalOf(scene.ben)];
    await ana.type("/create Soup kitchen");
    const code = /(?:[0-9A-Z]{4}-){3}[0-9A-Z]{4}/.exec(ana.printed.join("\n"))![0];
    await ben.type(`/join ${code}`);
    assert.match(ben.printed.at(-1)!, /“Soup kitchen”: 1 person is in it\. Join\? Type yes\./);
    await ben.type("no");
    assert.match(ben.printed.at(-1)!, /Nothing was done/);
    await ben.type("/rooms");
    assert.match(ben.printed.at(-1)!, /No rooms yet/);
    await ben.type(`/join ${code}`);
    await ben.type("yes");
    await ana.shows(/BEN joined with the room code/);
    await ana.type("welcome");
    await ben.shows(/ANA in Soup kitchen: welcome/);
    await ana.type("/members");
    assert.match(ana.printed.join("\n"), /@ana ANA, owner, you\n {2}@ben BEN/);
    await ana.type("/role ben moderator");
    await ben.shows(/You are now a moderator/);
    await ben.type("/topic what is for dinner");
    await ana.shows(/set the topic: what is for dinner/);
    await ben.type("/number");
    assert.match(ben.printed.at(-1)!, /about a person/);
    await ben.type("/leave");
    await ben.type("yes");
    await ana.shows(/BEN left\./);
    await ben.type("/list");
    assert.match(ben.printed.at(-1)!, /# Soup kitchen \(you are out of it\)/);
    await ben.type("too late");
    assert.match(ben.printed.at(-1)!, /not in this room any more/);
    await ana.type("/room Cellar");
    assert.match(ana.printed.at(-1)!, /no room of that name/);
  }));
