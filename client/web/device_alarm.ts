/** A device was added to one's own account: its owner says whether it was them, or takes it out again. */
import type { OwnAlarm } from "../types.ts";
import { busyWhile, confirmed } from "./dialog.ts";
import { button, el, fill, need } from "./dom.ts";
import { type MoreParts, outcomeOf } from "./more_parts.ts";

/** Stays until it is answered, over whatever is open. One that is gone meanwhile is asked about in other words. */
export function showDeviceAlarm(parts: MoreParts, { device, words, gone }: OwnAlarm): void {
  const id = `alarm-${device}`;
  const before = document.getElementById(id);
  if (before !== null && (!gone || before.dataset["state"] !== "new")) return;
  before?.remove();
  const alarm = el("div", { id, class: "standing alarm", role: "alert" });
  alarm.dataset["state"] = gone ? "gone" : "new";
  const mine = button("secondary", "That was me", () => {
    alarm.remove();
    // It is asked again at the next opening, then.
    parts.tab.acceptDevice(device).catch(() => parts.complain(parts.failed));
  });
  fill(
    alarm,
    el("p", {}, words),
    ...gone ? [mine, password()] : [mine, remover(parts, alarm, device)],
  );
  need("reset-banner").after(alarm);
}

function remover(parts: MoreParts, alarm: HTMLElement, device: OwnAlarm["device"]): HTMLElement {
  const out = button("secondary", "Remove it", async () => {
    alarm.dataset["state"] = "leaving";
    if (await confirmed(QUESTION)) return await remove(parts, { alarm, out, device });
    alarm.dataset["state"] = "new";
    out.focus();
  });
  return out;
}

interface Leaving extends Pick<OwnAlarm, "device"> {
  readonly alarm: HTMLElement;
  readonly out: HTMLElement;
}

async function remove(parts: MoreParts, { alarm, out, device }: Leaving): Promise<void> {
  const removed = await busyWhile(out, outcomeOf(parts, parts.tab.revokeDevice(device)));
  if (!removed.ok) {
    alarm.dataset["state"] = "new";
    return parts.complain(removed.words);
  }
  const close = button("secondary", "Done", () => alarm.remove());
  fill(alarm, el("p", {}, REMOVED), password(), close);
  close.focus();
}

function password(): HTMLElement {
  return el("a", { href: "/settings/password" }, "Change the password");
}

const QUESTION = {
  title: "Remove that device?",
  words:
    "It is signed out at once, gets no more messages, and erases what it keeps when it next opens.",
  yes: "Remove it",
  grave: true,
};
const REMOVED = "It is removed. Whoever added it knows your password: change it.";
