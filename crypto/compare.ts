/**
 * Whether two secrets are equal, in a time that depends on their length only.
 * Use it for every MAC, code and key; `equalBytes` of protocol/encoding.ts is for public values.
 */
export function equalConstantTime(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let i = 0; i < a.length; i++) difference |= a[i]! ^ b[i]!;
  return difference === 0;
}
