/** What a message needs from the server before it can be encrypted or read: lists and bundles. */
import type { AccountId, DeviceId, RoomId } from "../protocol/ids.ts";
import type { Change, Writer } from "./change.ts";
import type { Directory } from "./directory.ts";
import { Looks } from "./looks.ts";
import type { Outbox } from "./outbox.ts";
import { getContact, nameOf } from "./timeline.ts";
import type { DeviceApi } from "./device_login.ts";
import type { ApiResult } from "./transport.ts";

/**
 * - `done`: it is in the store
 * - `later`: the server says to wait, or has trouble; `seconds` from now
 * - `offline`: no answer; the next connection tries again
 * - `refused`: there is none, or none that can be believed; `words` say which
 */
export type Supply =
  | { readonly kind: "done" }
  | { readonly kind: "later"; readonly seconds: number; readonly words: string }
  | { readonly kind: "offline" }
  | { readonly kind: "refused"; readonly words: string };

/** When the server has trouble and does not say for how long. Seconds. */
const TROUBLE_WAIT = 10;
/** Bundles that contradict the list are fetched once more after the list; then they are refused. */
const MOST_ROUNDS = 2;

/** People taken in one transaction. */
const PORTION = 32;

export interface SuppliesOptions {
  readonly api: DeviceApi;
  readonly writer: Writer;
  readonly directory: Directory;
  readonly outbox: Outbox;
}

export class Supplies {
  readonly #options: SuppliesOptions;
  readonly #lists = new Looks((account: AccountId) => this.#fetchList(account));

  constructor(options: SuppliesOptions) {
    this.#options = options;
  }

  /** Fetches and judges an account's device list, as it is now or later. */
  list(account: AccountId): Promise<Supply> {
    return this.#lists.ask(account);
  }

  /** Fetches and judges the lists of `wanted`, who are in a room with this account: many at once. */
  async members(room: RoomId, wanted: ReadonlySet<AccountId>): Promise<Supply> {
    const { api, writer, directory } = this.#options;
    let after: AccountId | null = null;
    do {
      const answer = await api.roomPeople(room, after);
      if (!answer.ok) {
        return supplyOf(answer, "There is no such room.");
      }
      const people = answer.value.people.filter(({ account }) => wanted.has(account));
      // In portions: each is a transaction, and nothing else happens meanwhile.
      for (let at = 0; at < people.length; at += PORTION) {
        await writer.change(async (change) => {
          for (const one of people.slice(at, at + PORTION)) await directory.learn(change, one);
        });
      }
      const next = answer.value.next;
      if (next !== null && after !== null && next <= after) break;
      after = next;
    } while (after !== null);
    return { kind: "done" };
  }

  /** Fetches bundles and begins sessions. `also` goes into the same change when all went well. */
  async bundles(
    account: AccountId,
    devices: readonly DeviceId[],
    also: (change: Change) => Promise<void> = () => Promise.resolve(),
  ): Promise<Supply> {
    for (let round = 1;; round++) {
      const answer = await this.#options.api.bundles(account, devices);
      if (!answer.ok) return supplyOf(answer, "This person has no account here any more.");
      const given = answer.value.bundles.filter(({ device }) => devices.includes(device));
      const missing = devices.filter((device) => !given.some((one) => one.device === device));
      const failed = await this.#open(account, { bundles: given, missing }, also);
      if (!failed) return { kind: "done" };
      if (failed !== "newer-list" || round >= MOST_ROUNDS) return await this.#badBundle(account);
      const list = await this.list(account);
      if (list.kind !== "done") return list;
    }
  }

  async #open(
    account: AccountId,
    answer: {
      readonly bundles: Parameters<Outbox["open"]>[2];
      readonly missing: readonly DeviceId[];
    },
    also: (change: Change) => Promise<void>,
  ): Promise<string | null> {
    const { writer, outbox } = this.#options;
    return await writer.change(async (change) => {
      const failed = await outbox.open(change, account, answer.bundles);
      const asleep = failed.filter(({ code }) => code === "dormant");
      for (const device of [...answer.missing, ...asleep.map(({ device }) => device)]) {
        outbox.setUnreachable(device);
      }
      for (const { device } of asleep) await this.#tellDormant(change, account, device);
      const worst = failed.find(({ code }) => code !== "dormant");
      if (!worst) await also(change);
      return worst?.code ?? null;
    });
  }

  async #tellDormant(change: Change, account: AccountId, device: DeviceId): Promise<void> {
    const contact = await getContact(change, account);
    const words = `A device of ${
      contact ? nameOf(contact) : "this person"
    } has slept for over 30 days; messages reach the others.`;
    change.tell({
      kind: "warning",
      what: "dormant-device",
      words,
      account,
      device,
      conversation: account,
    });
  }

  async #badBundle(account: AccountId): Promise<Supply> {
    const words = await this.#options.writer.change(async (change) => {
      const contact = await getContact(change, account);
      const name = contact ? nameOf(contact) : "this person";
      const words = `The server gave keys for ${name} that are not theirs. Nothing was sent.`;
      change.tell({ kind: "warning", what: "bad-bundle", words, account, conversation: account });
      return words;
    });
    return { kind: "refused", words };
  }

  async #fetchList(account: AccountId): Promise<Supply> {
    const { api, writer, directory } = this.#options;
    const answer = await api.account(account);
    if (!answer.ok) return supplyOf(answer, "This person has no account here any more.");
    return await writer.change(async (change): Promise<Supply> => {
      const learned = await directory.learn(change, { ...answer.value, account });
      const contact = await getContact(change, account);
      const old = contact && !contact.changed && contact.list.version < contact.required;
      if (old) await directory.warnRollback(change, account);
      const bad = learned === "refused" || old;
      return bad ? { kind: "refused", words: BAD_LIST } : { kind: "done" };
    });
  }
}

const BAD_LIST = "The server's list of this person's devices cannot be trusted. Nothing was sent.";

function supplyOf(answer: ApiResult<unknown> & { ok: false }, gone: string): Supply {
  if (answer.status === 0) return { kind: "offline" };
  if (answer.status === 404) return { kind: "refused", words: gone };
  const seconds = answer.retryAfter ?? TROUBLE_WAIT;
  if (answer.status === 429) {
    return { kind: "later", seconds, words: "Waiting: this person's keys were asked for often." };
  }
  return { kind: "later", seconds, words: "Waiting: the server has trouble." };
}
