/** A safety number as it is compared: twelve groups of five digits. */
import type { Verification } from "../types.ts";
import { el } from "./dom.ts";

const GROUP = 5;
const GROUPS = 12;

/** `digits`: 60 of them, or null while they are being read. `labelledBy`: the heading's id. */
export function safetyDigits(digits: string | null, labelledBy: string): HTMLElement {
  const groups = Array.from({ length: GROUPS }, (_, i) => {
    const group = digits?.slice(i * GROUP, (i + 1) * GROUP) ?? "";
    return [el("span", {}, group), i + 1 < GROUPS ? " " : ""];
  });
  const className = digits === null ? "safety-number bone" : "safety-number";
  return el(
    "div",
    { class: className, role: "group", "aria-labelledby": labelledBy, dir: "ltr" },
    ...groups.flat(),
  );
}

/** Without what is only there to be read. */
export function bareDigits(number: string): string {
  return number.replace(/\D/g, "");
}

export function safetyWords(verification: Verification, name: string): string {
  switch (verification) {
    case "verified":
      return `You compared these 60 digits with ${name}. If the key ever changes, sending pauses and you are told.`;
    case "unverified":
      return `Compare these 60 digits with ${name}, face to face or in a call. ` +
        "If they are the same on both sides, nobody is in between.";
    case "changed":
      return `${name}’s key is a new one, and so are these digits. Compare them again before you go on.`;
  }
}
