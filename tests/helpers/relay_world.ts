/** Accounts and devices in a real database, without keys: enough for queues, which look at none. */
import type { DatabaseSync } from "node:sqlite";
import { concat } from "../../protocol/encoding.ts";
import type { Destination } from "../../protocol/frame.ts";
import {
  type AccountId,
  type DeviceId,
  idBytes,
  idFrom,
  type SubmitId,
} from "../../protocol/ids.ts";
import type { QueueBatch, QueueLimits, SubmissionWork } from "../../db/queue_work.ts";

/** Limits that no test meets by accident. */
export const ROOMY: QueueLimits = {
  envelopes: 10_000,
  bytes: 100 * 2 ** 20,
  perSender: 500,
  overflow: "refuse",
};

let made = 0;

/** A new id, the same in every run. */
export function nextId<T extends string>(): T {
  const bytes = new Uint8Array(16);
  new DataView(bytes.buffer).setUint32(0, ++made);
  return idFrom(bytes) as unknown as T;
}

/** An account whose list, version 1, has so many devices. */
export interface Person {
  readonly account: AccountId;
  readonly devices: DeviceId[];
}

/** Adds an account to the database. */
export function addPerson(db: DatabaseSync, devices = 1): Person {
  const account = nextId<AccountId>();
  db.prepare(
    `insert into accounts (id, username, full_name, contact_kind, contact, contact_key,
      password_record, aik, list_version, list_hash, admin, made)
      values (?, ?, '', 'email', ?, ?, '', x'', 0, x'', 0, 0)`,
  ).run(account, account, account, account);
  const person = { account, devices: [] };
  changeList(db, person, Array.from({ length: devices }, () => nextId<DeviceId>()));
  return person;
}

/** A new version of the person's device list, with a made-up signed entry. */
export function changeList(db: DatabaseSync, person: Person, devices: DeviceId[]): void {
  const { account } = person;
  const remove = db.prepare("delete from devices where id = ?");
  const add = db.prepare(
    "insert or ignore into devices (id, account, kind, sign, agree, made) values (?, ?, 'browser', x'', x'', 0)",
  );
  for (const device of person.devices) if (!devices.includes(device)) remove.run(device);
  for (const device of devices) add.run(device, account);
  person.devices.splice(0, Infinity, ...devices);
  db.prepare("update accounts set list_version = list_version + 1 where id = ?").run(account);
  db.prepare(
    "insert into list_entries select id, list_version, x'aa', zeroblob(64) from accounts where id = ?",
  ).run(account);
}

/** Envelopes for all devices of a person but `without`. */
export function destination(
  to: Person,
  envelope: Uint8Array,
  listVersion = 1,
  without: DeviceId | null = null,
): Destination {
  const devices = to.devices.filter((device) => device !== without);
  return {
    account: to.account,
    listVersion,
    envelopes: devices.map((device) => ({ device, envelope: envelope.slice() })),
  };
}

/** A submission by a person's first device. */
export function submission(
  from: Person,
  destinations: readonly Destination[],
  submit: SubmitId = nextId(),
): SubmissionWork {
  const device = from.devices[0]!;
  const sender = concat(idBytes(from.account), idBytes(device));
  return { account: from.account, device, sender, submit, destinations };
}

/** A batch of whatever is given. */
export function batch(work: Partial<QueueBatch>): QueueBatch {
  return { minute: 1000, hellos: [], confirms: [], submissions: [], acks: [], ...work };
}

/** Bytes that say which number they are. */
export function numbered(n: number, length = 300): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  new DataView(bytes.buffer).setUint32(0, n);
  return bytes;
}

/** The number in {@link numbered} bytes. */
export function numberIn(envelope: Uint8Array): number {
  return new DataView(envelope.buffer, envelope.byteOffset).getUint32(0);
}
