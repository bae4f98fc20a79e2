/** Four people with two devices each, who talk two by two, and somebody who watches them. */
import { openDatabase } from "../../db/sqlite.ts";
import { LastingDevice, type Run } from "./lasting_device.ts";
import { addPerson } from "./relay_world.ts";

const PEOPLE = 4;

/** Waits until `done`; every device's progress asks again. */
export class Watch {
  readonly broken: string[] = [];
  #wake: () => void = () => {};

  readonly run = (chance: (most: number) => number, patient = false): Run => ({
    chance,
    patient,
    broken: (words) => {
      this.broken.push(words);
      this.#wake();
    },
    progress: () => this.#wake(),
  });

  /** The server ended: nothing more will happen. */
  end(words: string): void {
    this.broken.push(`the server ended: ${words}`);
    this.#wake();
  }

  async until(done: () => boolean): Promise<void> {
    while (!done() && this.broken.length === 0) {
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
  }
}

/** The devices, in a database made for them. */
export function crew(path: string, run: Run): LastingDevice[] {
  const db = openDatabase(path);
  const people = Array.from({ length: PEOPLE }, () => addPerson(db, 2));
  db.close();
  return people.flatMap((me, at) =>
    me.devices.map((device) => new LastingDevice(me, device, people[at ^ 1]!, run))
  );
}

/** Has everybody everything that was sent to them? */
export function complete(devices: readonly LastingDevice[]): boolean {
  return devices.every((to) =>
    devices.every((from) => {
      const concerned = from !== to && (from.peer === to.me || from.me === to.me);
      return from.idle && (!concerned || to.lastFrom(from.device) === from.sent);
    })
  );
}
