/** The commands of `snug chat --json` about one's own devices. */
import type { DeviceId } from "../../protocol/ids.ts";
import { done, type Engine, type Outcome, type OwnDevice } from "../types.ts";
import { ChatError } from "./errors.ts";
import type { Read, Told } from "./json_told.ts";

type Run = (engine: Engine, device: DeviceId, read: Read) => Promise<Outcome<Told>>;

/** Commands about one device. */
const ABOUT: Readonly<Record<string, Run>> = {
  "rename-device": async (engine, device, read) =>
    listed(await engine.renameDevice(device, read("name"))),
  "accept-device": async (engine, device) => {
    await engine.acceptDevice(device);
    return done({ event: "device-accepted", device });
  },
  "revoke-device": async (engine, device) => listed(await engine.revokeDevice(device)),
};

export function isDeviceCommand(name: string): boolean {
  return name === "devices" || Object.hasOwn(ABOUT, name);
}

/** @throws {ChatError} for a device that the account does not have */
export async function runDeviceCommand(
  name: string,
  engine: Engine,
  read: Read,
): Promise<Outcome<Told>> {
  const run = ABOUT[name];
  if (!run) return listed(done(await engine.devices()));
  const named = read("device");
  // One that is gone may still be asked about.
  const known = [...await engine.devices(), ...await engine.alarms()];
  const found = known.find(({ device }) => device === named);
  if (found) return await run(engine, found.device, read);
  throw new ChatError("bad-input", 'Your account has no such device. "devices" lists them.');
}

function listed(outcome: Outcome<OwnDevice[]>): Outcome<Told> {
  return outcome.ok ? done({ event: "devices", devices: outcome.value }) : outcome;
}
