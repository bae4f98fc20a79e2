/** Telling one's own other devices something that is for them alone. */
import type { DeviceKeys } from "../crypto/account.ts";
import { type DeviceId, randomId } from "../protocol/ids.ts";
import type { Change } from "./change.ts";
import type { ContentBody } from "./content.ts";
import type { Outbox } from "./outbox.ts";
import { getContact } from "./timeline.ts";

export interface OwnTelling {
  readonly own: DeviceKeys;
  readonly outbox: Pick<Outbox, "stage">;
  readonly now: () => number;
}

/** Queues a control content for one's own other devices, or for some of them. */
export async function tellOwnDevices(
  change: Change,
  { own: { account, device: self }, outbox, now }: OwnTelling,
  body: ContentBody,
  to?: readonly DeviceId[],
): Promise<void> {
  const contact = await getContact(change, account);
  const others = (contact?.list.devices ?? []).map(({ device }) => device)
    .filter((device) => device !== self && (to === undefined || to.includes(device)));
  if (others.length === 0) return;
  const staged = { id: randomId<"message">(), conversation: account, body, only: others };
  await outbox.stage(change, { ...staged, time: now(), copy: false });
}
