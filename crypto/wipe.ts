/**
 * Overwrites secrets that are no longer needed. JavaScript may have moved or copied them before: this shortens
 * the time a secret lies in memory, it does not promise that none is left.
 */
export function wipe(...secrets: readonly Uint8Array[]): void {
  for (const secret of secrets) secret.fill(0);
}
