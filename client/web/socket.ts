/** {@link SocketFactory} over the page's own WebSocket; the login rides in the cookie. */
import type { SocketFactory } from "../link.ts";

/** `origin` is the page's: http becomes ws, https becomes wss. */
export function pageSocket(origin: string): SocketFactory {
  const address = new URL("/socket", origin.replace(/^http/, "ws"));
  return (_login, handlers) => {
    const socket = new WebSocket(address);
    socket.binaryType = "arraybuffer";
    socket.addEventListener("open", () => handlers.opened());
    socket.addEventListener("message", ({ data }) => {
      // Text is no frame of ours: whatever sent it is not to be talked to.
      if (data instanceof ArrayBuffer) handlers.received(new Uint8Array(data));
      else socket.close();
    });
    socket.addEventListener("close", ({ code }) => handlers.closed(code));
    return {
      send: (frame) => socket.send(frame),
      close: () => socket.close(),
    };
  };
}
