/** A safety number as a QR code: what is in it, and what was read from one. */
const CODE = /^SNUG1:(\d{60})$/;

/** Capitals and digits only, which QR codes hold in few modules. */
export function safetyCode(digits: string): string {
  return `SNUG1:${digits}`;
}

/** "other": a code, but none of these. */
export function compareCode(read: string, digits: string): "same" | "different" | "other" {
  const found = CODE.exec(read);
  if (!found) return "other";
  return found[1] === digits ? "same" : "different";
}
