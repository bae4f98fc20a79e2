/** A process that dies at its k-th step: every touch of the store or the network is a step. */
import { type LocalStore, StoreClosed } from "../../client/store.ts";
import type { Wrapping } from "./people_world.ts";

/** Counts steps; from the fatal one on, nothing gets through any more, in either direction. */
export class Doom {
  steps = 0;
  dead = false;
  #fatal: number;
  /** Resolves at the fatal step. */
  readonly died: Promise<void>;
  #die: () => void = () => {};

  /** @param fatal which step kills; Infinity for none */
  constructor(fatal: number) {
    this.#fatal = fatal;
    this.died = new Promise((resolve) => this.#die = resolve);
  }

  /** From now on the `steps`th step kills. */
  in(steps: number): void {
    this.#fatal = this.steps + steps;
  }

  /** @throws {StoreClosed} at the fatal step and ever after */
  step(): void {
    if (++this.steps >= this.#fatal) this.dead = true;
    if (this.dead) this.#die();
    if (this.dead) throw new StoreClosed();
  }

  /** Everything an engine touches, mortal. */
  get wrapping(): Wrapping {
    return {
      store: (store) => this.#store(store),
      send: (send) => async (request) => {
        this.step();
        const answer = await send(request);
        this.step();
        return answer;
      },
      socket: (open) => (login, handlers) => {
        const alive = (run: () => void) => {
          if (!this.dead) run();
        };
        const socket = open(login, {
          opened: () => alive(() => handlers.opened()),
          received: (frame) => alive(() => handlers.received(frame)),
          closed: (code) => alive(() => handlers.closed(code)),
        });
        return {
          send: (frame) => {
            if (!this.#dies()) socket.send(frame);
          },
          close: () => socket.close(),
        };
      },
    };
  }

  #dies(): boolean {
    try {
      this.step();
      return false;
    } catch {
      return true;
    }
  }

  #store(store: LocalStore): LocalStore {
    return {
      get: async <T>(...args: Parameters<LocalStore["get"]>) => {
        this.step();
        return await store.get<T>(...args);
      },
      list: async <T>(...args: Parameters<LocalStore["list"]>) => {
        this.step();
        return await store.list<T>(...args);
      },
      // A commit can be lost before it is made, or made and never heard of.
      commit: async (writes) => {
        this.step();
        await store.commit(writes);
        this.step();
      },
      erase: () => store.erase(),
      close: () => store.close(),
    };
  }
}
