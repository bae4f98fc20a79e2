/** The entry of `/join#CODE`: keeps the code in this tab, out of the history, and goes on to the chat page. */
import { keepInvitation } from "./invitation.ts";

const { hash } = location;
history.replaceState(null, "", "/join");
try {
  keepInvitation(sessionStorage, hash);
} finally {
  // Where nothing may be kept, the chat page says so.
  location.replace("/chat");
}
