/** The page's clock, in milliseconds since 1970. Handed in from the entries; nothing else reads it. */
export const now = (): number => Date.now();
