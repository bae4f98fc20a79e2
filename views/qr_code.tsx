/** A QR code as one path of an SVG, drawn on the server: its text reaches no script and no cache. */
import encodeQR from "qr";
import type { Html } from "./html.ts";

/** Light dots around the code, by ISO/IEC 18004. */
const QUIET_ZONE = 4;

/** Dark on light in both themes: readers expect it so. */
export function QrCode({ text, label }: { text: string; label: string }): Html {
  const rows = encodeQR(text, "raw", { ecc: "medium", border: QUIET_ZONE });
  return (
    <svg
      class="qr-code"
      role="img"
      aria-label={label}
      viewBox={`0 0 ${rows.length} ${rows.length}`}
      shape-rendering="crispEdges"
    >
      <path d={dark(rows)} />
    </svg>
  );
}

/** A unit square for every dark dot. */
function dark(rows: readonly (readonly boolean[])[]): string {
  return rows.flatMap((row, y) => row.map((on, x) => on ? `M${x} ${y}h1v1h-1z` : "")).join("");
}
