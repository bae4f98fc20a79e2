/**
 * What arrives: decrypted, then stored together with the session's new state and without the prekeys
 * it used, all in one transaction, and only then acknowledged. Whatever cannot be used is set aside
 * with its reason and acknowledged too, so that one bad envelope never stops the rest (security.md W19).
 */
import type { DeviceKeys } from "../crypto/account.ts";
import { DecryptError } from "../crypto/errors.ts";
import type { StoredPrekey } from "../crypto/prekeys.ts";
import {
  acceptOpening,
  type Decrypted,
  decryptMessage,
  type PrekeyLookup,
  type SessionState,
  type UsedPrekeys,
} from "../crypto/session.ts";
import { routeEnvelope } from "../crypto/session_choice.ts";
import { findDevice } from "../protocol/bundle.ts";
import { toBase64Url } from "../protocol/encoding.ts";
import { decodeEnvelope, type Envelope, envelopeKind, type Opening } from "../protocol/envelope.ts";
import { FormatError, VerifyError } from "../protocol/errors.ts";
import type { Deliver } from "../protocol/frame.ts";
import type { AccountId, DeviceId } from "../protocol/ids.ts";
import { type Content, decodeContent } from "./content.ts";
import { type Change, StoreFailed, type Writer } from "./change.ts";
import type { Directory } from "./directory.ts";
import { countOpening, countUnknown } from "./healing.ts";
import { keys, META, type SeenOpening, type SetAside } from "./records.ts";
import { findSession, peerDevice, putPeer, putSession } from "./sessions.ts";
import type { Supplies } from "./supplies.ts";
import { getContact } from "./timeline.ts";

export interface InboxOptions {
  readonly own: DeviceKeys;
  readonly writer: Writer;
  readonly directory: Directory;
  readonly supplies: Supplies;
  readonly now: () => number;
  /** What a decrypted content does: timeline.ts and its friends, wired by the engine. */
  readonly apply: (change: Change, arrived: Arrived) => Promise<void>;
  /** A room's message. */
  readonly roomEnvelope: (change: Change, envelope: Uint8Array) => Promise<void>;
  readonly ack: (position: number) => void;
  /** A device's sessions are lost; called after the change. */
  readonly heal: (account: AccountId, device: DeviceId) => void;
  /** Nothing is waiting any more. */
  readonly drained: () => void;
  /** The store or the network gave way: drop the connection, so that the rest comes again. */
  readonly failed: (error: unknown) => void;
}

/** A content and who it is from: the device at the other end of the session that decrypted it. */
export interface Arrived {
  readonly content: Content;
  readonly account: AccountId;
  readonly device: DeviceId;
  /** The account key its session was made under. */
  readonly peer: SessionState["peer"];
  /** Messages of this session newly known to be missing before this one. */
  readonly gap: number;
  /** This message had been counted as missing. */
  readonly late: boolean;
}

/** Why an envelope was set aside. */
type Reason =
  | "malformed"
  | "unreadable"
  | "unknown-session"
  | "unknown-device"
  | "unknown-person"
  | "false-list"
  | "too-many-openings"
  | "unknown-content"
  | "misdirected"
  | "internal";

/** Set-aside records kept, the newest; all are counted. */
const MOST_SET_ASIDE = 200;
const WEEK_MS = 7 * 24 * 3_600_000;
/** Weeks an envelope is remembered by its salt: longer than any queue keeps one. */
export const REMEMBERED_WEEKS = 6;
/** Acknowledgements are gathered up to this many: the window is larger. */
const ACK_EVERY = 16;

/** Thrown inside a change, which then does not happen: this list must be fetched first. */
class NeedsList extends Error {
  /** @param opening an opening asked for it, which anybody can make up */
  constructor(readonly account: AccountId, readonly otherwise: Reason, readonly opening = false) {
    super("a device list must be fetched first");
  }
}

/** Thrown inside a change: set the envelope aside instead. */
class Unusable extends Error {
  constructor(readonly reason: Reason) {
    super(reason);
  }
}

export class Inbox {
  readonly #options: InboxOptions;
  #waiting: Deliver[] = [];
  #running = false;
  #generation = 0;
  #unacknowledged = 0;
  #done: Promise<void> = Promise.resolve();

  constructor(options: InboxOptions) {
    this.#options = options;
  }

