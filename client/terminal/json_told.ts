/** What `snug chat --json` says in one line. */
export type Told = Readonly<Record<string, unknown>> & { readonly event: string };

/** A field of the command, as text. */
export type Read = (field: string) => string;
