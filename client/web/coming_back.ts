/** Connects at once when the network or the person is back, instead of after the wait of up to half a minute. */
import type { Engine } from "../types.ts";

/** The document, as far as it is used. */
export interface Visible extends EventTarget {
  readonly visibilityState: string;
}

/** `network` hears "online", `page` "visibilitychange"; both live as long as the page. */
export function connectWhenBack(
  engine: Pick<Engine, "connect" | "connection">,
  network: EventTarget,
  page: Visible,
): void {
  const connect = () => {
    // Signed out, restored: somebody has to do something first.
    if (engine.connection === "offline") engine.connect();
  };
  network.addEventListener("online", connect);
  page.addEventListener("visibilitychange", () => {
    if (page.visibilityState === "visible") connect();
  });
}
