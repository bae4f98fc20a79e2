/** A device was added to one's own account: its owner says whether it was them, or takes it out again. */
import type { DeviceId } from "../../protocol/ids.ts";
import { busyWhile, confirmed } from "./dialog.ts";
import { button, el, fill, need } from "./dom.ts";
import { type MoreParts, outcomeOf } from "./more_parts.ts";

/** Stays until it is answered, over whatever is open. */
export function showDeviceAlarm(parts: MoreParts, device: DeviceId, words: string): void {
  const id = `alarm-${device}`;
  if (document.getElementById(id) !== null) return;
  const alarm = el("div", { id, class: "standing alarm", role: "alert" });
  const mine = button("secondary", "That was me", async () => {
    alarm.remove();
    await parts.tab.acceptDevice(device);
  });
  const out = button("secondary", "Remove it", async () => {
    if (!await confirmed(QUESTION)) return out.focus();
    const removed = await busyWhile(out, outcomeOf(parts, parts.tab.revokeDevice(device)));
    if (!removed.ok) return parts.complain(removed.words);
    const close = button("secondary", "Done", () => alarm.remove());
    fill(alarm, el("p", {}, REMOVED), password(), close);
    close.focus();
  });
  fill(alarm, el("p", {}, words), mine, out);
  need("reset-banner").after(alarm);
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
