/**
 * Device lists of people: verified, pinned at first sight, and watched for everything a malicious
 * server could do with them. Nothing here asks the network; it judges what the network brought.
 */
import type { SessionState } from "../crypto/session.ts";
import {
  checkNamedList,
  type DeviceEntry,
  type DeviceList,
  extendDeviceList,
  findDevice,
  type Signed,
  verifyDeviceList,
} from "../protocol/bundle.ts";
import { USERNAME_PATTERN } from "../protocol/api.ts";
import type { Bytes } from "../protocol/encoding.ts";
import { equalBytes } from "../protocol/encoding.ts";
import { FormatError, VerifyError } from "../protocol/errors.ts";
import type { AccountId, DeviceId } from "../protocol/ids.ts";
import type { Change } from "./change.ts";
import type { Contact } from "./records.ts";
import { alarmGone, cameAndWent, endAlarm, raiseAlarm, raiseGone } from "./own_alarms.ts";
import { getRoom, roomOf } from "./room_records.ts";
import { removePeer } from "./sessions.ts";
import { addLine, getContact, getConversation, nameOf, putConversation } from "./timeline.ts";
import type { LineKind, OwnAlarm, WarningKind } from "./types.ts";

/** What the server says about a person. */
export interface PersonClaim {
  readonly account: AccountId;
  readonly username: string;
  readonly fullName: string;
  readonly entries: readonly Signed[];
}

/** "refused": it contradicts what we know or itself; a warning has been told. */
export type Learned = "known" | "changed" | "refused";

/** Version and SHA-256 of a device list, as contents and openings name it. */
export interface NamedHead {
  readonly version: number;
  readonly hash: Bytes;
}

export class Directory {
  /** Own devices that the person takes out here, just now. */
  readonly leaving = new Set<DeviceId>();
  readonly #me: { readonly account: AccountId; readonly aik: Bytes; readonly device: DeviceId };
  readonly #now: () => number;

  constructor(
    me: { readonly account: AccountId; readonly aik: Bytes; readonly device: DeviceId },
    now: () => number,
  ) {
    this.#me = me;
    this.#now = now;
  }

  /** Takes a whole list from the server: pins it at first sight, holds it against the pin later. */
  async learn(change: Change, claim: PersonClaim): Promise<Learned> {
    // An account under the id of a room here would speak in the room's place.
    if (await getRoom(change, roomOf(claim.account))) return "refused";
    // No honest server gives such a name away; in a line or a link it could pass for something else.
    if (!USERNAME_PATTERN.test(claim.username)) {
      return this.#refuse(change, claim.account, BAD_NAME);
    }
    const known = await getContact(change, claim.account);
    const pin = known?.list ?? this.#ownPin(claim.account);
    try {
      const list = await verifyDeviceList(claim.account, claim.entries, known?.list);
      if (pin && !equalBytes(list.aik, pin.aik)) throw new VerifyError("key-changed");
      return await this.#take(change, known, claim, list, claim.entries);
    } catch (error) {
      return await this.#judge(change, known, claim, error);
    }
  }

  /** Takes newer entries; false when the whole list is needed to judge them. */
  async extend(change: Change, account: AccountId, entries: readonly Signed[]): Promise<boolean> {
    const known = await getContact(change, account);
    if (!known || known.changed) return false;
    try {
      const list = await extendDeviceList(known.list, entries);
      await this.#take(change, known, known, list, entries);
      return true;
    } catch (error) {
      if (isVerdict(error)) return false;
      throw error;
    }
  }

  /** The version of our list of this account; 0 when there is none. */
  async version(change: Change, account: AccountId): Promise<number> {
    return (await getContact(change, account))?.list.version ?? 0;
  }

  /**
   * Holds the list head that a device named against ours. False: the device knows a newer list, which
   * must be fetched. Call it only for heads that came out of a ciphertext: anybody else's word could
   * make us ask for a version that does not exist.
   */
  async compare(
    change: Change,
    account: AccountId,
    head: NamedHead,
    namedBy: { readonly account: AccountId; readonly device: DeviceId },
  ): Promise<boolean> {
    const known = await getContact(change, account);
    if (!known || known.changed) return true;
    if (head.version > known.list.version) {
      // Only the account itself can oblige us to wait for its list; others may be mistaken about it.
      if (namedBy.account === account && head.version > known.required) {
        const named = { required: head.version, requiredBy: namedBy.device };
        change.set("accounts", account, { ...known, ...named });
      }
      return false;
    }
    try {
      checkNamedList(known.list, head.version, head.hash);
    } catch (error) {
      if (!(error instanceof VerifyError)) throw error;
      await this.#warnOnce(change, known, "list-fork", `${head.version} ${namedBy.account}`);
    }
    return true;
  }

