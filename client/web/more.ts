/** The entry of chat_more.js: everything of the chat page that its first screen does not need. */
import { Details } from "./details.ts";
import { showDeviceAlarm } from "./device_alarm.ts";
import { now } from "./entry/clock.ts";
import { openHistoryDialog } from "./history_dialog.ts";
import { JoinPreview } from "./join_preview.ts";
import { MentionPicker } from "./mention_picker.ts";
import { NewConversation, type StartTab } from "./new_conversation.ts";
import type { MoreParts } from "./more_parts.ts";
import type { OwnAlarm, PersonConversation } from "../types.ts";
import { openReport } from "./report.ts";

export type { MoreParts, StartTab };

/** What stands behind the page's buttons, over the page's own parts. */
export interface MoreOfPage {
  readonly details: Details;
  readonly mentions: MentionPicker;
  /** Opens the dialog that tells whoever runs the server about somebody. */
  report(conversation: PersonConversation): void;
  /** Opens the dialog for a new conversation. */
  start(tab: StartTab, username?: string): void;
  /** Asks whether a device that was added was added by its owner. */
  alarm(alarm: OwnAlarm): void;
  /** Opens the dialog "Your history". */
  history(): void;
  /** Shows what a code opens; `decided` is called once, when the person has made up their mind. */
  invite(code: string, decided: () => void): void;
}

export function makeMore(parts: MoreParts): MoreOfPage {
  const dialog = new NewConversation(parts);
  const preview = new JoinPreview(parts);
  return {
    details: new Details(parts),
    mentions: new MentionPicker(parts),
    report: (conversation) => void openReport(parts, conversation),
    alarm: (alarm) => showDeviceAlarm(parts, alarm),
    history: () => openHistoryDialog({ ...parts, now }),
    start: (tab, username) => dialog.open(tab, username),
    invite(code, decided) {
      if (code.trim() !== "") return preview.open(code, decided);
      decided();
      dialog.open("join");
    },
  };
}
