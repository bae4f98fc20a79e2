/** The people of a room, asked for all at once, from a server that may say what it likes. */
import assert from "node:assert/strict";
import { Writer } from "../../client/change.ts";
import type { DeviceApi } from "../../client/device_login.ts";
import { Directory } from "../../client/directory.ts";
import { Outbox } from "../../client/outbox.ts";
import { MemoryStore } from "../../client/store_memory.ts";
import { Supplies } from "../../client/supplies.ts";
import { getContact } from "../../client/timeline.ts";
import type { EngineEvent } from "../../client/types.ts";
import { type AccountId, randomId } from "../../protocol/ids.ts";
import type { PeopleAnswer } from "../../protocol/room_api.ts";
import { makeOwner, type Owner } from "../helpers/owners.ts";

type Page = PeopleAnswer["people"];

function claim({ list, entries }: Owner, username: string): Page[number] {
  return { account: list.account, username, fullName: "", entries: [...entries] };
}

/** A device that asks for `wanted`, and what it knows afterwards. */
async function asked(pages: readonly PeopleAnswer[], wanted: readonly AccountId[]) {
  const me = await makeOwner();
  const events: EngineEvent[] = [];
  const questions: (AccountId | null)[] = [];
  const writer = new Writer(new MemoryStore(), (event) => events.push(event));
  const api: Pick<DeviceApi, "roomPeople"> = {
    roomPeople: (_room, after) => {
      const value = pages[Math.min(questions.length, pages.length - 1)]!;
      questions.push(after);
      return Promise.resolve({ ok: true, value });
    },
  };
  const now = () => 0;
  const supplies = new Supplies({
    ...{ writer, api: api as DeviceApi, outbox: new Outbox(me.device, now) },
    directory: new Directory(me.device, now),
  });
  const supply = await supplies.members(randomId<"room">(), new Set(wanted));
  const knows = (account: AccountId) => writer.change((change) => getContact(change, account));
  return { supply, questions, events, knows };
}

Deno.test("people of a room are met page by page, and only those who were asked for", async () => {
  const [ana, ben, cleo] = [await makeOwner(), await makeOwner(), await makeOwner()];
  const [a, b] = [ana.list.account, ben.list.account];
  const { supply, questions, knows } = await asked([
    { people: [claim(ana, "ana"), claim(cleo, "cleo")], next: a },
    { people: [claim(ben, "ben")], next: null },
  ], [a, b]);
  assert.equal(supply.kind, "done");
  assert.deepEqual(questions, [null, a]);
  assert.equal((await knows(a))?.username, "ana");
  assert.equal((await knows(b))?.username, "ben");
  assert.equal(await knows(cleo.list.account), undefined, "nobody asked for Cleo");
});

Deno.test("attack: the server gives one member another's device list", async () => {
  const [ana, ben] = [await makeOwner(), await makeOwner()];
  const forged = { ...claim(ana, "ana"), entries: [...ben.entries] };
  const { events, knows } = await asked(
    [{ people: [forged, claim(ben, "ben")], next: null }],
    [ana.list.account, ben.list.account],
  );
  assert.equal(await knows(ana.list.account), undefined);
  assert.equal((await knows(ben.list.account))?.username, "ben", "the others are met all the same");
  assert.ok(events.some((one) => one.kind === "warning" && one.what === "bad-list"));
});

Deno.test("attack: the server's pages never end", async () => {
  const ana = await makeOwner();
  const endless = { people: [claim(ana, "ana")], next: ana.list.account };
  const { supply, questions } = await asked([endless], [ana.list.account]);
  assert.equal(supply.kind, "done");
  assert.equal(questions.length, 2);
});
