/** Drives `snug chat --json`: one JSON object a line in, one a line out. */
import { snugCommand } from "./server.ts";

export type Line = Readonly<Record<string, unknown>> & { readonly event: string };

export interface Terminal {
  /** Says a command and waits for the answer that carries its ref back. */
  ask(command: Record<string, unknown>): Promise<Line>;
  /** Writes one raw line. */
  say(line: string): Promise<void>;
  /** Waits for the next line, from the first unread one on, that fits. */
  next(fits: (line: Line) => boolean): Promise<Line>;
  /** All lines so far. */
  lines(): readonly Line[];
  errors(): string;
  /** Asks it to quit and returns the exit status. */
  quit(): Promise<number>;
}

export function openTerminal(server: string, profile: string, flags: string[] = []): Terminal {
  const child = snugCommand("chat", ["--json", "--server", server, "--profile", profile, ...flags])
    .spawn();
  const writer = child.stdin.getWriter();
  const seen: Line[] = [];
  let wake = () => {};
  let ended = false;
  let errors = "";
  const say = (line: string) => writer.write(new TextEncoder().encode(`${line}\n`));
  const reading = readLines(child.stdout, (line) => {
    seen.push(JSON.parse(line) as Line);
    wake();
  }).then(() => {
    ended = true;
    wake();
  });
  const readingErrors = readLines(child.stderr, (line) => errors += `${line}\n`);
  const find = async (from: number, fits: (line: Line) => boolean) => {
    for (let at = from;; at++) {
      while (at >= seen.length) {
        if (ended) throw new Error(`the client ended; it said ${JSON.stringify(seen)}\n${errors}`);
        await new Promise<void>((resolve) => wake = chain(wake, resolve));
      }
      if (fits(seen[at]!)) return at;
    }
  };
  let unread = 0;
  let ref = 0;
  return {
    say,
    async ask(command) {
      const mine = ++ref;
      const from = seen.length;
      await say(JSON.stringify({ ...command, ref: mine }));
      return seen[await find(from, (line) => line["ref"] === mine)]!;
    },
    async next(fits) {
      const at = await find(unread, fits);
      unread = at + 1;
      return seen[at]!;
    },
    lines: () => seen,
    errors: () => errors,
    async quit() {
      await say(JSON.stringify({ do: "quit" }));
      await writer.close();
      await Promise.all([reading, readingErrors]);
      return (await child.status).code;
    },
  };
}

function chain(first: () => void, second: () => void): () => void {
  return () => {
    first();
    second();
  };
}

async function readLines(stream: ReadableStream<Uint8Array>, take: (line: string) => void) {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of stream) {
    const parts = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = parts.pop()!;
    for (const part of parts) if (part.trim() !== "") take(part);
  }
  if (rest.trim() !== "") take(rest);
}
