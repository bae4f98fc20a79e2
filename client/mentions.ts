/** "@username" in a text. */

/** What a username is made of; protocol/api.ts has the pattern of a whole one. */
const PART_OF_NAME = "[a-z0-9_]";

/** Whether a text names this person: "@ana" and "(@Ana)!", not "@anabel" nor "a@ana.example". */
export function mentions(text: string, username: string): boolean {
  const name = username.replaceAll(/[^a-z0-9_]/g, "");
  const whole = new RegExp(`(?<!${PART_OF_NAME}|[.-])@${name}(?!${PART_OF_NAME})`, "i");
  return name === username && whole.test(text);
}
