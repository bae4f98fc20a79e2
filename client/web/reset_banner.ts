/** Somebody wants to start the account over, and any device can stop it: this one says so. */
import type { Visible } from "./coming_back.ts";

/** Asks now and whenever the person is back; `show` hides or shows the words that lead to the page about it. */
export function watchReset(
  ask: () => Promise<{ readonly status: number }>,
  page: Visible,
  show: (waits: boolean) => void,
): void {
  const look = () => {
    // Without an answer what was said before stays.
    if (page.visibilityState === "visible") {
      ask().then(({ status }) => show(status === 200), () => {});
    }
  };
  page.addEventListener("visibilitychange", look);
  look();
}