  receive(items: readonly Deliver[]): void {
    this.#waiting.push(...items);
    if (this.#running) return;
    this.#running = true;
    this.#done = this.#run();
  }

  /** The connection is gone: what was not acknowledged comes again. */
  disconnected(): void {
    this.#generation++;
    this.#waiting = [];
    this.#unacknowledged = 0;
  }

  /** Resolves when what has been received so far is dealt with. */
  async idle(): Promise<void> {
    await this.#done;
  }

  async stop(): Promise<void> {
    this.disconnected();
    await this.#done;
  }

  async #run(): Promise<void> {
    try {
      for (let item = this.#waiting.shift(); item; item = this.#waiting.shift()) {
        const generation = this.#generation;
        if (!await this.#take(item)) return this.#options.failed(null);
        if (generation === this.#generation) this.#acknowledge(item.position);
      }
      this.#options.drained();
    } catch (error) {
      this.#options.failed(error);
    } finally {
      this.#running = false;
    }
  }

  #acknowledge(position: number): void {
    this.#unacknowledged++;
    if (this.#waiting.length > 0 && this.#unacknowledged < ACK_EVERY) return;
    this.#unacknowledged = 0;
    this.#options.ack(position);
  }

  /** Takes one envelope for good; false when the network must come back first. */
  async #take(item: Deliver): Promise<boolean> {
    const fetched = new Set<AccountId>();
    for (;;) {
      const need = await this.#try(item, fetched);
      if (!need) return true;
      fetched.add(need.account);
      const supply = await this.#options.supplies.list(need.account);
      if (supply.kind === "offline" || supply.kind === "later") return false;
    }
  }

  async #try(item: Deliver, fetched: ReadonlySet<AccountId>): Promise<NeedsList | null> {
    const { writer } = this.#options;
    try {
      await writer.change((change) => this.#open(change, item));
      return null;
    } catch (error) {
      if (error instanceof StoreFailed) throw error;
      if (error instanceof NeedsList && !fetched.has(error.account)) return error;
      await writer.change(async (change) => {
        if (error instanceof NeedsList && error.opening) await this.#countFalse(change, item);
        await this.#setAside(change, item, reasonOf(error));
      });
      return null;
    }
  }

  async #open(change: Change, item: Deliver): Promise<void> {
    if (kindOf(item.envelope) === "room") {
      return await this.#options.roomEnvelope(change, item.envelope);
    }
    const envelope = decode(item.envelope);
    const session = await findSession(change, envelope.session);
    const opening = await change.get("seen", keys.seenOpening(envelope.session));
    const known = { session: session !== undefined, remembered: opening !== undefined };
    switch (routeEnvelope(envelope, known)) {
      case "session":
        return await this.#continue(change, envelope, session!);
      case "accept":
        return await this.#accept(change, item, envelope, envelope.opening!);
      case "unknown":
        return await this.#unknown(change, item, envelope);
      case "drop":
        return;
    }
  }

  async #continue(change: Change, envelope: Envelope, session: SessionState): Promise<void> {
    const { account, aik, device } = session.peer;
    const contact = await getContact(change, account);
    const list = contact && this.#options.directory.listFor(contact, aik);
    if (!list || !findDevice(list, device)) throw new Unusable("unknown-device");
    try {
      const opened = await decryptMessage(session, envelope, this.#options.now());
      await this.#commit(change, envelope, opened);
    } catch (error) {
      if (!(error instanceof DecryptError) || !await this.#isDuplicate(change, envelope)) {
        throw error;
      }
    }
  }

  async #accept(
    change: Change,
    item: Deliver,
    envelope: Envelope,
    opening: Opening,
  ): Promise<void> {
    const { own, directory, now } = this.#options;
    const peer = countOpening(await peerDevice(change, opening.account, opening.device), now());
    if (!peer) throw new Unusable("too-many-openings");
    const contact = await getContact(change, opening.account);
    const list = contact && directory.listFor(contact, opening.aik);
    if (!list) throw missingList(item, opening, contact ? "unknown-device" : "unknown-person");
    const lookup = lookupIn(change);
    const opened = await acceptOpening(own, envelope, list, lookup, now()).catch((error) => {
      // The device names a list that we do not have: true or not, one look decides.
      const older = error instanceof VerifyError && error.code === "newer-list";
      throw older ? missingList(item, opening, "false-list") : error;
    });
    putPeer(change, peer);
    forgetUsed(change, opened.used);
    const seen: SeenOpening = { signed: opened.used.signed };
    change.set("seen", keys.seenOpening(envelope.session), seen);
    await this.#commit(change, envelope, opened);
  }

  /** The step that makes it final: state, memory of the envelope, and what the content does. */
  async #commit(change: Change, envelope: Envelope, opened: Decrypted): Promise<void> {
    const { now, apply } = this.#options;
    const { state, gap, late } = opened;
    await putSession(change, state, now());
    change.set("seen", keys.seenEnvelope(weekOf(now()), toBase64Url(envelope.salt)), true);
    let content: Content;
    try {
      content = decodeContent(opened.content, opened.context);
    } catch (error) {
      // Well encrypted, yet nothing we understand: the ratchet has moved, the content is set aside.
      if (!(error instanceof FormatError)) throw error;
      const { account, device } = state.peer;
      return await this.#note(
        change,
        "unknown-content",
        account,
        device,
        envelope.ciphertext.length,
      );
    }
    const { account, device } = state.peer;
    await apply(change, { content, account, device, peer: state.peer, gap, late });
  }

  async #unknown(change: Change, item: Deliver, envelope: Envelope): Promise<void> {
    const { account, device } = item;
    const contact = await getContact(change, account);
    if (contact && !findDevice(contact.changed ?? contact.list, device)) {
      throw new Unusable("unknown-device");
    }
    const due = await countUnknown(change, item, envelope.session, this.#options.now());
    if (due) change.after.push(() => this.#options.heal(account, device));
    await this.#note(change, "unknown-session", account, device, item.envelope.length);
  }

  /** An opening that cost a look-up and came to nothing counts as one all the same. */
  async #countFalse(change: Change, { account, device }: Deliver): Promise<void> {
    if (!await getContact(change, account)) return;
    const now = this.#options.now();
    const peer = countOpening(await peerDevice(change, account, device), now);
    if (peer) putPeer(change, peer);
  }

  async #isDuplicate(change: Change, envelope: Envelope): Promise<boolean> {
    const week = weekOf(this.#options.now());
    const salt = toBase64Url(envelope.salt);
    for (let back = -1; back < REMEMBERED_WEEKS; back++) {
      if (await change.get("seen", keys.seenEnvelope(week - back, salt))) return true;
    }
    return false;
  }

  async #setAside(change: Change, item: Deliver, reason: Reason): Promise<void> {
    const { account, device } = item;
    await this.#note(change, reason, account, device, item.envelope.length);
    change.tell({
      kind: "warning",
      what: reason === "unknown-device" ? "unknown-device" : "unreadable",
      words: WORDS[reason],
      account,
      device,
    });
  }

  async #note(
    change: Change,
    reason: Reason,
    account: AccountId,
    device: DeviceId,
    bytes: number,
  ): Promise<void> {
    const count = (await change.get<number>("meta", META.setAside) ?? 0) + 1;
    const note: SetAside = { reason, account, device, at: this.#options.now(), bytes };
    change.set("meta", META.setAside, count);
    change.set("seen", keys.setAside(String(count % MOST_SET_ASIDE)), note);
  }
}

