/** Ana and Ben, each with one device at a real server. */
import { RealDevice, RealServer } from "./real_server.ts";

/** Each one's own is this and their name. */
export const PASSWORD = "lantern under the stairs";

export interface TwoPeople {
  readonly server: RealServer;
  readonly ana: RealDevice;
  readonly ben: RealDevice;
}

/** Both are signed up and open, and closed in the end. */
export async function withTwoPeople(run: (scene: TwoPeople) => Promise<void>): Promise<void> {
  const server = await RealServer.start();
  const [ana, ben] = [new RealDevice(server), new RealDevice(server)];
  try {
    for (const [device, name] of [[ana, "ana"], [ben, "ben"]] as const) {
      await device.signUp(name, `${PASSWORD} ${name}`);
      await device.open();
    }
    await run({ server, ana, ben });
  } finally {
    await ana.close();
    await ben.close();
    await server.end();
  }
}
