/**
 * Makes a picture small enough to travel in a room's log. It is drawn anew, so nothing but what is seen is sent: no place
 * where it was taken, no name of the camera.
 */
import { MAX_ROOM_PICTURE_BYTES } from "../../protocol/limits.ts";
import type { Bytes } from "../../protocol/encoding.ts";

/** Larger files are not even opened. Bytes. */
const LARGEST_FILE = 40 * 1024 * 1024;
/** Tried one after the other until one fits: edge in pixels, quality. */
const SIZES = [128, 112, 96, 80, 64, 48];
const QUALITIES = [0.85, 0.7, 0.5, 0.3];

/** A square of at most MAX_ROOM_PICTURE_BYTES as WebP or JPEG; null for what is no picture. */
export async function smallPicture(file: Blob): Promise<Bytes | null> {
  if (file.size > LARGEST_FILE) return null;
  const bitmap = await createImageBitmap(file).catch(() => null);
  if (bitmap === null) return null;
  try {
    for (const edge of SIZES) {
      const canvas = drawn(bitmap, edge);
      for (const quality of QUALITIES) {
        const bytes = await encoded(canvas, quality);
        if (bytes !== null && bytes.length <= MAX_ROOM_PICTURE_BYTES) return bytes;
      }
    }
    return null;
  } finally {
    bitmap.close();
  }
}

/** The middle of it, as large a square as it has. */
function drawn(bitmap: ImageBitmap, edge: number): HTMLCanvasElement {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = edge;
  const pen = canvas.getContext("2d")!;
  const { width, height } = bitmap;
  const side = Math.min(width, height);
  pen.imageSmoothingQuality = "high";
  // JPEG has no transparency; without this it would be black.
  pen.fillStyle = "#ffffff";
  pen.fillRect(0, 0, edge, edge);
  pen.drawImage(bitmap, (width - side) / 2, (height - side) / 2, side, side, 0, 0, edge, edge);
  return canvas;
}

/** WebP where the browser writes it, else JPEG. A browser that knows neither writes PNG, which is no use here. */
async function encoded(canvas: HTMLCanvasElement, quality: number): Promise<Bytes | null> {
  for (const type of ["image/webp", "image/jpeg"]) {
    const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, type, quality));
    if (blob?.type === type) return new Uint8Array(await blob.arrayBuffer());
  }
  return null;
}
