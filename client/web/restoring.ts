/** The line under the list while a new browser fetches what was said before it came. */
import { need, setText } from "./dom.ts";
import type { Tab } from "./leader.ts";

/** Between two looks. Milliseconds. */
const AGAIN = 1_500;
const WORDS = "Your earlier conversations are coming back…";

/** Shows it for as long as it is so. A device that has everything asks once and shows nothing. */
export async function showRestoring({ history }: Pick<Tab, "history">): Promise<void> {
  const line = need("restoring");
  const words = need("restoring-words");
  for (;;) {
    // Who leads may have gone meanwhile; then the next one is asked.
    const status = await history.status().catch(() => null);
    if (status?.restored ?? false) break;
    setText(words, WORDS);
    line.hidden = status === null;
    await new Promise((resolve) => setTimeout(resolve, AGAIN));
  }
  line.hidden = true;
}
