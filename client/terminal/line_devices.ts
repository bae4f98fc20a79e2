/** The devices of one's own account in `snug chat` for people, and the question about a new one. */
import type { DeviceId } from "../../protocol/ids.ts";
import type { Engine, EngineEvent, OwnAlarm } from "../types.ts";

export const DEVICE_HELP = [
  "  /devices        the devices of your account",
  "  /that-was-me DEVICE   you know of the device that was asked about",
  "  /remove-device DEVICE takes a device out of your account",
];

export interface LineDevicesParts {
  readonly engine: () => Engine;
  readonly say: (words: string) => void;
  readonly print: (line: string) => void;
  /** Asks for a "yes" before `go`. */
  readonly confirm: (words: string, go: () => Promise<void>) => void;
}

/** So much of a device's id is shown, and taken. */
const SHOWN = 6;

export class LineDevices {
  readonly #o: LineDevicesParts;

  constructor(parts: LineDevicesParts) {
    this.#o = parts;
  }

  readonly commands: Readonly<Record<string, (words: readonly string[]) => Promise<void>>> = {
    "devices": () => this.#list(),
    "that-was-me": ([name = ""]) => this.#accept(name),
    "remove-device": ([name = ""]) => this.#remove(name),
  };

  /** Says what is asked about a device, and how to answer. */
  ask({ device, words, gone }: OwnAlarm): void {
    const name = device.slice(0, SHOWN);
    this.#o.say(words);
    const out = gone ? "" : `; /remove-device ${name} takes it out`;
    this.#o.say(`Was it you? /that-was-me ${name}${out}.`);
  }

  /** Says a warning; where it is about a new device of one's own, also how to answer. */
  hear({ what, device, words }: EngineEvent & { kind: "warning" }): void {
    const gone = what === "own-device-gone";
    const isAsked = device !== undefined && (gone || what === "own-new-device");
    if (isAsked) this.ask({ device, words, gone });
    else this.#o.say(words);
  }

  async #list(): Promise<void> {
    for (const { device, kind, current } of await this.#o.engine().devices()) {
      this.#o.print(`  ${kind} ${device.slice(0, SHOWN)}${current ? " (this one)" : ""}`);
    }
  }

  async #accept(name: string): Promise<void> {
    const engine = this.#o.engine();
    const device = this.#find(name, await engine.alarms());
    if (device === null) return;
    await engine.acceptDevice(device);
    this.#o.say("Good: you are not asked about it any more.");
  }

  async #remove(name: string): Promise<void> {
    const engine = this.#o.engine();
    const device = this.#find(name, await engine.devices());
    if (device === null) return;
    const here = device === engine.me.device ? "It is this terminal: all it kept is erased." : "";
    const words = here || "It is signed out at once, and erases what it keeps when it next opens.";
    this.#o.confirm(words, async () => {
      const removed = await engine.revokeDevice(device);
      if (!removed.ok) return this.#o.say(removed.words);
      this.#o.say("It is removed. If somebody else had added it, change your password.");
    });
  }

  /** The one that is meant; null after words about why there is none. */
  #find(name: string, among: readonly { readonly device: DeviceId }[]): DeviceId | null {
    const found = among.filter(({ device }) => name !== "" && device.startsWith(name));
    if (found.length === 1) return found[0]!.device;
    this.#o.say(
      among.length === 0
        ? "Nothing is asked."
        : `Say which: ${among.map(({ device }) => device.slice(0, SHOWN)).join(", ")}`,
    );
    return null;
  }
}
