/** A history archive without a server, for {@link FakeEngine}: what the page asks of one. */
import { type Conversation, done, type Message, refused } from "../../client/types.ts";
import type { PageEngine } from "../../client/web/leader.ts";
import type { SegmentContent } from "../../client/archive_records.ts";
import type { AccountId } from "../../protocol/ids.ts";

/** What there is when the page opens. */
export interface HistoryScenario {
  readonly on?: boolean;
  readonly bytes?: number;
  /** Asked so often, it is still on its way back. */
  readonly restoring?: number;
  readonly missing?: number;
  /** The server does not give it all. */
  readonly cut?: boolean;
}

export interface FakeHistoryParts {
  readonly call: (name: string, ...args: string[]) => Promise<void>;
  readonly conversation: (id: AccountId) => Conversation | undefined;
  readonly messages: (id: AccountId) => readonly Message[];
}

type Calls = PageEngine["history"];
const CUT = refused("offline", "Not all of it could be fetched.");

export class FakeHistory implements Calls {
  readonly #o: FakeHistoryParts;
  readonly #scenario: HistoryScenario;
  #on: boolean;
  #bytes: number;
  #asked = 0;
  readonly taken: SegmentContent[] = [];

  constructor(scenario: HistoryScenario | undefined, parts: FakeHistoryParts) {
    this.#scenario = scenario ?? {};
    this.#o = parts;
    this.#on = scenario?.on ?? true;
    this.#bytes = scenario?.bytes ?? 3_355_443;
  }

  async status(): ReturnType<Calls["status"]> {
    await this.#o.call("history.status");
    const restored = this.#asked++ >= (this.#scenario.restoring ?? 0);
    return { on: this.#on, bytes: this.#bytes, most: 268_435_456, waiting: 0, restored };
  }

  async setOn(on: boolean): ReturnType<Calls["setOn"]> {
    await this.#o.call("history.setOn", String(on));
    this.#on = on;
    return done(null);
  }

  async erase(): ReturnType<Calls["erase"]> {
    await this.#o.call("history.erase");
    this.#bytes = 0;
    return done(null);
  }

  async check(): ReturnType<Calls["check"]> {
    await this.#o.call("history.check");
    return done({ missing: this.#scenario.missing ?? 0, unknown: 0 });
  }

  async whole(id: AccountId): ReturnType<Calls["whole"]> {
    await this.#o.call("history.whole", id);
    return this.#scenario.cut ? CUT : done(null);
  }

  async collect(id: AccountId): ReturnType<Calls["collect"]> {
    await this.#o.call("history.collect", id);
    if (this.#scenario.cut) return CUT;
    const talk = this.#o.conversation(id);
    const messages = this.#o.messages(id).filter(({ kind }) => kind === "text").map((
      row,
      place,
    ) => ({
      ...{ id: row.id, from: row.from, device: row.device, time: row.time, place, text: row.text },
      ...{ state: null, verified: row.verified, sender: null, mention: false },
    }));
    const person = talk?.kind !== "person" ? null : {
      ...{ username: talk.username, fullName: talk.title, aik: new Uint8Array(32) },
      list: { version: 1, hash: new Uint8Array(32), head: "set" as const, previous: null },
      ...{ verified: false, blocked: false, decided: 0 },
    };
    return done([{ format: 1, conversation: id, accepted: true, person, messages }]);
  }

  async take(
    from: AccountId,
    contents: readonly SegmentContent[],
    people: ReadonlyMap<AccountId, AccountId>,
  ): Promise<number> {
    await this.#o.call("history.take", from, [...people].join());
    this.taken.push(...contents);
    return contents.reduce((sum, { messages }) => sum + messages.length, 0);
  }
}
