/** Looks for QR codes by camera and in pictures. Nothing that it sees leaves the device. */
import type * as QrRead from "./qr_read.ts";

export interface CameraParts {
  readonly video: HTMLVideoElement;
  /** Says how it goes. */
  readonly say: (words: string) => void;
  /** Fetches what reads QR codes. */
  readonly reader: () => Promise<typeof QrRead>;
  /** Takes what a code says. Asked again with every picture until {@link Camera.stop}. */
  readonly read: (text: string) => void | Promise<void>;
}

/** Longest edge of a picture that is looked at, and of a camera's frame. Pixels. */
const LARGEST = { file: 1_600, frame: 720 } as const;
/** Between two frames that are looked at. Milliseconds. */
const PAUSE = 200;

export class Camera {
  readonly #o: CameraParts;
  #stream: MediaStream | null = null;
  /** Counts starts and stops: what was begun before the last one is over, also where it waits for a permission. */
  #turn = 0;

  constructor(options: CameraParts) {
    this.#o = options;
  }

  /** Starts the camera and looks until it is stopped. Without one the words say what to do instead. */
  async film(): Promise<void> {
    const { video, say } = this.#o;
    this.stop();
    const turn = this.#turn;
    say("Starting the camera…");
    const wish = { facingMode: "environment" };
    try {
      const stream = await navigator.mediaDevices.getUserMedia({ video: wish });
      if (turn !== this.#turn) return stopStream(stream);
      this.#stream = stream;
      [video.muted, video.playsInline, video.srcObject] = [true, true, stream];
      await video.play();
    } catch {
      // None there, or not allowed: the browser has said which. Or it was stopped before it ran.
      if (turn !== this.#turn) return;
      this.stop();
      return say("The camera can’t be used here. Choose a picture of the code instead.");
    }
    if (turn !== this.#turn) return;
    video.hidden = false;
    say("Looking for the code…");
    await this.#watch(turn);
  }

  /** Looks at one picture. */
  async look(file: Blob | undefined): Promise<void> {
    if (!file) return;
    const { say, read } = this.#o;
    const bitmap = await createImageBitmap(file).catch(() => null);
    if (bitmap === null) return say("That file is no picture.");
    const { readQr } = await this.#reader();
    const picture = pixels(bitmap, bitmap.width, bitmap.height, LARGEST.file);
    bitmap.close();
    const text = picture && readQr(picture);
    if (text) await read(text);
    else say("There is no code in that picture that can be read. Try a sharper one.");
  }

  /** Off; nothing is read any more. */
  stop(): void {
    this.#turn++;
    if (this.#stream) stopStream(this.#stream);
    this.#stream = null;
    this.#o.video.hidden = true;
  }

  async #watch(turn: number): Promise<void> {
    const { video, read } = this.#o;
    const { readQr } = await this.#reader();
    while (turn === this.#turn) {
      const frame = pixels(video, video.videoWidth, video.videoHeight, LARGEST.frame);
      const text = frame && readQr(frame);
      if (text) await read(text);
      await new Promise((resolve) => setTimeout(resolve, PAUSE));
    }
  }

  async #reader(): Promise<typeof QrRead> {
    try {
      return await this.#o.reader();
    } catch (error) {
      this.stop();
      this.#o.say("This part of the page could not be loaded. Check your connection.");
      throw error;
    }
  }
}

function stopStream(stream: MediaStream): void {
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
