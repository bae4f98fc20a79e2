/** A QR code in a terminal: two dots in one character, black on white whatever the terminal's colours are. */
import encodeQR from "qr";

/** Light dots around the code. ISO/IEC 18004 asks for four; two are read as well, and leave it on one screen. */
const QUIET_ZONE = 2;
/** ECMA-48, SGR: black on white, and back. */
const [PAPER, END] = ["\x1b[30;107m", "\x1b[0m"];

export function qrLines(text: string): string[] {
  const rows = encodeQR(text, "raw", { ecc: "low", border: QUIET_ZONE });
  return rows.filter((_, y) => y % 2 === 0).map((upper, at) => {
    const lower = rows[2 * at + 1] ?? [];
    return PAPER + upper.map((dark, x) => half(dark, lower[x] ?? false)).join("") + END;
  });
}

function half(upper: boolean, lower: boolean): string {
  if (upper) return lower ? "█" : "▀";
  return lower ? "▄" : " ";
}
