/**
 * What chains name and the server does not give. Signed heads say how many segments of a conversation there are; they
 * cost the server nothing to show while it keeps the segments themselves to itself.
 */
import type { DeviceKeys } from "../crypto/account.ts";
import { dayOf } from "../protocol/bundle.ts";
import type { DeviceId } from "../protocol/ids.ts";
import type { ArchiveApi } from "./archive_api.ts";
import { checkArchive, type Checked, type Heads, namedEnds } from "./archive_check.ts";
import type { ArchiveKeys } from "./archive_keys.ts";
import type { ArchiveReader } from "./archive_reader.ts";
import { archiveKeys, type PageState } from "./archive_records.ts";
import type { Writer } from "./change.ts";
import type { DeviceApi } from "./device_login.ts";
import type { LocalStore } from "./store.ts";
import { getContact } from "./timeline.ts";
import type { ConversationId } from "./types.ts";

export interface CheckParts {
  readonly own: DeviceKeys;
  readonly store: LocalStore;
  readonly writer: Writer;
  readonly api: DeviceApi;
  readonly archive: ArchiveApi;
  readonly keys: ArchiveKeys;
  readonly reader: ArchiveReader;
  readonly now: () => number;
}

/** Everything that can be said of what is missing; null when the server did not answer. */
export async function checkAll(
  { own, store, writer, api, archive, keys, reader, now }: CheckParts,
): Promise<Checked | null> {
  const contact = await writer.change((change) => getContact(change, own.account));
  const ends = contact && await namedEnds(api, contact.list, own.device, dayOf(now()));
  const walked = ends ? await checkArchive(archive, keys, ends) : null;
  if (walked === null) return null;
  const restored = await store.get("meta", archiveKeys.restored) === true;
  const kept = await omitted(reader, walked.heads, own.device, restored);
  if (kept === null) return null;
  return { ...walked.checked, missing: walked.checked.missing + kept + reader.unreadable };
}

/**
 * Segments that a new device cannot get: of conversations that it has fetched to their beginning, and of conversations
 * that it was never told of. Looked for once more first: some may have come later. Null when the server did not answer.
 * @param self this device, which needs none of its own
 * @param restored whether this device has its conversations from the archive
 */
async function omitted(
  reader: ArchiveReader,
  heads: Heads,
  self: DeviceId,
  restored: boolean,
): Promise<number | null> {
  if (restored && await hidden(reader, heads, self) > 0 && !await reader.restore()) return null;
  for (const [conversation, page] of await reader.whole()) {
    if (lackingOf(page, heads, self) === 0) continue;
    if (!await readAgain(reader, conversation)) return null;
  }
  const pages = [...(await reader.whole()).values()];
  const lacking = pages.reduce((sum, page) => sum + lackingOf(page, heads, self), 0);
  return lacking + (restored ? await hidden(reader, heads, self) : 0);
}

async function readAgain(reader: ArchiveReader, conversation: ConversationId): Promise<boolean> {
  await reader.again(conversation);
  while (await reader.hasMore(conversation)) if (!await reader.more(conversation)) return false;
  return true;
}

function lackingOf({ tags }: PageState, heads: Heads, self: DeviceId): number {
  let lacking = 0;
  for (const { tag, have } of tags) {
    for (const [device, numbers] of heads.get(tag) ?? []) {
      const came = new Set(have[device]);
      if (device !== self) lacking += numbers.filter((seq) => !came.has(seq)).length;
    }
  }
  return lacking;
}

/** Of conversations that nothing here belongs to. */
async function hidden(reader: ArchiveReader, heads: Heads, self: DeviceId): Promise<number> {
  const known = await reader.tags();
  let hidden = 0;
  for (const [tag, devices] of heads) {
    if (known.has(tag)) continue;
    for (const [device, numbers] of devices) if (device !== self) hidden += numbers.length;
  }
  return hidden;
}
