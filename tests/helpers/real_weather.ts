/**
 * Bad weather between an engine and a real server: frames that come twice, late or in another order, and frames that
 * are lost together with their connection. So in the end nothing may be lost: the server still has it.
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
  readonly #held: { readonly frame: Uint8Array; readonly take: Take }[] = [];
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
          closed: (code) => handlers.closed(code),
        });
        return socket;
      },
    };
  }

  /** What was held back comes now, in any order. */
  release(): void {
    const held = this.#held.splice(0);
    while (held.length > 0) {
      const [{ frame, take }] = held.splice(this.#draw(held.length), 1) as [typeof held[number]];
      take(frame);
    }
  }

  #pass(frame: Uint8Array, take: Take, cut: () => void): void {
    const chance = this.storm && isOfMessages(frame) ? this.#draw(100) : 100;
    if (chance < LOST + DOUBLED + HELD) this.touched++;
    if (chance < LOST) {
      // What is held back came over the connection that ends now: the server has it no more.
      this.release();
      cut();
    } else if (chance < LOST + DOUBLED) {
      take(frame);
      take(frame);
    } else if (chance < LOST + DOUBLED + HELD) {
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
