/** Compares safety numbers by camera, or by a picture of the other person's code. Nothing leaves the device. */
import type { Outcome, PersonConversation } from "../types.ts";
import { openDialog, type Opened } from "./dialog.ts";
import { button, el, fill, icon, setText } from "./dom.ts";
import { type MoreParts, outcomeOf } from "./more_parts.ts";
import { titleOf } from "./names.ts";
import type * as QrRead from "./qr_read.ts";
import { compareCode } from "./safety_code.ts";

/** Longest edge of a picture that is looked at, and of a camera's frame. Pixels. */
const LARGEST = { file: 1_600, frame: 720 } as const;
/** Between two frames that are looked at. Milliseconds. */
const PAUSE = 200;

export class Scan {
  readonly #parts: MoreParts;
  readonly #person: PersonConversation;
  readonly #digits: string;
  readonly #opened: Opened;
  readonly #video = el("video", { class: "scan-video", "aria-label": "Camera", hidden: true });
  readonly #status = el("p", { role: "status" });
  #stream: MediaStream | null = null;
  #over = false;

  /** @param digits the safety number as it was shown; another key's is not compared with anything */
  constructor(parts: MoreParts, person: PersonConversation, digits: string) {
    this.#parts = parts;
    this.#person = person;
    this.#digits = digits;
    this.#opened = openDialog(`Compare with ${titleOf(person)}`, () => this.#stop());
    this.#draw();
    void this.#film();
  }

  #draw(): void {
    this.#video.muted = true;
    this.#video.playsInline = true;
    const file = el("input", { id: "scan-file", type: "file", accept: "image/*" });
    file.addEventListener("change", () => void this.#look(file.files?.[0]));
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

  async #film(): Promise<void> {
    this.#say("Starting the camera…");
    const video = { facingMode: "environment" };
    try {
      const stream = await navigator.mediaDevices.getUserMedia({ video });
      if (this.#over) return stop(stream);
      this.#stream = stream;
      this.#video.srcObject = stream;
      await this.#video.play();
    } catch {
      // None there, or not allowed: the browser has said which.
      return this.#say("The camera can’t be used here. Choose a picture of the code instead.");
    }
    this.#video.hidden = false;
    this.#say("Looking for the code…");
    await this.#watch();
  }

  async #watch(): Promise<void> {
    const { readQr } = await this.#reader();
    while (!this.#over && this.#stream) {
      const { videoWidth, videoHeight } = this.#video;
      const frame = pixels(this.#video, videoWidth, videoHeight, LARGEST.frame);
      const read = frame && readQr(frame);
      if (read) await this.#judge(read);
      await new Promise((resolve) => setTimeout(resolve, PAUSE));
    }
  }

  async #look(file: Blob | undefined): Promise<void> {
    if (!file) return;
    const bitmap = await createImageBitmap(file).catch(() => null);
    if (bitmap === null) return this.#say("That file is no picture.");
    const { readQr } = await this.#reader();
    const picture = pixels(bitmap, bitmap.width, bitmap.height, LARGEST.file);
    bitmap.close();
    const read = picture && readQr(picture);
    if (read) await this.#judge(read);
    else this.#say("There is no code in that picture that can be read. Try a sharper one.");
  }

  async #reader(): Promise<typeof QrRead> {
    try {
      return await this.#parts.qrReader();
    } catch (error) {
      this.#say("This part of the page could not be loaded. Check your connection.");
      throw error;
    }
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
    if (this.#stream) stop(this.#stream);
    this.#stream = null;
  }
}

const DIFFERENT: readonly string[] = [
  "Did they show the code of their conversation with you? Every two people have their own.",
  "If they did, somebody may be reading along, or one of you sees an old key. Don’t send what must " +
  "stay between you, tell them in another way, and compare the digits once more.",
];

function stop(stream: MediaStream): void {
  for (const track of stream.getTracks()) track.stop();
}

/** The picture at a size that can be looked through quickly; null for an empty one. */
function pixels(
  source: CanvasImageSource,
  width: number,
  height: number,
  largest: number,
): ImageData | null {
  const scale = Math.min(1, largest / Math.max(width, height));
  const [w, h] = [Math.round(width * scale), Math.round(height * scale)];
  if (w < 1 || h < 1) return null;
  const canvas = document.createElement("canvas");
  canvas.width = w;
  canvas.height = h;
  const context = canvas.getContext("2d", { willReadFrequently: true });
  if (context === null) return null;
  // A picture of a code may be transparent around it.
  context.fillStyle = "#ffffff";
  context.fillRect(0, 0, w, h);
  context.drawImage(source, 0, 0, w, h);
  return context.getImageData(0, 0, w, h);
}
