import assert from "node:assert/strict";
import { makeDrafts } from "../../../client/web/drafts.ts";
import type { ConversationId } from "../../../client/types.ts";
import { fakeId } from "../../helpers/fake_scenario.ts";

const ben = fakeId<ConversationId>("ben");

class FakeStorage implements Storage {
  readonly kept = new Map<string, string>();
  full = false;
  get length(): number {
    return this.kept.size;
  }
  clear(): void {
    this.kept.clear();
  }
  key(): string | null {
    return null;
  }
  getItem(key: string): string | null {
    return this.kept.get(key) ?? null;
  }
  setItem(key: string, text: string): void {
    if (this.full) throw new DOMException("full", "QuotaExceededError");
    this.kept.set(key, text);
  }
  removeItem(key: string): void {
    this.kept.delete(key);
  }
}

Deno.test("a draft is there again after a reload, and gone when it is sent", () => {
  const storage = new FakeStorage();
  makeDrafts(storage).write(ben, "half a");
  const drafts = makeDrafts(storage);
  assert.equal(drafts.read(ben), "half a");
  drafts.hand(ben, "half a");
  drafts.settle(ben, "half a");
  assert.equal(drafts.read(ben), "");
  assert.equal(storage.length, 0);
});

Deno.test("a reload between Enter and the engine's disk loses nothing", () => {
  const storage = new FakeStorage();
  const drafts = makeDrafts(storage);
  drafts.write(ben, "first");
  drafts.hand(ben, "first");
  assert.equal(drafts.read(ben), "", "the field is empty at once");
  drafts.write(ben, "second");
  drafts.hand(ben, "second");
  drafts.write(ben, "thi");
  assert.equal(makeDrafts(storage).read(ben), "first\nsecond\nthi");
  drafts.settle(ben, "first");
  assert.equal(makeDrafts(storage).read(ben), "second\nthi");
});

Deno.test("what the engine refused stands before what was typed since, once", () => {
  const drafts = makeDrafts(new FakeStorage());
  drafts.hand(ben, "too fast");
  drafts.write(ben, "next");
  drafts.takeBack(ben, "too fast");
  assert.equal(drafts.read(ben), "too fast\nnext");
  drafts.hand(ben, "again");
  drafts.write(ben, "again");
  drafts.takeBack(ben, "again");
  assert.equal(drafts.read(ben), "again");
});

Deno.test("a storage that is full or forbidden costs the reload, not the draft", () => {
  const storage = new FakeStorage();
  storage.full = true;
  const drafts = makeDrafts(storage);
  drafts.write(ben, "kept in memory");
  assert.equal(drafts.read(ben), "kept in memory");
});