  /** The list under which a session's messages are judged: a changed key has its own. */
  listFor(contact: Contact, aik: SessionState["peer"]["aik"]): DeviceList | null {
    if (equalBytes(contact.list.aik, aik)) return contact.list;
    if (contact.changed && equalBytes(contact.changed.aik, aik)) return contact.changed;
    return null;
  }

  /** The server still shows less than the devices themselves have named. */
  async warnRollback(change: Change, account: AccountId): Promise<void> {
    const known = await getContact(change, account);
    if (known) await this.#warnOnce(change, known, "list-rollback", String(known.required));
  }

  /** Our own key is known from our own store, never from the server (security.md P8). */
  #ownPin(account: AccountId): { readonly aik: Bytes } | undefined {
    return account === this.#me.account ? { aik: this.#me.aik } : undefined;
  }

  async #take(
    change: Change,
    known: Contact | undefined,
    names: { readonly account: AccountId; readonly username: string; readonly fullName: string },
    list: DeviceList,
    entries: readonly Signed[],
  ): Promise<Learned> {
    const { account, fullName } = names;
    // A username is given once. Who is known by one stays known by it, whatever the server says later.
    const username = known?.username ?? names.username;
    const verified = known?.verified ?? false;
    const contact = { account, username, fullName, list, ...requirement(known, list), verified };
    // The old key is back (a reset was undone): it is the pinned one, so nothing is asked.
    const { decided = 0, blocked = false } = known ?? {};
    const kept = { decided, blocked, changed: null, warned: known?.warned ?? null };
    const next: Contact = { ...contact, ...kept };
    change.set("accounts", account, next);
    if (known && account === this.#me.account) {
      await this.#tellOwn(change, known.list, entries, list);
    } else if (known) await this.#tellDifferences(change, known.list, next);
    if (known) await this.#tellName(change, known, next);
    const conversation = await getConversation(change, account);
    if (conversation && (known?.changed || known?.fullName !== fullName)) {
      await putConversation(change, conversation);
    }
    return "known";
  }

  /** A name is the server's word: when it becomes another one, people see that it is the same person. */
  async #tellName(change: Change, before: Contact, contact: Contact): Promise<void> {
    const { account } = contact;
    const [old, name] = [nameOf(before), nameOf(contact)];
    if (old === name || account === this.#me.account) return;
    const device = contact.list.devices[0]?.device ?? this.#me.device;
    const text = `${old} is now called ${name}.`;
    await this.#line(change, "name-changed", text, account, device);
  }

  async #tellDifferences(change: Change, before: DeviceList, contact: Contact): Promise<void> {
    const { account, list } = contact;
    const added = missingFrom(before.devices, list.devices);
    const removed = missingFrom(list.devices, before.devices);
    for (const { device } of removed) await removePeer(change, account, device);
    const name = nameOf(contact);
    for (const { device, kind } of added) {
      const text = `${name} has a new device, a ${kind}.`;
      await this.#line(change, "new-device", text, account, device);
      this.#warn(change, "new-device", text, account, device);
    }
    for (const { device, kind } of removed) {
      const text = `${name} removed a device, a ${kind}.`;
      await this.#line(change, "device-removed", text, account, device);
    }
  }

  async #tellOwn(
    change: Change,
    before: DeviceList,
    entries: readonly Signed[],
    list: DeviceList,
  ): Promise<void> {
    const { account, device: me } = this.#me;
    const alarms: OwnAlarm[] = [];
    for (const one of missingFrom(list.devices, before.devices)) {
      await removePeer(change, account, one.device);
      if (this.leaving.has(one.device)) await endAlarm(change, one.device);
      const alarm = await alarmGone(change, one);
      if (alarm) alarms.push(alarm);
    }
    for (const one of cameAndWent(before, entries, list)) alarms.push(await raiseGone(change, one));
    const added = missingFrom(before.devices, list.devices).filter(({ device }) => device !== me);
    alarms.push(...added.map((one) => raiseAlarm(change, one)));
    for (const { device, words, gone } of alarms) {
      this.#warn(change, gone ? "own-device-gone" : "own-new-device", words, account, device);
    }
  }

  /** What a list that does not verify means. */
  async #judge(
    change: Change,
    known: Contact | undefined,
    claim: PersonClaim,
    error: unknown,
  ): Promise<Learned> {
    if (!isVerdict(error)) throw error;
    const code = error instanceof VerifyError ? error.code : "malformed";
    const own = claim.account === this.#me.account;
    if (known && !own && code === "key-changed") {
      return await this.#keyChanged(change, known, claim);
    }
    if (!known) {
      return this.#refuse(change, claim.account, LIST_WORDS["bad-list"](claim.username));
    }
    const what = code === "rollback" ? "list-rollback" : code === "fork" ? "list-fork" : "bad-list";
    await this.#warnOnce(change, known, what, code);
    return "refused";
  }

  async #keyChanged(change: Change, known: Contact, claim: PersonClaim): Promise<Learned> {
    const before = known.changed;
    let list: DeviceList;
    try {
      list = await verifyDeviceList(claim.account, claim.entries);
    } catch (error) {
      return await this.#judge(
        change,
        { ...known, changed: null },
        claim,
        isVerdict(error) ? new VerifyError("bad-signature") : error,
      );
    }
    change.set("accounts", known.account, { ...known, changed: list });
    if (before && equalBytes(before.aik, list.aik)) return "changed";
    await this.#tellKeyChanged(change, { ...known, changed: list });
    return "changed";
  }

  async #tellKeyChanged(change: Change, contact: Contact): Promise<void> {
    const { account } = contact;
    const name = nameOf(contact);
    const text = contact.verified
      ? `${name}'s key is another one than the one you verified. Nothing is sent until you accept it.`
      : `${name}'s key has changed. Nothing is sent until you accept it.`;
    // Either list may be empty: whoever removes the last device leaves none.
    const [named] = [...contact.changed!.devices, ...contact.list.devices];
    const device = named?.device ?? this.#me.device;
    await this.#line(change, "key-changed", text, account, device);
    this.#warn(change, "key-changed", text, account);
    const conversation = await getConversation(change, account);
    if (conversation) await putConversation(change, conversation);
  }

  async #line(
    change: Change,
    line: LineKind,
    text: string,
    account: AccountId,
    device: DeviceId,
  ): Promise<void> {
    const words = { conversation: account, text, time: this.#now() };
    await addLine(change, line, words, { account, device });
  }

  /** A standing contradiction is said once, not with every message. */
  async #warnOnce(
    change: Change,
    known: Contact,
    what: "list-rollback" | "list-fork" | "bad-list",
    detail: string,
  ): Promise<void> {
    const warned = `${what} ${detail}`;
    const current = await getContact(change, known.account) ?? known;
    if (current.warned === warned) return;
    change.set("accounts", known.account, { ...current, warned });
    this.#warn(change, what, LIST_WORDS[what](nameOf(known)), known.account);
  }

  #refuse(change: Change, account: AccountId, words: string): "refused" {
    this.#warn(change, "bad-list", words, account);
    return "refused";
  }

  #warn(
    change: Change,
    what: WarningKind,
    words: string,
    account: AccountId,
    device?: DeviceId,
  ): void {
    const about = device === undefined ? { account } : { account, device };
    const conversation = account === this.#me.account ? {} : { conversation: account };
    change.tell({ kind: "warning", what, words, ...about, ...conversation });
  }
}

