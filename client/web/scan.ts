/** Compares safety numbers by camera, or by a picture of the other person's code. Nothing leaves the device. */
import type { Outcome, PersonConversation } from "../types.ts";
import { Camera } from "./camera.ts";
import { openDialog, type Opened } from "./dialog.ts";
import { button, el, fill, icon, setText } from "./dom.ts";
import { type MoreParts, outcomeOf } from "./more_parts.ts";
import { titleOf } from "./names.ts";
import { compareCode } from "./safety_code.ts";

export class Scan {
  readonly #parts: MoreParts;
  readonly #person: PersonConversation;
  readonly #digits: string;
  readonly #opened: Opened;
  readonly #video = el("video", { class: "scan-video", "aria-label": "Camera", hidden: true });
  readonly #status = el("p", { role: "status" });
  readonly #camera: Camera;
  #over = false;

  /** @param digits the safety number as it was shown; another key's is not compared with anything */
  constructor(parts: MoreParts, person: PersonConversation, digits: string) {
    this.#parts = parts;
    this.#person = person;
    this.#digits = digits;
    this.#opened = openDialog(`Compare with ${titleOf(person)}`, () => this.#stop());
    this.#camera = new Camera({
      video: this.#video,
      say: (words) => this.#say(words),
      reader: parts.qrReader,
      read: (text) => this.#judge(text),
    });
    this.#draw();
    void this.#camera.film();
  }

  #draw(): void {
    const file = el("input", { id: "scan-file", type: "file", accept: "image/*" });
    file.addEventListener("change", () => void this.#camera.look(file.files?.[0]));
    fill(
      this.#opened.body,
      el(
        "p",
        {},
        "On their device, open the details of your conversation and “Show as a code”. Point this camera at it.",
      ),
      this.#video,
      this.#status,
      el("label", { for: "scan-file" }, "Or choose a picture of their code"),
      file,
    );
  }

  async #judge(read: string): Promise<void> {
    if (this.#over) return;
    switch (compareCode(read, this.#digits)) {
      case "other":
        return this.#say("That is a code, but not a safety number.");
      case "different":
        return this.#end("shield-alert", "The numbers are different", DIFFERENT);
      case "same":
        return await this.#same();
    }
  }

  async #same(): Promise<void> {
    this.#over = true;
    const { tab } = this.#parts;
    const { account, verification } = this.#person;
    const accepted: Outcome<unknown> = verification === "changed"
      ? await outcomeOf(this.#parts, tab.acceptChange(account, this.#digits))
      : { ok: true, value: null };
    const marked = accepted.ok
      ? await outcomeOf(this.#parts, tab.setVerified(account, true))
      : accepted;
    if (!marked.ok) return this.#end("shield-alert", "Not marked", [marked.words]);
    const name = titleOf(this.#person);
    this.#end("shield-check", "The numbers are the same", [
      `${name} is verified: nobody is in between. If the key ever changes, sending pauses and you are told.`,
    ]);
  }

  #end(sign: string, title: string, words: readonly string[]): void {
    this.#over = true;
    this.#stop();
    const close = button("primary", "Close", this.#opened.close);
    fill(
      this.#opened.body,
      el(
        "div",
        { class: "scan-result", "data-sign": sign, role: "alert" },
        icon(sign),
        el("h3", {}, title),
        ...words.map((each) => el("p", {}, each)),
      ),
      el("p", {}, el("a", { href: "/safety", target: "_blank" }, "What this means")),
      el("div", { class: "dialog-actions" }, close),
    );
    close.focus();
  }

  #say(words: string): void {
    setText(this.#status, words);
  }

  #stop(): void {
    this.#over = true;
    this.#camera.stop();
  }
}

const DIFFERENT: readonly string[] = [
  "Did they show the code of their conversation with you? Every two people have their own.",
  "If they did, somebody may be reading along, or one of you sees an old key. Don’t send what must " +
  "stay between you, tell them in another way, and compare the digits once more.",
];
