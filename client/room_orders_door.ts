/** The way to what changes rooms, whose code comes when it is needed, like the history's: see history_door.ts. */
import { loadedOnce } from "./loaded_once.ts";
import type { RoomOrders, RoomOrdersOptions } from "./room_orders.ts";

export interface RoomOrdersDoorOptions extends RoomOrdersOptions {
  /** The code could not be had; the next who asks tries again. */
  readonly unavailable: (error: unknown) => void;
}

export class RoomOrdersDoor {
  readonly #o: RoomOrdersDoorOptions;
  readonly #enter = loadedOnce(() => this.#load());

  constructor(options: RoomOrdersDoorOptions) {
    this.#o = options;
  }

  /** Null when the code cannot be had now. */
  async open(): Promise<RoomOrders | null> {
    return await this.#enter().catch((error) => {
      this.#o.unavailable(error);
      return null;
    });
  }

  async #load(): Promise<RoomOrders> {
    const { RoomOrders } = await import("./engine_more.ts");
    return new RoomOrders(this.#o);
  }
}
