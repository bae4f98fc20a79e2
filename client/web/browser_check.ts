/** Tells an older browser at once what it lacks. Runs by itself, so that it works where the chat's script cannot. */
import { missing, SUPPORTED } from "./capability.ts";
import { showGate } from "./notices.ts";

missing(globalThis).then((list) => {
  document.documentElement.dataset["lacks"] = String(list.length);
  if (list.length === 0) return;
  showGate({
    title: "This browser can’t run Snug yet",
    words: `Snug encrypts in the page and needs what newer browsers have: ${SUPPORTED}. ` +
      "Here is what is missing:",
    list,
  });
});
