/**
 * Bad weather between an engine and a real server: frames that come twice or late, and frames that are lost together
 * with their connection. So in the end nothing may be lost: the server still has it. What follows a late frame waits
 * behind it, as on any WebSocket: passed on, it would be acknowledged, and the late one with it. Envelopes in another
 * order come in the days with a server of their own (schedules.ts).
 */
import { decodeServerFrame } from "../../protocol/frame.ts";
import type { Wrapping } from "./people_world.ts";

/** Of a hundred frames with messages. */
const LOST = 4;
const DOUBLED = 8;
const HELD = 12;

type Take = (frame: Uint8Array) => void;

export class Weather {
  readonly #draw: (most: number) => number;
  #held: { readonly frame: Uint8Array; readonly take: Take }[] = [];
  storm = false;
  /** Frames that did not pass as they came. */
  touched = 0;

  constructor(draw: (most: number) => number) {
    this.#draw = draw;
  }

  get wrapping(): Wrapping {
    return {
      socket: (open) => (login, handlers) => {
        const take: Take = (frame) => handlers.received(frame);
        const socket = open(login, {
          opened: () => handlers.opened(),
          received: (frame) => this.#pass(frame, take, () => socket.close()),
          closed: (code) => {
            this.#drop(take);
            handlers.closed(code);
          },
        });
        return socket;
      },
    };
  }

  /** What was held back comes now. */
  release(): void {
    for (const { frame, take } of this.#held.splice(0)) take(frame);
  }

  /** What was late on a connection that ended never comes on it. */
  #drop(take: Take): void {
    this.#held = this.#held.filter((one) => one.take !== take);
  }

  #pass(frame: Uint8Array, take: Take, cut: () => void): void {
    const chance = this.storm && isOfMessages(frame) ? this.#draw(100) : 100;
    if (chance < LOST + DOUBLED + HELD) this.touched++;
    if (chance < LOST) {
      // What is held back came over the connection that ends now: the server has it no more.
      this.release();
      cut();
    } else if (chance < LOST + DOUBLED && this.#held.length === 0) {
      take(frame);
      take(frame);
    } else if (this.#held.length > 0 || chance < LOST + DOUBLED + HELD) {
      this.#held.push({ frame, take });
    } else {
      take(frame);
    }
  }
}

/** Weather is about messages. */
function isOfMessages(frame: Uint8Array): boolean {
  return decodeServerFrame(frame).every(({ type }) => type === "deliver");
}
