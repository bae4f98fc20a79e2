/** The script behind "What others see": the signed list, fetched and judged as contacts' clients do it. */
import { safetyNumberGroups } from "../../../crypto/safety_number.ts";
import type { SeenAccount, SeenDevice } from "../../seen_devices.ts";
import { type Outcome, refused } from "../../types.ts";
import { el, fill, icon } from "../dom.ts";
import { counted } from "../words.ts";
import { need } from "./page.ts";

const DAY_MS = 86_400_000;
const DAY = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeZone: "UTC" });
const KINDS = { browser: "Browser", terminal: "Terminal" } as const;

const FAILED =
  "This browser could not look. Reload the page, or look from another of your devices.";

export async function runOthersSee(
  section: HTMLElement,
  look: () => Promise<Outcome<SeenAccount>>,
): Promise<void> {
  const words = need<HTMLElement>("[role=status]", section);
  // A bug, or a browser without what it takes: it is said, and nothing must pass for an answer.
  const outcome = await look().catch(() => refused("internal", FAILED));
  if (!outcome.ok) {
    words.dataset["state"] = "bad";
    words.textContent = outcome.words;
    return;
  }
  const { devices, half } = outcome.value;
  words.textContent = `${counted(devices.length, "device")}, signed by your account’s key:`;
  fill(need("#others-devices", section), ...devices.map(row));
  // Read aloud five digits at a time.
  fill(
    need("#others-number", section),
    ...safetyNumberGroups(half).map((group) => el("span", {}, group)),
  );
  need<HTMLElement>("#others-more", section).hidden = false;
}

function row({ kind, made, fingerprint, current }: SeenDevice): HTMLElement {
  const at = made * DAY_MS;
  const day = el("time", { datetime: new Date(at).toISOString().slice(0, 10) }, DAY.format(at));
  return el(
    "li",
    { class: "row-line" },
    icon(kind === "browser" ? "laptop" : "square-terminal"),
    el(
      "div",
      { class: "row-words" },
      el(
        "strong",
        {},
        `${KINDS[kind]}, added `,
        day,
        current && el("em", { class: "badge" }, "this one"),
      ),
      el(
        "span",
        {},
        el("span", { class: "sr" }, "Key: "),
        el("code", { class: "fingerprint", dir: "ltr" }, fingerprint),
      ),
    ),
  );
}
