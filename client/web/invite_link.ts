/** The page of an invite: takes the secret out of the address, where it would stay in the history, and sends it on. */
import { need, problem } from "./account/page.ts";

const form = need<HTMLFormElement>("#invite");
const secret = location.hash.slice(1);
history.replaceState(null, "", location.pathname);

if (/^[A-Za-z0-9_-]{43}$/.test(secret)) {
  need<HTMLInputElement>("input[name=invite]", form).value = secret;
  need<HTMLButtonElement>("button", form).disabled = false;
  form.requestSubmit();
} else {
  problem(form, "That link is not whole. Copy all of it, up to its last character, and try again.");
}
