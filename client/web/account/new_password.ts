/** The password field of sign-up: judged as it is typed, with the list of leaked passwords fetched on first use. */
import { type KnownPasswords, readKnownPasswords } from "../../known_passwords.ts";
import { adviseOnPassword } from "../../password_advice.ts";
import { hint, need } from "./page.ts";

/** Fetches the list once, when it is first needed; after a failure the next call tries again. */
export function lazyKnownPasswords(url: string): KnownPasswords {
  let list: Promise<KnownPasswords> | undefined;
  const load = async () => {
    const answer = await fetch(url);
    if (!answer.ok) throw new Error(`the list of passwords: status ${answer.status}`);
    return readKnownPasswords(await answer.arrayBuffer());
  };
  return async (password) => {
    list ??= load().catch((error) => {
      list = undefined;
      throw error;
    });
    return (await list)(password);
  };
}

/** Watches the field of a sign-up form; the answer judges what is in it now, and says so under the field. */
export function watchNewPassword(
  form: HTMLFormElement,
  known: KnownPasswords,
): () => Promise<boolean> {
  const field = need<HTMLInputElement>("#password", form);
  const judge = async () => {
    const password = field.value;
    const around = {
      username: need<HTMLInputElement>("#username", form).value,
      contact: need<HTMLInputElement>("#contact", form).value,
    };
    const advice = await adviseOnPassword(password, around, known);
    if (field.value === password) hint("password", stateOf(advice.ok, password), advice.words);
    return advice.ok;
  };
  field.addEventListener("input", judge);
  return judge;
}

function stateOf(ok: boolean, password: string): "quiet" | "ok" | "bad" {
  if (ok) return "ok";
  return password === "" ? "quiet" : "bad";
}
