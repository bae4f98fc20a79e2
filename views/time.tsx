/** Moments as people read them. In UTC: the server does not know where the reader is. */
import type { Html } from "./html.ts";

const DAY = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeZone: "UTC" });
const MINUTE = new Intl.DateTimeFormat("en-GB", {
  dateStyle: "medium",
  timeStyle: "short",
  timeZone: "UTC",
});

/** `at` in milliseconds since 1970; `day` leaves the time of day out. */
export function Time({ at, day = false }: { at: number; day?: boolean }): Html {
  const iso = new Date(at).toISOString();
  return (
    <time datetime={day ? iso.slice(0, 10) : iso}>
      {day ? DAY.format(at) : `${MINUTE.format(at)} UTC`}
    </time>
  );
}