const BAD_NAME =
  "The server gave somebody a username that nobody can have. They were not taken in.";
const LIST_WORDS = {
  "list-rollback": (name: string) =>
    `The server shows an older list of ${name}'s devices than one you have seen.`,
  "list-fork": (name: string) =>
    `The server shows different people different lists of ${name}'s devices.`,
  "bad-list": (name: string) =>
    `The server's list of ${name}'s devices is not signed as it must be.`,
} as const;

function missingFrom(
  list: readonly DeviceEntry[],
  others: readonly DeviceEntry[],
): DeviceEntry[] {
  return others.filter((other) => !list.some(({ device }) => device === other.device));
}

function isVerdict(error: unknown): boolean {
  return error instanceof VerifyError || error instanceof FormatError;
}

/**
 * A list must be as new as the account's own devices say. A device that was removed has no say any more: a stolen one could
 * name a version that never comes, and nobody would write to the account again.
 */
function requirement(
  known: Contact | undefined,
  list: DeviceList,
): Pick<Contact, "required" | "requiredBy"> {
  const { required = 0, requiredBy } = known ?? {};
  const isRemoved = requiredBy !== undefined && !findDevice(list, requiredBy);
  if (required <= list.version || isRemoved) return { required: list.version };
  return requiredBy === undefined ? { required } : { required, requiredBy };
}
