/** A QR code before the camera: films that Chromium's fake camera plays. */
import encodeQR from "qr";
import { concat, utf8 } from "../../protocol/encoding.ts";

/** What starts Chromium with `film` before its camera. The file may be written later, until the camera starts. */
export const cameraWith = (film: string): string[] => [
  "--use-fake-ui-for-media-stream",
  "--use-fake-device-for-media-stream",
  `--use-file-for-fake-video-capture=${film}`,
];

/** Rows of dots, dark ones true. */
export type Dots = readonly (readonly boolean[])[];

export function dotsOf(text: string): Dots {
  return encodeQR(text, "raw", { ecc: "medium", border: 4 });
}

/** The dots of a code that a page shows as one path of unit squares, `M3 4h1v1h-1z…`. */
export function dotsShown(path: string, size: number): Dots {
  const dark = new Set([...path.matchAll(/M(\d+) (\d+)/g)].map(([, x, y]) => `${x} ${y}`));
  return Array.from(
    { length: size },
    (_, y) => Array.from({ length: size }, (_, x) => dark.has(`${x} ${y}`)),
  );
}

/** Writes a film of one code: grey frames of 640 by 480. @returns where it is */
export async function filmOf(dots: Dots, file?: string): Promise<string> {
  const [width, height, size] = [640, 480, 8];
  const [left, top] = [(width - dots.length * size) / 2, (height - dots.length * size) / 2];
  const grey = new Uint8Array(width * height * 3 / 2).fill(128);
  for (let at = 0; at < width * height; at++) {
    const [x, y] = [at % width, Math.floor(at / width)];
    const dark = dots[Math.floor((y - top) / size)]?.[Math.floor((x - left) / size)];
    grey[at] = dark ? 16 : 235;
  }
  const film = file ?? await Deno.makeTempFile({ suffix: ".y4m" });
  const frame = [utf8("FRAME\n"), grey];
  const head = utf8(`YUV4MPEG2 W${width} H${height} F10:1 Ip A1:1 C420jpeg\n`);
  await Deno.writeFile(film, concat(head, ...frame, ...frame));
  return film;
}
