/** The entry of qr_read.js: what a QR code in a picture says. Fetched when somebody compares by camera. */
import decodeQR from "qr/decode.js";

/** The text of the code in the picture; null when there is none that can be read. */
export function readQr(picture: ImageData): string | null {
  try {
    return decodeQR(picture);
  } catch {
    // The package's only way to say that there is no code in this frame.
    return null;
  }
}
