/** A QR code as one SVG shape, made of nodes: nothing in it is ever parsed as markup. */
import encodeQR from "qr";

const SVG = "http://www.w3.org/2000/svg";
/** Light modules around the code; scanners need them (ISO/IEC 18004). */
const QUIET_ZONE = 4;

/** `name` is what screen readers say. Black on white in both themes: not every scanner reads the reverse. */
export function qrCode(text: string, name: string): SVGSVGElement {
  const rows = encodeQR(text, "raw", { ecc: "medium", border: QUIET_ZONE });
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "qr");
  svg.setAttribute("viewBox", `0 0 ${rows.length} ${rows.length}`);
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", name);
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", shape(rows));
  svg.append(path);
  return svg;
}

/** Every dark module as a square of one unit. */
export function shape(rows: readonly (readonly boolean[])[]): string {
  return rows.flatMap((row, y) => row.flatMap((dark, x) => dark ? [`M${x} ${y}h1v1h-1z`] : []))
    .join("");
}
