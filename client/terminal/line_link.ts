/** `/link` for people: a new terminal shows a code, a signed-in one takes it. */
import { formatCheck } from "../../crypto/device_link.ts";
import { qrLines } from "./qr_lines.ts";
import type { Refusal } from "../types.ts";
import type { ChatSession } from "./session.ts";

/** Nothing was done, and the same may go well in a moment. */
const AGAIN: ReadonlySet<Refusal> = new Set([
  ...["wrong-password", "rate-limited", "offline", "internal"] as const,
]);

export interface LineLinkParts {
  readonly session: ChatSession;
  readonly say: (words: string) => void;
  readonly print: (line: string) => void;
  /** Asks for the next line, which may be hidden as it is typed. */
  readonly ask: (words: string, take: (line: string) => Promise<void>, hidden?: boolean) => void;
  /** This terminal has become a device. */
  readonly opened: () => Promise<void>;
}

export class LineLink {
  readonly #o: LineLinkParts;

  constructor(options: LineLinkParts) {
    this.#o = options;
  }

  /** Without a device: shows a code. With one: takes the code of another. */
  async run(words: string[]): Promise<void> {
    const { session, say } = this.#o;
    if (!session.isOpen) return await this.#show();
    if (words.length === 0) return say("Like this: /link ABCD-2345-EFGH-6789");
    await this.#take(words.join(""));
  }

  async #show(): Promise<void> {
    const { session, say, print, opened } = this.#o;
    const shown = await session.link({
      met: (username, digits) =>
        say(`You are about to be @${username}. Type these digits there: ${formatCheck(digits)}`),
      entered: opened,
      over: say,
    });
    if (!shown.ok) return say(shown.words);
    const { address, code } = shown.value;
    say("On a device where you are signed in: Settings, Your devices, Link a device. Scan this:");
    for (const line of qrLines(address)) print(`  ${line}`);
    say("Or type the code there; at a terminal, /link and the code.");
    print(`  ${code}`);
    say("Show it to your own devices only. It is good for ten minutes, once.");
  }

  async #take(code: string): Promise<void> {
    const { session, say } = this.#o;
    say("Looking for the device with that code…");
    const taken = await session.takeLink(code);
    if (!taken.ok) return say(taken.words);
    say("It wants to be yours, and will read and write your messages, old and new.");
    say("Go on only if it is in front of you. Nobody who helps you needs this.");
    this.#askDigits("The six digits that it shows:");
  }

  #askDigits(words: string): void {
    const { session, say, ask } = this.#o;
    ask(words, async (line) => {
      const compared = await session.compareLink(line);
      if (compared.ok) return this.#askPassword("Your password, which opens your vault here:");
      if (compared.code === "bad-code") return this.#askDigits(compared.words);
      say(compared.words);
    });
  }

  #askPassword(words: string): void {
    const { session, say, ask } = this.#o;
    ask(words, async (line) => {
      say("One moment: the password is being stretched…");
      const approved = await session.approveLink(line);
      if (approved.ok) {
        return say("It is linked, and goes on by itself. You get a letter about it.");
      }
      // What is typed next is the password once more: without a question it would go to whoever is talked with.
      if (AGAIN.has(approved.code)) return this.#askPassword(approved.words);
      say(approved.words);
      say("This link is over. /link and a new code begin another.");
    }, true);
  }
}