const WORDS: Readonly<Record<Reason, string>> = {
  "malformed": "Something arrived that is not a message. It was set aside.",
  "unreadable": "A message arrived damaged or forged. It was set aside.",
  "unknown-session": "A message arrived for a conversation that this device does not know.",
  "unknown-device":
    "A message arrived from a device that its owner does not list. It was set aside.",
  "unknown-person": "A message arrived from somebody without an account. It was set aside.",
  "false-list": "A message arrived that names a list of devices nobody can show. It was set aside.",
  "too-many-openings": "A device began too many conversations in an hour. A message was set aside.",
  "unknown-content": "A message arrived that this version cannot show. It was set aside.",
  "misdirected": "A message arrived that was meant for somebody else. It was set aside.",
  "internal": "A message could not be read because of a fault here. It was set aside.",
};

function decode(bytes: Uint8Array): Envelope {
  try {
    return decodeEnvelope(bytes);
  } catch (error) {
    throw error instanceof FormatError ? new Unusable("malformed") : error;
  }
}

function kindOf(bytes: Uint8Array): ReturnType<typeof envelopeKind> {
  try {
    return envelopeKind(bytes);
  } catch (error) {
    throw error instanceof FormatError ? new Unusable("malformed") : error;
  }
}

function reasonOf(error: unknown): Reason {
  if (error instanceof FormatError) return "malformed";
  if (error instanceof Unusable) return error.reason;
  if (error instanceof NeedsList) return error.otherwise;
  if (error instanceof DecryptError) return "unreadable";
  if (!(error instanceof VerifyError)) return "internal";
  return error.code === "not-listed" || error.code === "device-changed"
    ? "unknown-device"
    : "false-list";
}

/**
 * Look-ups are limited, and everything behind this envelope waits for them. So an opening, which nothing
 * vouches for yet, gets one for the device that the server took it from and for nobody else.
 */
function missingList(item: Deliver, { account, device }: Opening, otherwise: Reason): Error {
  const own = account === item.account && device === item.device;
  return own ? new NeedsList(account, otherwise, true) : new Unusable("unreadable");
}

function lookupIn(change: Change): PrekeyLookup {
  return (kind, id) => change.get<StoredPrekey>("prekeys", keys.prekey(kind, id));
}

/** One-time private halves go in the transaction that keeps what they opened. */
function forgetUsed(change: Change, { oneTime, kemOnce }: UsedPrekeys): void {
  if (oneTime !== null) change.remove("prekeys", keys.prekey("once", oneTime));
  if (kemOnce !== null) change.remove("prekeys", keys.prekey("kem-once", kemOnce));
}

export function weekOf(ms: number): number {
  return Math.floor(ms / WEEK_MS);
}

/** Tells the inbox, from `apply`, that the content was not for us. */
export function misdirected(): Error {
  return new Unusable("misdirected");
}

/** Tells the inbox, from `apply`, that a person must be looked up first. */
export function needsPerson(account: AccountId): Error {
  return new NeedsList(account, "unknown-person");
}
